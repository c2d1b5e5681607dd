"""Measures of pictures that need no learning, and the statistics of the evaluation.

A picture is a uint8 array (SIDE, SIDE, 3), several are (N, SIDE, SIDE, 3). What holds for any picture
(`background`, `distance`, `saturation`) is in `sdkit.measure`; here is what refers to the drawn world.
"""

import math
from collections.abc import Sequence

import numpy as np

from sdkit.measure import background, distance
from training.world import BACKGROUNDS, SIDE, SIZES

OBJECT_THRESHOLD = 60  # grey levels, summed over the channels, that a pixel of the object lies off the background


def nearest_colour(rgb) -> str:
    """Return the name of the background colour nearest to an RGB value, 0 to 255."""
    return min(BACKGROUNDS, key=lambda name: np.abs(np.subtract(rgb, BACKGROUNDS[name][0])).sum())


def background_of(picture) -> str:
    """Return the name of the colour nearest to a picture's background."""
    return nearest_colour(background(picture))


def object_mask(picture) -> np.ndarray:
    """Return for each pixel whether it differs from the background: bool (SIDE, SIDE)."""
    return np.abs(picture.astype(int) - background(picture)).sum(-1) > OBJECT_THRESHOLD


def object_box(picture) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom (pixels) of what differs from the background, or None if nothing does.

    Rows and columns in which a single pixel differs do not count.
    """
    mask = object_mask(picture)
    columns, rows = np.flatnonzero(mask.sum(0) > 1), np.flatnonzero(mask.sum(1) > 1)
    if not len(columns) or not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def colour_of(picture) -> str:
    """Return the name of a plain shape's colour, the median of what differs from the background; "" if nothing does."""
    mask = object_mask(picture)
    return nearest_colour(np.median(picture[mask], axis=0)) if mask.any() else ""


def place_of(picture) -> str:
    """Return the name of the object's place, "" if there is none; less than 4 pixels off the middle are "center"."""
    box = object_box(picture)
    if box is None:
        return ""
    across, down = (box[0] + box[2] - SIDE) / 2, (box[1] + box[3] - SIDE) / 2
    if max(abs(across), abs(down)) < 4:
        return "center"
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def size_of(picture) -> str:
    """Return the name of the size nearest to the longer side of the object's box, "" if there is no object."""
    box = object_box(picture)
    if box is None:
        return ""
    side = max(box[2] - box[0], box[3] - box[1])
    return min(SIZES, key=lambda name: abs(SIZES[name][0] - side))


def unevenness(picture, width: int = 2) -> float:
    """Return how much the outermost rows vary (standard deviation, grey levels): dirt in the background shows there."""
    return float(np.concatenate([picture[:width], picture[-width:]]).std((0, 1)).mean())


def distances(a, b) -> np.ndarray:
    """Return the distance (`sdkit.measure.distance`, grey levels) of each pair of pictures: (N,)."""
    return np.array([distance(first, second) for first, second in zip(a, b, strict=True)])


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the Wilson score interval (95 %) of a share of `count` independent trials."""
    z = 1.96
    middle, spread = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return max(0.0, (middle - spread) / (1 + z * z / count)), min(1.0, (middle + spread) / (1 + z * z / count))


def share(right: Sequence[bool] | np.ndarray, prompts: int) -> dict:
    """Return the share of right pictures with its interval and their number.

    Pictures of one prompt are not independent, so the interval counts prompts.
    """
    value = float(np.mean(right))
    interval = [round(bound, 4) for bound in wilson(value, prompts)]
    return {"share": round(value, 4), "interval": interval, "pictures": len(right)}
