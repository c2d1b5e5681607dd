# Answers to the exercises of lesson 26. Run by tests/exercises/test_answers.py.

# %% refuted right
call = {"guidance_scale": 0, "seed": 3, **short}
owl = sd.generate(pipe, PROMPT, **call)[0]
car = sd.generate(pipe, "a big car on a white background", **call)[0]
shots = {"first": owl, "second": car}

# %% refuted wrong: scale
call = {"seed": 3, **short}
owl = sd.generate(pipe, PROMPT, **call)[0]
car = sd.generate(pipe, "a big car on a white background", **call)[0]
shots = {"first": owl, "second": car}

# %% refuted wrong: only the prompt
call = {"guidance_scale": 0, **short}
owl = sd.generate(pipe, PROMPT, seed=3, **call)[0]
car = sd.generate(pipe, "a big car on a white background", seed=4, **call)[0]
shots = {"first": owl, "second": car}

# %% unread right
names = ["nagative_prompt", "cfg_scale", "sampler", "height"]

# %% unread wrong: missed
names = ["nagative_prompt", "cfg_scale", "sampler"]

# %% unread wrong: read
names = ["nagative_prompt", "cfg_scale", "sampler", "height", "eta"]

# %% unread wrong: list
names = "height"


# %% share right
def share(pipe, word):
    def drawn(prompt, seed):
        return pipe(prompt, generator=sd.generator(seed), **short).images[0]

    plain = drawn(PROMPT, 3)
    return sd.distance(plain, drawn(PROMPT + word, 3)) / sd.distance(plain, drawn(PROMPT, 4))


# %% share wrong: nothing
def share(pipe, word):
    def drawn(prompt, seed):
        return pipe(prompt, generator=sd.generator(seed), **short).images[0]

    plain = drawn(PROMPT, 3)
    return sd.distance(plain, drawn(PROMPT + word, 4)) / sd.distance(plain, drawn(PROMPT, 4))


# %% share wrong: praise
def share(pipe, word):
    def drawn(prompt, seed):
        return pipe(prompt, generator=sd.generator(seed), **short).images[0]

    return sd.distance(drawn(PROMPT, 3), drawn(PROMPT + word, 3))
