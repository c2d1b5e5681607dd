# Answers to the exercises of lesson 11. Run by tests/exercises/test_answers.py.

# %% same_noises right
noises = [sd.generator(seed) for seed in (1, 2, 1, 2)]
pictures = pipe([CAT, HOUSE], num_images_per_prompt=2, generator=noises, **short).images

# %% same_noises wrong: cat, seed 2
pictures = pipe([CAT, HOUSE], num_images_per_prompt=2, generator=sd.generator(1), **short).images

# %% same_noises wrong: house, seed 1
pictures = sd.generate(pipe, [CAT, HOUSE], num_images_per_prompt=2, seed=1, **short)

# %% same_noises wrong: house, seed 1
noises = [sd.generator(seed) for seed in (1, 1, 2, 2)]
pictures = pipe([CAT, HOUSE], num_images_per_prompt=2, generator=noises, **short).images

# %% same_noises wrong: pictures
noises = [sd.generator(seed) for seed in (1, 2)]
pictures = pipe([CAT, HOUSE], generator=noises, **short).images

# %% alone right
seeds = {"a": 6, "b": None, "c": None}

# %% alone wrong: b
seeds = {"a": 6, "b": 7, "c": 8}

# %% alone wrong: a
seeds = {"a": 0, "b": None, "c": None}


# %% order right
def pictures_of(prompts, count, seed):
    many = [prompt for prompt in prompts for _ in range(count)]
    return [(prompt, seed + place) for place, prompt in enumerate(many)]


# %% order wrong: seeds 2 x 3
def pictures_of(prompts, count, seed):
    return [(prompt, seed + n) for prompt in prompts for n in range(count)]


# %% order wrong: prompts 2 x 3
def pictures_of(prompts, count, seed):
    return [(prompt, seed + place) for place, prompt in enumerate(prompts * count)]


# %% order wrong: pairs
def pictures_of(prompts, count, seed):
    return [seed + n for n in range(count * len(prompts))]
