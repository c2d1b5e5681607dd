# Answers to the exercises of lesson 17. Run by tests/exercises/test_answers.py.


# %% best right
def best():
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


# %% best wrong: neither
def best():
    return "cuda"


# %% best wrong: neither
def best():
    return "cuda" if torch.cuda.is_available else "cpu"


# %% best wrong: Apple
def best():
    return "cuda" if torch.cuda.is_available() else "cpu"


# %% best wrong: return
def best():
    found = {"cpu": True}
    found["cuda"] = torch.cuda.is_available()


# %% formats right
numbers = {"float32": 3, "bfloat16": 1, "there and back": 2}

# %% formats wrong: there and back
numbers = {"float32": 2, "bfloat16": 1, "there and back": 3}

# %% formats wrong: bfloat16
numbers = {"float32": 3, "bfloat16": 2, "there and back": 1}


# %% half_copy right
def half_copy(pipe):
    return sd.load_pipeline(dtype=torch.bfloat16)


# %% half_copy right
def half_copy(pipe):
    from copy import deepcopy

    return deepcopy(pipe).to(torch.bfloat16)


# %% half_copy wrong: two
def half_copy(pipe):
    copy = pipe
    copy.to(torch.bfloat16)
    return copy


# %% half_copy wrong: untouched
def half_copy(pipe):
    copy = type(pipe)(**pipe.components, requires_safety_checker=False)
    return copy.to(torch.bfloat16)


# %% half_copy wrong: untouched
def half_copy(pipe):
    from copy import deepcopy

    copy = deepcopy(pipe.to(torch.bfloat16))
    pipe.to(torch.float32)
    return copy


# %% half_copy wrong: bfloat16
def half_copy(pipe):
    from copy import deepcopy

    copy = deepcopy(pipe)
    copy.unet.to(torch.bfloat16)
    return copy
