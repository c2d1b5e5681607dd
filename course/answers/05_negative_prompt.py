# Answers to the exercises of lesson 5. Run by tests/exercises/test_answers.py.

# %% dark_owl right
shot = sd.generate(pipe, PROMPT, negative_prompt="a white background", seed=3, **short)[0]

# %% dark_owl right
shot = sd.generate(pipe, PROMPT, negative_prompt="a yellow background", seed=3, **short)

# %% dark_owl wrong: background
shot = sd.generate(pipe, PROMPT, negative_prompt="a green background", seed=3, **short)[0]

# %% dark_owl wrong: prompt
shot = sd.generate(pipe, "a big owl on a black background, flat style", seed=3, **short)[0]

# %% dark_owl wrong: shot
shot = pipe(PROMPT, negative_prompt="a white background", generator=sd.generator(3), **short).images[0]

# %% pushed_away right
colour = "orange"

# %% pushed_away wrong: colour
colour = "yellow"

# %% pushed_away wrong: choice
colour = "an orange background"


# %% unheard right
def owl():
    push = {"negative_prompt": "a pink background"}
    return pipe(PROMPT, generator=sd.generator(1), **push, **short).images[0]


# %% unheard wrong: heard
def owl():
    push = {"negative_prompt": "a pink background", "guidance_scale": 1}
    return pipe(PROMPT, generator=sd.generator(1), **push, **short).images[0]


# %% unheard wrong: heard
def owl():
    push = {"nagative_prompt": "a pink background"}
    return pipe(PROMPT, generator=sd.generator(1), **push, **short).images[0]


# %% unheard wrong: background
def owl():
    push = {"negative_prompt": "a green background"}
    return pipe(PROMPT, generator=sd.generator(1), **push, **short).images[0]


# %% unheard wrong: prompt
def owl():
    return pipe(f"{PROMPT}, on a blue background", generator=sd.generator(1), **short).images[0]
