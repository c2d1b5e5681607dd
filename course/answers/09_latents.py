# Answers to the exercises of lesson 9. Run by tests/exercises/test_answers.py.

# %% between right
first, second = (torch.randn(1, 4, 16, 16, generator=sd.generator(seed)) for seed in (1, 4))
mixed = sd.slerp(first, second, 0.5)

# %% between right
first, second = (torch.randn(1, 4, 16, 16, generator=sd.generator(seed)) for seed in (1, 4))
mixed = 0.8 * first + 0.6 * second

# %% between wrong: strength
first, second = (torch.randn(1, 4, 16, 16, generator=sd.generator(seed)) for seed in (1, 4))
mixed = (first + second) / 2

# %% between wrong: between
mixed = torch.randn(1, 4, 16, 16, generator=sd.generator(15))

# %% between wrong: background
mixed = torch.randn(1, 4, 16, 16, generator=sd.generator(1))

# %% between wrong: tensor
mixed = 0.5

# %% same_start right
partner = {"a": 3, "b": 2, "c": 1}

# %% same_start wrong: a
partner = {"a": 1, "b": 2, "c": 3}

# %% same_start wrong: b
partner = {"a": 3, "b": 1, "c": 2}


# %% by_hand right
def start(width, height, seed):
    shape = (1, pipe.unet.config.in_channels, height // 8, width // 8)
    return torch.randn(shape, generator=sd.generator(seed))


# %% by_hand wrong: noise
def start(width, height, seed):
    shape = (1, pipe.unet.config.in_channels, height // 8, width // 8)
    return torch.rand(shape, generator=sd.generator(seed))


# %% by_hand wrong: shape
def start(width, height, seed):
    shape = (1, pipe.unet.config.in_channels, width // 8, height // 8)
    return torch.randn(shape, generator=sd.generator(seed))


# %% by_hand wrong: seed
def start(width, height, seed):
    shape = (1, pipe.unet.config.in_channels, height // 8, width // 8)
    return torch.randn(shape, generator=sd.generator(0))
