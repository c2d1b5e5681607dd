"""The exercises of lesson 16: a tree removed, four ways to paint told apart, and a mask that keeps every pixel."""

from functools import cache

from sdkit.asked import named
from sdkit.exercises.answers import called, picture_of, returned, shot_of, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import covered
from sdkit.exercises.own import drawn, own_pipe
from sdkit.measure import distance

SCENE = "a penguin and a {} side by side on a pink background, flat style"
STEPS = 8
BOX = (68, 28, 128, 104)  # around the tree
# What the VAE moves lies below 11 grey levels here, another penguin beyond 30.
_KEPT = 18.0
_LEFT, _RIGHT = (0, 0, 60, 128), (68, 0, 128, 128)
# Where each of the four pictures of `which_is_which` stands.
_PLACES = {"returned": 2, "pasted": 4, "swapped": 3, "white": 1}


def _scene():
    return drawn(SCENE.format("tree"), 0, num_inference_steps=12)


def _box():
    from PIL import Image

    mask = Image.new("L", _scene().size)
    mask.paste(255, BOX)
    return mask


@exercise(points=2, puzzle=_scene)
def gone(answer):
    """The tree is gone, the penguin still there."""
    picture = shot_of(answer).image
    scene = _scene()
    if picture.size != scene.size:
        raise refuse(
            "size",
            missing="The picture has another size than the scene.",
            hint="Give the scene itself as image; height and width are not needed.",
        )
    share = covered(picture.crop(_RIGHT))
    yield finding(
        "gone",
        share < 0.03,
        right="Nothing is left where the tree was.",
        missing="There is still something where the tree was: it covers {share:.0%} of that half.",
        hint="Is the tree white in the mask, with room around it? And a prompt never says what is not to be there: it "
        "describes the whole picture as it is to be, also how large the penguin is, or where it stands.",
        share=share,
    )
    moved = distance(picture.crop(_LEFT), scene.crop(_LEFT))
    yield finding(
        "kept",
        moved < _KEPT,
        right="The penguin is still the same.",
        missing="The penguin's half moved by {moved:.0f} grey levels: it was painted anew.",
        hint="White is painted, black is kept. What is white in your mask?",
        moved=moved,
    )


@cache
def _four():
    from PIL import Image, ImageOps

    inpaint, scene, mask = own_pipe("StableDiffusionInpaintPipeline"), _scene(), _box()
    masks = {"returned": mask, "swapped": ImageOps.invert(mask), "white": Image.new("L", mask.size, 255)}
    made = {name: _mushroom(inpaint, scene, area) for name, area in masks.items()}
    made["pasted"] = inpaint.image_processor.apply_overlay(mask, scene, made["returned"])
    return [made[name] for name in sorted(_PLACES, key=_PLACES.__getitem__)]


def _mushroom(inpaint, scene, mask):
    import torch

    given = {"generator": torch.Generator("cpu").manual_seed(0), "num_inference_steps": STEPS}
    return inpaint(SCENE.format("mushroom"), image=scene, mask_image=mask, **given).images[0]


@exercise(points=2, puzzle=lambda: [picture.copy() for picture in (_scene(), *_four())])
def which_is_which(answer):
    """Which picture was made in which way."""
    for name, given in table_of(answer, tuple(_PLACES)).items():
        number = 0 if given is None else whole_of(given)
        if number not in _PLACES.values():
            yield finding(
                name,
                False,
                right="{name}: that is the picture.",
                missing="{name}: no number from 1 to 4 stands there.",
                hint="Each of the four names gets the number of one picture.",
                name=name,
            )
            continue
        yield finding(
            name,
            number == _PLACES[name],
            right="{name}: that is the picture.",
            missing="{name}: it is another picture than {number}.",
            hint="What happened to the tree, and what to the penguin? Where your eyes see no difference, crop the "
            "penguin's half of scene and picture, and take sd.distance.",
            name=name,
            number=number,
        )


@exercise(points=3, puzzle=_scene)
def patch(answer):
    """A function that paints a mushroom where a mask is white, and keeps every other pixel."""
    from PIL import Image

    scene, mask = _scene(), _box()
    picture = returned(called(answer, scene.copy(), mask.copy()), picture_of)
    if picture.size != scene.size:
        raise refuse(
            "size",
            missing="The picture has another size than the scene.",
            hint="Give the scene itself as image; height and width are not needed.",
        )
    picture = picture.convert("RGB")
    seen = named(picture.crop(BOX))[0]
    yield finding(
        "mushroom",
        seen == "mushroom",
        right="Where the mask is white, there is a mushroom.",
        missing="Where the mask is white, there is no mushroom: it looks like this: {seen}.",
        hint="The model paints where the mask is white. Does it get the mask as your function got it, and what do you "
        "return from where it is white?",
        seen=seen,
    )
    off = distance(Image.composite(scene, picture, mask), scene)
    yield finding(
        "outside",
        off == 0,
        right="Where the mask is black, not one pixel moved.",
        missing="Where the mask is black, the picture moved, by {off:.1f} grey levels on the whole.",
        hint="A mask the wrong way round moves it a lot. The VAE moves it a little: what pastes the very pixels back?",
        off=off,
    )
