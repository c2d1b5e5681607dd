# Answers to the exercises of lesson 13. Run by tests/exercises/test_answers.py.

# %% kept right
call = {"generator": sd.generator(0), "output_type": "latent"}
numbers = pipe("a big rabbit on a purple background, flat style", **call, **short).images

# %% kept wrong: latents
call = {"generator": sd.generator(0), "output_type": "pt", "num_inference_steps": 2}
numbers = pipe("a big rabbit on a purple background, flat style", **call).images

# %% kept wrong: latents
numbers = pipe("a big rabbit on a purple background, flat style", num_inference_steps=2).images[0]

# %% kept wrong: object
call = {"generator": sd.generator(0), "output_type": "latent"}
numbers = pipe(PROMPT, **call, **short).images

# %% quality right
quality = 40

# %% quality wrong: quality
quality = 75

# %% quality wrong: quality
quality = 20


# %% to_picture right
def picture_of(tensor):
    numbers = tensor[0].permute(1, 2, 0) * 255
    return Image.fromarray(numbers.round().numpy().astype("uint8"))


# %% to_picture right
def picture_of(tensor):
    return pipe.image_processor.postprocess(tensor, do_denormalize=[False])[0]


# %% to_picture wrong: rounding
def picture_of(tensor):
    numbers = tensor[0].permute(1, 2, 0) * 255
    return Image.fromarray(numbers.numpy().astype("uint8"))


# %% to_picture wrong: axes
def picture_of(tensor):
    height, width = tensor.shape[2:]
    numbers = tensor[0].reshape(height, width, 3) * 255
    return Image.fromarray(numbers.round().numpy().astype("uint8"))


# %% to_picture wrong: axes
def picture_of(tensor):
    numbers = tensor[0].permute(2, 1, 0) * 255
    return Image.fromarray(numbers.round().numpy().astype("uint8"))


# %% to_picture wrong: untouched
def picture_of(tensor):
    tensor *= 255
    return Image.fromarray(tensor[0].permute(1, 2, 0).round().numpy().astype("uint8"))
