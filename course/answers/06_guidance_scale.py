# Answers to the exercises of lesson 6. Run by tests/exercises/test_answers.py.

# %% green_owl right
shot = sd.generate(pipe, "a big owl on a green background", guidance_scale=2.5, seed=1, **short)[0]

# %% green_owl wrong: background
shot = sd.generate(pipe, PROMPT, guidance_scale=2.5, seed=1, **short)[0]

# %% green_owl wrong: scale
shot = sd.generate(pipe, "a big owl on a green background", seed=1, **short)[0]

# %% green_owl wrong: shot
shot = pipe("a big owl on a green background", guidance_scale=2.5, generator=sd.generator(1), **short).images[0]

# %% mystery right
scale = 4

# %% mystery right
scale = 5.4

# %% mystery wrong: scale
scale = 7.5

# %% mystery wrong: scale
scale = 3


# %% formula right
def guided(without, prompted, scale):
    return without + scale * (prompted - without)


# %% formula wrong: scale 0
def guided(without, prompted, scale):
    return prompted + (scale - 1) * prompted


# %% formula wrong: scale 1
def guided(without, prompted, scale):
    return without + (scale + 1) * (prompted - without)


# %% formula wrong: return
def guided(without, prompted, scale):
    _ = without + scale * (prompted - without)
