# Answers to the exercises of lesson 14. Run by tests/exercises/test_answers.py.

# %% both_small right
words = {"variant": "fp16", "dtype": torch.float16}

# %% both_small right
words = {"dtype": torch.bfloat16, "variant": "fp16", "use_safetensors": True}

# %% both_small wrong: memory
words = {"variant": "fp16"}

# %% both_small wrong: files
words = {"dtype": torch.float16}

# %% both_small wrong: memory
words = {"variant": "fp16", "dtype": "float16"}

# %% both_small wrong: files
words = {"revision": "fp16", "dtype": torch.float16}

# %% both_small wrong: error
words = {"variant": "float16", "dtype": torch.float16}

# %% both_small wrong: words
words = {"variant": "fp16", "dtpye": torch.float16}

# %% dead_words right
dead = ["revision", "dtpye", "mirror"]

# %% dead_words wrong: all
dead = ["dtpye", "mirror"]

# %% dead_words wrong: no effect
dead = ["revision", "dtpye", "mirror", "variant"]

# %% dead_words wrong: list
dead = []

# %% dead_words wrong: choice
dead = ["revision", "dtpye", "mirrors"]

# %% dead_words wrong: list
dead = "revision"


# %% halve right
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype=torch.float16)
    made.save_pretrained(target)


# %% halve right
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype=torch.float32)
    made.to(torch.bfloat16).save_pretrained(target)


# %% halve wrong: size
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype="float16")
    made.save_pretrained(target)


# %% halve wrong: size
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype=torch.float32)
    made.save_pretrained(target, safe_serialization=False)


# %% halve wrong: loads
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype=torch.float16)
    made.save_pretrained(target, variant="fp16")


# %% halve wrong: saved
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, dtype=torch.float16)
    return made


# %% halve wrong: error
def halve(source, target):
    made = StableDiffusionPipeline.from_pretrained(source, variant="fp16", dtype=torch.float16)
    made.save_pretrained(target)
