# Answers to the exercises of lesson 15. Run by tests/exercises/test_answers.py.

# %% in_the_corner right
pen.ellipse((76, 76, 120, 120), fill="red")
shot = sd.generate(img2img, PROMPT, image=start, strength=0.7, seed=3, **short)[0]

# %% in_the_corner wrong: place
pen.ellipse((76, 76, 120, 120), fill="red")
shot = sd.generate(img2img, PROMPT, image=start, strength=1, seed=3, **short)[0]

# %% in_the_corner wrong: object
pen.ellipse((76, 76, 120, 120), fill="red")
shot = sd.generate(img2img, PROMPT, image=start, strength=0.2, seed=3, **short)[0]

# %% in_the_corner wrong: prompt
shot = sd.generate(pipe, "a strawberry on a white background, flat style, at the bottom right", seed=3, **short)[0]

# %% in_the_corner wrong: shot
shot = img2img(PROMPT, image=start, strength=0.7, generator=sd.generator(3), **short).images[0]

# %% mystery right
strength = 0.7

# %% mystery wrong: strength
strength = 0.8

# %% mystery wrong: strength
strength = 0.6

# %% mystery wrong: range
strength = 7


# %% prepared right
def prepared(file):
    turned = ImageOps.exif_transpose(Image.open(file))
    return ImageOps.fit(turned.convert("RGB"), (128, 128))


# %% prepared right
def prepared(file):
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize((128, 128))


# %% prepared wrong: shape
def prepared(file):
    turned = ImageOps.exif_transpose(Image.open(file))
    return turned.convert("RGB").resize((128, 128))


# %% prepared wrong: turned
def prepared(file):
    return ImageOps.fit(Image.open(file).convert("RGB"), (128, 128))


# %% prepared wrong: mode
def prepared(file):
    return ImageOps.fit(ImageOps.exif_transpose(Image.open(file)), (128, 128))


# %% prepared wrong: size
def prepared(file):
    return ImageOps.exif_transpose(Image.open(file)).convert("RGB")
