# Answers to the exercises of lesson 4. Run by tests/exercises/test_answers.py.

# %% yellow_rocket right
seed = 18

# %% yellow_rocket wrong: background
seed = 17

# %% yellow_rocket wrong: range
seed = 0

# %% moved_on right
seed = 7

# %% moved_on wrong: seed
seed = 4

# %% moved_on wrong: number
seed = sd.generator(7)


# %% one_noise right
def pictures():
    found = []
    for steps in (4, 6, 8):
        more = {"generator": sd.generator(4), "num_inference_steps": steps}
        found.append(pipe(PROMPT, **more).images[0])
    return found


# %% one_noise right
def pictures():
    generator = sd.generator(4)
    found = []
    for steps in (4, 6, 8):
        generator.manual_seed(4)
        more = {"generator": generator, "num_inference_steps": steps}
        found.append(pipe(PROMPT, **more).images[0])
    return found


# %% one_noise wrong: 6 steps
def pictures():
    generator = sd.generator(4)
    found = []
    for steps in (4, 6, 8):
        more = {"generator": generator, "num_inference_steps": steps}
        found.append(pipe(PROMPT, **more).images[0])
    return found


# %% one_noise wrong: 8 steps
def pictures():
    found = []
    for steps in (4, 6, 8):
        more = {"generator": sd.generator(steps), "num_inference_steps": steps}
        found.append(pipe(PROMPT, **more).images[0])
    return found


# %% one_noise wrong: return
def pictures():
    for steps in (4, 6, 8):
        pipe(PROMPT, generator=sd.generator(4), num_inference_steps=steps)
