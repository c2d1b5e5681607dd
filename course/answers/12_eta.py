# Answers to the exercises of lesson 12. Run by tests/exercises/test_answers.py.

# %% family right
duck = "a duck on a blue background, flat style"
ducks = [sd.generate(pipe, duck, eta=1, seed=seed, **call)[0] for seed in (1, 2, 3)]

# %% family wrong: spread
duck = "a duck on a blue background, flat style"
ducks = [sd.generate(pipe, duck, seed=seed, **call)[0] for seed in (1, 2, 3)]

# %% family wrong: start
duck = "a duck on a blue background, flat style"
ducks = [sd.generate(pipe, duck, eta=1, seed=seed, num_inference_steps=8)[0] for seed in (1, 2, 3)]

# %% family wrong: calls
sizes = ["a big", "a small", "a"]
ducks = [sd.generate(pipe, f"{size} duck on a blue background, flat style", **call)[0] for size in sizes]

# %% family wrong: shots
ducks = sd.generate(pipe, "a duck on a blue background, flat style", eta=1, **call)

# %% changed right
what = {"a": "eta", "b": "seed", "c": "noise"}

# %% changed wrong: b
what = {"a": "noise", "b": "eta", "c": "seed"}

# %% changed wrong: c
what = {"a": "noise", "b": "seed", "c": "eta"}


# %% heeded right
def varied(pipe, seed):
    from diffusers import DDIMScheduler

    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    noise = sd.generator(seed)
    return pipe("a duck on a blue background, flat style", eta=1, generator=noise, **call).images[0]


# %% heeded wrong: duck
def varied(pipe, seed):
    from diffusers import DDIMScheduler

    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    noise = sd.generator(seed)
    return pipe("a duck on a blue background, flat style", eta=1, generator=noise, **call).images[0]


# %% heeded wrong: duck
def varied(pipe, seed):
    from diffusers import EulerAncestralDiscreteScheduler

    pipe.scheduler = EulerAncestralDiscreteScheduler.from_config(pipe.scheduler.config)
    noise = sd.generator(seed)
    return pipe("a duck on a blue background, flat style", generator=noise, **call).images[0]


# %% heeded wrong: heeded
def varied(pipe, seed):
    from diffusers import DDIMScheduler

    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    noise = sd.generator(seed)
    return pipe("a duck on a blue background, flat style", generator=noise, **call).images[0]


# %% heeded wrong: duck
def varied(pipe, seed):
    noise = sd.generator(seed)
    call = {"num_inference_steps": 8}
    return pipe("a duck on a blue background, flat style", eta=1, generator=noise, **call).images[0]
