# Answers to the exercises of lesson 19. Run by tests/exercises/test_answers.py.


# %% short_numbers right
def rocket(pipe):
    with torch.autocast("cpu"):
        return pipe(PROMPT, generator=sd.generator(4), **short).images[0]


# %% short_numbers right
def rocket(pipe):
    with torch.autocast(pipe.device.type, dtype=torch.bfloat16):
        picture = pipe(PROMPT, generator=sd.generator(4), **short).images[0]
    return picture


# %% short_numbers wrong: bfloat16
def rocket(pipe):
    with torch.autocast("cuda"):
        return pipe(PROMPT, generator=sd.generator(4), **short).images[0]


# %% short_numbers wrong: weights
def rocket(pipe):
    pipe.to(torch.bfloat16)
    return pipe(PROMPT, generator=sd.generator(4), **short).images[0]


# %% short_numbers wrong: bfloat16
def rocket(pipe):
    with torch.autocast("cpu"):
        start = sd.generator(4)
    return pipe(PROMPT, generator=start, **short).images[0]


# %% short_numbers wrong: picture
def rocket(pipe):
    with torch.autocast("cpu"):
        return pipe(PROMPT, generator=sd.generator(5), **short).images[0]


# %% short_numbers wrong: pipeline
def rocket(pipe):
    other = sd.load_pipeline(dtype=torch.bfloat16)
    return other(PROMPT, generator=sd.generator(4), **short).images[0]


# %% who_casts right
names = ["two", "five"]

# %% who_casts wrong: only
names = ["two", "four", "five"]

# %% who_casts wrong: all
names = ["five"]

# %% who_casts wrong: choice
names = ["2", "5"]

# %% who_casts wrong: list
names = "two"


# %% lean right
def lean():
    return sd.load_pipeline(dtype=torch.bfloat16)


# %% lean right
def lean():
    return sd.load_pipeline(dtype=torch.float16)


# %% lean wrong: size
def lean():
    made = sd.load_pipeline()
    with torch.autocast("cpu"):
        made(PROMPT, num_inference_steps=1)
    return made


# %% lean wrong: size
def lean():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return sd.load_pipeline(dtype=torch.float32)


# %% lean wrong: error
def lean():
    return sd.load_pipeline(dtype="bfloat16")
