# Answers to the exercises of lesson 1. Run by tests/exercises/test_answers.py.

# %% green_penguin right
picture = pipe("a penguin on a green background, line style", generator=sd.generator(1), **short).images[0]

# %% green_penguin right
picture = sd.generate(pipe, "a big penguin on a green background, line style", seed=4, **short)[0]

# %% green_penguin wrong: style
picture = pipe("a big penguin on a green background, flat style", generator=sd.generator(1), **short).images[0]

# %% green_penguin wrong: background
picture = pipe("a penguin on a blue background, line style", generator=sd.generator(1), **short).images[0]

# %% green_penguin wrong: picture
picture = "a penguin on a green background, line style"

# %% which_seed right
seed = 6

# %% which_seed wrong: seed
seed = 3

# %% which_seed wrong: number
seed = "6"


# %% same_twice right
def twice():
    first = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    second = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    return [first, second]


# %% same_twice wrong: equal
def twice():
    generator = sd.generator(3)
    first = pipe(PROMPT, generator=generator, **short).images[0]
    second = pipe(PROMPT, generator=generator, **short).images[0]
    return [first, second]


# %% same_twice wrong: two_calls
def twice():
    first = pipe(PROMPT, generator=sd.generator(3), **short).images[0]
    return [first, first]


# %% same_twice wrong: pictures
def twice():
    return pipe(PROMPT, generator=sd.generator(3), **short).images[0]
