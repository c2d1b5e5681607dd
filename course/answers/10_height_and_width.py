# Answers to the exercises of lesson 10. Run by tests/exercises/test_answers.py.

# %% three_foxes right
size = {"height": SIDE, "width": 3 * SIDE}
shot = sd.generate(pipe, "a big fox on a blue background, flat style", seed=4, **size, **short)[0]

# %% three_foxes wrong: size
shot = sd.generate(pipe, "a big fox on a blue background, flat style", seed=4, **short)[0]

# %% three_foxes wrong: size
size = {"height": 3 * SIDE, "width": SIDE}
shot = sd.generate(pipe, "a big fox on a blue background, flat style", seed=4, num_inference_steps=2, **size)[0]

# %% three_foxes wrong: foxes
size = {"height": SIDE, "width": 3 * SIDE}
shot = sd.generate(pipe, "a big fox on a blue background, flat style", seed=1, **size, **short)[0]

# %% three_foxes wrong: shot
size = {"height": SIDE, "width": 3 * SIDE, "num_inference_steps": 2}
shot = pipe("a big fox on a blue background, flat style", generator=sd.generator(4), **size).images[0]

# %% squeezed right
size = {"height": 256, "width": 128}

# %% squeezed wrong: height
size = {"height": 128, "width": 256}

# %% squeezed wrong: width
size = {"height": 256, "width": 256}


# %% any_width right
def wide(width):
    call = {"generator": sd.generator(2), **short}
    return pipe(PROMPT, width=width // 8 * 8, height=SIDE, **call).images[0]


# %% any_width wrong: error
def wide(width):
    call = {"generator": sd.generator(2), **short}
    return pipe(PROMPT, width=width, height=SIDE, **call).images[0]


# %% any_width wrong: width 192
def wide(width):
    call = {"generator": sd.generator(2), **short}
    return pipe(PROMPT, width=width // 8 * 8, **call).images[0]


# %% any_width wrong: made
def wide(width):
    call = {"generator": sd.generator(2), **short}
    return pipe(PROMPT, **call).images[0].resize((width // 8 * 8, SIDE))
