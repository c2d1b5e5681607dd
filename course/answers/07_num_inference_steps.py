# Answers to the exercises of lesson 7. Run by tests/exercises/test_answers.py.

# %% enough right
steps = 7

# %% enough right
steps = 9

# %% enough wrong: near
steps = 5

# %% enough wrong: few
steps = 20

# %% enough wrong: range
steps = 50

# %% too_low right
causes = {"a": "guidance_scale", "b": "num_inference_steps", "c": "guidance_scale"}

# %% too_low wrong: a
causes = {"a": "num_inference_steps", "b": "num_inference_steps", "c": "num_inference_steps"}

# %% too_low wrong: b
causes = {"a": "guidance_scale", "b": "guidance_scale", "c": "guidance_scale"}

# %% too_low wrong: choice
causes = {"a": "guidance", "b": "steps", "c": "guidance"}


# %% places right
def places(steps):
    jump = 1000 // steps
    return [jump * n + 1 for n in reversed(range(steps))]


# %% places right
def places(steps):
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    scheduler.set_timesteps(steps)
    return scheduler.timesteps


# %% places wrong: 5 steps
def places(steps):
    jump = 1000 // steps
    return [jump * n for n in reversed(range(steps))]


# %% places wrong: 7 steps
def places(steps):
    jump = 1000 / steps
    return [jump * n + 1 for n in reversed(range(steps))]


# %% places wrong: 5 steps
def places(steps):
    jump = 1000 // steps
    return [jump * n + 1 for n in range(steps)]
