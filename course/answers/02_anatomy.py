# Answers to the exercises of lesson 2. Run by tests/exercises/test_answers.py.

# %% shapes right
shapes = {"tokens": (1, 77), "vectors": (1, 77, 128), "latents": (1, 4, 16, 24)}

# %% shapes right
shapes = {"tokens": [1, 77], "vectors": [1, 77, 128], "latents": torch.zeros(1, 4, 16, 24).shape}

# %% shapes wrong: latents
shapes = {"tokens": (1, 77), "vectors": (1, 77, 128), "latents": (1, 4, 24, 16)}

# %% shapes wrong: vectors
shapes = {"tokens": (1, 77), "vectors": (1, 77, 768), "latents": (1, 4, 16, 24)}

# %% shapes wrong: keys
shapes = (1, 77)

# %% calls right
calls = {"text_encoder": 2, "unet": 6, "vae_decoder": 1}

# %% calls wrong: unet
calls = {"text_encoder": 2, "unet": 12, "vae_decoder": 1}

# %% calls wrong: vae_decoder
calls = {"text_encoder": 2, "unet": 6, "vae_decoder": 6}

# %% calls wrong: text_encoder
calls = {"text_encoder": 1, "unet": 6, "vae_decoder": 1}


# %% decode right
def decode(latents):
    with torch.no_grad():
        pixels = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
    return pipe.image_processor.postprocess(pixels)[0]


# %% decode wrong: equal
def decode(latents):
    with torch.no_grad():
        pixels = pipe.vae.decode(latents).sample / pipe.vae.config.scaling_factor
    return pipe.image_processor.postprocess(pixels)[0]


# %% decode wrong: untouched
def decode(latents):
    latents /= pipe.vae.config.scaling_factor
    with torch.no_grad():
        pixels = pipe.vae.decode(latents).sample
    return pipe.image_processor.postprocess(pixels)[0]


# %% decode wrong: picture
def decode(latents):
    with torch.no_grad():
        return pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample


# %% decode wrong: error
def decode(latents):
    return pipe.image_processor.postprocess(pipe.vae.decode(latents / pipe.vae.config.scaling_factor))[0]
