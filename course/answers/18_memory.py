# Answers to the exercises of lesson 18. Run by tests/exercises/test_answers.py.

# %% three_slices right
size = 6

# %% three_slices right
size = 7

# %% three_slices wrong: slices
size = 3

# %% three_slices wrong: slices
size = 5

# %% three_slices wrong: range
size = 16

# %% three_slices wrong: number
size = "auto"

# %% charts right
ways = {"A": "max", "B": "plain", "C": "default", "D": "auto"}

# %% charts wrong: D
ways = {"A": "auto", "B": "plain", "C": "default", "D": "max"}

# %% charts wrong: C
ways = {"A": "default", "B": "plain", "C": "max", "D": "auto"}

# %% charts wrong: choice
ways = {"A": "max", "B": "plain", "C": "sdpa", "D": "auto"}


# %% no_trace right
def careful(pipe):
    pipe.enable_attention_slicing("max")
    picture = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    pipe.disable_attention_slicing()
    return picture


# %% no_trace right
def careful(pipe):
    pipe.enable_attention_slicing(1)
    try:
        return pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    finally:
        pipe.enable_attention_slicing(None)


# %% no_trace wrong: after
def careful(pipe):
    pipe.enable_attention_slicing("max")
    return pipe(PROMPT, generator=sd.generator(3), **short).images[0]


# %% no_trace wrong: owl
def careful(pipe):
    pipe.enable_attention_slicing(-1)
    picture = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    pipe.disable_attention_slicing()
    return picture


# %% no_trace wrong: slices
def careful(pipe):
    pipe.enable_attention_slicing("max")
    pipe.disable_attention_slicing()
    return pipe(PROMPT, generator=sd.generator(3), **short).images[0]


# %% no_trace wrong: slices
def careful(pipe):
    pipe.enable_attention_slicing("auto")
    picture = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    pipe.disable_attention_slicing()
    return picture
