# Answers to the exercises of lesson 29. Run by tests/exercises/test_answers.py.

# %% in_order right
letters = ["b", "d", "a", "c"]

# %% in_order right
letters = "bdac"

# %% in_order wrong: order
letters = ["b", "a", "d", "c"]

# %% in_order wrong: letters
letters = "b, d, a"


# %% task right
def task(scheduler, clean, noise, times):
    noisy = scheduler.add_noise(clean, noise, times)
    return noisy, scheduler.get_velocity(clean, noise, times)


# %% task wrong: wanted
def task(scheduler, clean, noise, times):
    return scheduler.add_noise(clean, noise, times), noise


# %% task wrong: noisy
def task(scheduler, clean, noise, times):
    return scheduler.add_noise(clean, noise, times - 50), scheduler.get_velocity(clean, noise, times)


# %% task wrong: tensors
def task(scheduler, clean, noise, times):
    return scheduler.add_noise(clean, noise, times)
