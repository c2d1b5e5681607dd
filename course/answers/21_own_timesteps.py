# Answers to the exercises of lesson 21. Run by tests/exercises/test_answers.py.

# %% four right
moments = [999, 750, 500, 250]

# %% four right
moments = [999, 850, 600, 200]

# %% four wrong: near
moments = [999, 950, 900, 850]

# %% four wrong: near
moments = [999, 300, 200, 100]

# %% four wrong: order
moments = [250, 500, 750, 999]

# %% four wrong: count
moments = [999, 799, 599, 399, 199]

# %% left_out right
moment = 832

# %% left_out wrong: timestep
moment = 999

# %% left_out wrong: timestep
moment = 166


# %% levels right
def levels(steps):
    return [12 * (1 - n / steps) ** 2 for n in range(steps + 1)]


# %% levels right
def levels(steps):
    return [12 * (1 - n / steps) ** 2 for n in range(steps)] + [0.0]


# %% levels wrong: error
def levels(steps):
    known = {4: [12.0, 6.75, 3.0, 0.75, 0.0], 8: [12 * (1 - n / 8) ** 2 for n in range(9)]}
    return known[steps]


# %% levels wrong: steps 8
def levels(steps):
    return [12 * (1 - n / (steps - 1)) ** 2 for n in range(steps)]


# %% levels wrong: end 8
def levels(steps):
    return [12 * (1 - n / (steps + 1)) ** 2 for n in range(steps + 1)]


# %% levels wrong: end 4
def levels(steps):
    return [12 * (1 - n / steps) ** 2 for n in range(steps)] + [12.0]
