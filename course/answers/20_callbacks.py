# Answers to the exercises of lesson 20. Run by tests/exercises/test_answers.py.


# %% six_steps right
def end(pipe, step, timestep, tensors):
    pipe._interrupt = step >= 5
    return {}


# %% six_steps right
def end(pipe, step, timestep, tensors):
    if step == 5:
        pipe._interrupt = True
    return {"latents": tensors["latents"]}


# %% six_steps wrong: steps
def end(pipe, step, timestep, tensors):
    pipe._interrupt = step >= 6
    return {}


# %% six_steps wrong: return
def end(pipe, step, timestep, tensors):
    pipe._interrupt = step >= 5


# %% six_steps wrong: error
def end(pipe, step, timestep, tensors):
    if step == 5:
        raise StopIteration
    return {}


# %% six_steps wrong: function
end = 6

# %% which_step right
step = 3

# %% which_step wrong: step
step = 2

# %% which_step wrong: step
step = 4

# %% which_step wrong: number
step = "3"


# %% become_car right
def change(pipe, step, timestep, tensors):
    if step != 1:
        return {}
    told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
    return {"prompt_embeds": torch.cat([empty, told])}


# %% become_car wrong: return
def change(pipe, step, timestep, tensors):
    if step == 1:
        told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
        return {"prompt_embeds": torch.cat([empty, told])}


# %% become_car wrong: object
def change(pipe, step, timestep, tensors):
    if step != 1:
        return {}
    told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
    return {"prompt_embeds": torch.cat([told, empty])}


# %% become_car wrong: background
def change(pipe, step, timestep, tensors):
    if step != 3:
        return {}
    told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
    return {"prompt_embeds": torch.cat([empty, told])}


# %% become_car wrong: object
def change(pipe, step, timestep, tensors):
    if step != 1:
        return {}
    told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
    return {"negative_prompt_embeds": told}
