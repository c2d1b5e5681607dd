# Answers to the exercises of lesson 16. Run by tests/exercises/test_answers.py.

# %% gone right
mask.paste(255, (68, 28, 128, 104))
ALONE = "a small penguin at the left on a pink background, flat style"
shot = sd.generate(inpaint, ALONE, image=scene, mask_image=mask, seed=1, **short)[0]

# %% gone wrong: gone
mask.paste(255, (68, 28, 128, 104))
NOTHING = "a penguin and no tree on a pink background, flat style"
shot = sd.generate(inpaint, NOTHING, image=scene, mask_image=mask, seed=1, **short)[0]

# %% gone wrong: gone
mask.paste(255, (80, 44, 112, 88))
ALONE = "a small penguin at the left on a pink background, flat style"
shot = sd.generate(inpaint, ALONE, image=scene, mask_image=mask, seed=1, **short)[0]

# %% gone wrong: kept
mask = Image.new("L", scene.size, 255)
ALONE = "a small penguin at the left on a pink background, flat style"
shot = sd.generate(inpaint, ALONE, image=scene, mask_image=mask, seed=1, **short)[0]

# %% gone wrong: kept
shot = sd.generate(pipe, "a small penguin at the left on a pink background, flat style", seed=1, **short)[0]

# %% which_is_which right
numbers = {"returned": 2, "pasted": 4, "swapped": 3, "white": 1}

# %% which_is_which wrong: pasted
numbers = {"returned": 4, "pasted": 2, "swapped": 3, "white": 1}

# %% which_is_which wrong: swapped
numbers = {"returned": 2, "pasted": 4, "swapped": 1, "white": 3}

# %% which_is_which wrong: number
numbers = {"returned": "2", "pasted": 4, "swapped": 3, "white": 1}

# %% which_is_which wrong: white
numbers = {"returned": 2, "pasted": 4, "swapped": 3, "white": None}

# %% which_is_which wrong: keys
numbers = {"returnd": 2, "pasted": 4, "swapped": 3, "white": 1}

# %% which_is_which wrong: keys
numbers = [2, 4, 3, 1]


# %% patch right
def patch(scene, mask):
    call = {"image": scene, "mask_image": mask, **short}
    made = inpaint(MUSHROOM, generator=sd.generator(0), **call).images[0]
    return inpaint.image_processor.apply_overlay(mask, scene, made)


# %% patch right
def patch(scene, mask):
    call = {"image": scene, "mask_image": mask, **short}
    made = inpaint(MUSHROOM, generator=sd.generator(2), **call).images[0]
    return Image.composite(made, scene, mask)


# %% patch wrong: outside
def patch(scene, mask):
    call = {"image": scene, "mask_image": mask, **short}
    return inpaint(MUSHROOM, generator=sd.generator(0), **call).images[0]


# %% patch wrong: mushroom
def patch(scene, mask):
    call = {"image": scene, "mask_image": ImageOps.invert(mask), **short}
    made = inpaint(MUSHROOM, generator=sd.generator(0), **call).images[0]
    return inpaint.image_processor.apply_overlay(mask, scene, made)


# %% patch wrong: mushroom
def patch(scene, mask):
    call = {"image": scene, "mask_image": mask, **short}
    made = inpaint(MUSHROOM, generator=sd.generator(0), **call).images[0]
    return inpaint.image_processor.apply_overlay(mask, made, scene)


# %% patch wrong: error
def patch(scene, mask):
    call = {"image": scene, "mask": mask, **short}
    return inpaint(MUSHROOM, generator=sd.generator(0), **call).images[0]
