"""Which training drawing a picture's object is nearest to, and how near: does the model recall its drawings?"""

from functools import cache
from itertools import product

import numpy as np
from PIL import Image

from sdkit.measure import background
from training.drawings import master
from training.measures import object_box
from training.world import OBJECTS, STYLES

CUT_SIDE = 32  # pixels of an object that was cut out


def nearest_drawings(made, asked) -> dict:
    """Compare the object of each picture with all training drawings, laid on the picture's background.

    `made` are uint8 pictures (N, SIDE, SIDE, 3), `asked` their scenes. Returns the share of pictures whose nearest
    drawing is the one asked for, and the median distance (grey levels) of the nearest and of the nearest that
    shows another object.
    """
    right, nearest, nearest_other = [], [], []
    for picture, scene in zip(made, asked, strict=True):
        cut = _cut(picture)
        if cut is None:
            right.append(False)
            continue
        distances = _distances(cut, np.array(background(picture)), scene.style)
        first = min(distances, key=distances.__getitem__)
        right.append(first == (scene.thing, scene.style))
        nearest.append(distances[first])
        nearest_other.append(min(value for (thing, _), value in distances.items() if thing != first[0]))
    return {
        "is_the_asked_one": round(float(np.mean(right)), 3),
        "nearest": round(float(np.median(nearest)), 1),
        "nearest_of_another_object": round(float(np.median(nearest_other)), 1),
        "pictures": len(made),
    }


def _distances(cut, ground, asked_style):
    """Return {(thing, style): distance} of a cut-out object to each training drawing on the colour `ground`, (3,)."""
    # as training.scenes.render draws lines on dark backgrounds, compared where lines were asked for
    light_ink = asked_style == "line" and ground @ (0.299, 0.587, 0.114) < 110
    distances = {}
    for thing, style in product(OBJECTS, STYLES):
        colours, opacity = _small(thing, style)
        if light_ink and style == "line":
            colours = 245
        drawn = ground * (1 - opacity) + colours * opacity
        distances[thing, style] = float(np.sqrt(np.mean((cut - drawn) ** 2)))  # sdkit's distance takes whole levels
    return distances


def _shrunk(image):
    return np.asarray(image.resize((CUT_SIDE, CUT_SIDE), Image.Resampling.BOX), float)


def _cut(picture):
    """Return the object of a picture, cut out and shrunk to (CUT_SIDE, CUT_SIDE, 3), or None if there is none."""
    box = object_box(picture)
    return None if box is None else _shrunk(Image.fromarray(picture).crop(box))


@cache
def _small(thing, style):
    """Return a training drawing, cut out and shrunk: colours (CUT_SIDE, CUT_SIDE, 3), opacity (…, 1) from 0 to 1."""
    drawing = master(thing, style)
    rgba = _shrunk(drawing.crop(drawing.getbbox()))
    return rgba[..., :3], rgba[..., 3:] / 255
