# Answers to the exercises of lesson 25. Run by tests/exercises/test_answers.py.

# %% which right
names = {"first": "num_inference_steps", "second": "eta", "third": "guidance_scale"}

# %% which wrong: second
names = {"first": "num_inference_steps", "second": "guidance_rescale", "third": "guidance_scale"}

# %% which wrong: third
names = {"first": "num_inference_steps", "second": "eta", "third": "negative_prompt"}

# %% which wrong: choice
names = {"first": "steps", "second": "eta", "third": "guidance_scale"}

# %% near_and_far right
near = sd.generate(pipe, PROMPT, seed=3, num_inference_steps=12)[0]
far = sd.generate(pipe, PROMPT, seed=3, guidance_scale=1, **short)[0]
shots = {"near": near, "far": far}

# %% near_and_far wrong: near
same = sd.generate(pipe, PROMPT, seed=3, **short)[0]
shots = {"near": same, "far": sd.generate(pipe, PROMPT, seed=3, guidance_scale=1, **short)[0]}

# %% near_and_far wrong: far held
near = sd.generate(pipe, PROMPT, seed=3, num_inference_steps=12)[0]
shots = {"near": near, "far": sd.generate(pipe, PROMPT.replace("blue", "red"), seed=3, **short)[0]}

# %% near_and_far wrong: far
near = sd.generate(pipe, PROMPT, seed=3, num_inference_steps=12)[0]
shots = {"near": near, "far": near}


# %% moved right
def moved(pipe, change):
    call = {"prompt": PROMPT, "num_inference_steps": 6, "seed": 3}
    before = sd.generate(pipe, **call)
    after = sd.generate(pipe, **call, **change)
    return sd.distance(before[0], after[0])


# %% moved right
def moved(pipe, change):
    call = {"num_inference_steps": 6}
    before = pipe(PROMPT, generator=sd.generator(1), **call).images[0]
    after = pipe(PROMPT, generator=sd.generator(1), **{**call, **change}).images[0]
    return sd.distance(before, after)


# %% moved wrong: nothing
def moved(pipe, change):
    call = {"prompt": PROMPT, "num_inference_steps": 6}
    before = sd.generate(pipe, seed=3, **call)
    after = sd.generate(pipe, seed=4, **call, **change)
    return sd.distance(before[0], after[0])


# %% moved wrong: change
def moved(pipe, change):
    call = {"prompt": PROMPT, "num_inference_steps": 6, "seed": 3}
    before = sd.generate(pipe, **call)
    after = sd.generate(pipe, **call)
    return sd.distance(before[0], after[0])
