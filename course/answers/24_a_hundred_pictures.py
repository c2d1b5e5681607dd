# Answers to the exercises of lesson 24. Run by tests/exercises/test_answers.py.

# %% six right
words = {"owl": ["owl", "car", "house"], "blue": ["pink", "green"]}
shots = sd.sweep(pipe, PROMPT, replace=words, seed=3, **short)

# %% six wrong: count
shots = sd.sweep(pipe, PROMPT, replace={"owl": ["owl", "car", "house"]}, seed=3, **short)

# %% six wrong: prompts
words = {"owl": ["owl", "car", "house"], "blue": ["pink", "red"]}
shots = sd.sweep(pipe, PROMPT, replace=words, seed=3, num_inference_steps=4)

# %% six wrong: right
words = {"owl": ["owl", "car", "house"], "blue": ["pink", "green"]}
shots = sd.sweep(pipe, PROMPT, replace=words, seed=3, num_inference_steps=1)

# %% six wrong: shots
shots = "six"

# %% mixed_up right
found = {"place": 4, "seed": 8}

# %% mixed_up wrong: place
found = {"place": 3, "seed": 8}

# %% mixed_up wrong: seed
found = {"place": 4, "seed": 4}


# %% save_all right
def save_all(shots, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, shot in enumerate(shots, 1):
        sd.save_picture(shot, Path(folder, f"{number:03}.png"))


# %% save_all wrong: settings
def save_all(shots, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, shot in enumerate(shots, 1):
        shot.image.save(Path(folder, f"{number:03}.png"))


# %% save_all wrong: order
def save_all(shots, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number, shot in enumerate(shots, 1):
        sd.save_picture(shot, Path(folder, f"{number}.png"))


# %% save_all wrong: files
def save_all(shots, folder):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for shot in shots:
        shot.image.save(Path(folder, "image.png"))


# %% save_all wrong: folder
def save_all(shots, folder):
    for number, shot in enumerate(shots, 1):
        with Path(folder, f"{number:03}.png").open("wb") as file:
            shot.image.save(file)
