"""Measures of a picture that need no learning, and the statistics of the evaluation.

Pictures are uint8 arrays (SIDE, SIDE, 3).
"""

import math

import numpy as np

from training.world import BACKGROUNDS, SIDE, SIZES

CHANGED = 60  # a pixel belongs to the object if its channels differ from the border's by this much in all


def border(picture):
    """Return the median colour of a picture's border, 2 pixels wide."""
    edge = [picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]]
    return np.median(np.concatenate([part.reshape(-1, 3) for part in edge]), axis=0)


def nearest_colour(rgb):
    """Name the background colour nearest to an RGB value."""
    return min(BACKGROUNDS, key=lambda name: np.abs(rgb - np.array(BACKGROUNDS[name][0])).sum())


def background_of(picture):
    """Name the colour of a picture's border."""
    return nearest_colour(border(picture))


def object_mask(picture):
    """Say for each pixel whether it differs from the border's colour: bool (SIDE, SIDE)."""
    return np.abs(picture.astype(int) - border(picture)).sum(-1) > CHANGED


def object_box(picture):
    """Return left, top, right, bottom (pixels) of what differs from the border's colour, or None."""
    far = object_mask(picture)
    columns, rows = np.flatnonzero(far.sum(0) > 1), np.flatnonzero(far.sum(1) > 1)
    if not len(columns) or not len(rows):
        return None
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def colour_of(picture):
    """Name the colour of a plain shape: the median of what differs from the border, or ""."""
    mask = object_mask(picture)
    return nearest_colour(np.median(picture[mask], axis=0)) if mask.any() else ""


def place_of(picture):
    """Name the place of the object's middle: 4 pixels or more off the picture's middle count."""
    box = object_box(picture)
    if box is None:
        return ""
    across, down = (box[0] + box[2] - SIDE) / 2, (box[1] + box[3] - SIDE) / 2
    if max(abs(across), abs(down)) < 4:
        return "center"
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def size_of(picture):
    """Name the size nearest to the longer side of the object's box."""
    box = object_box(picture)
    if box is None:
        return ""
    side = max(box[2] - box[0], box[3] - box[1])
    return min(SIZES, key=lambda name: abs(SIZES[name][0] - side))


def saturation(pictures):
    """Return the mean HSV saturation of pictures (N, SIDE, SIDE, 3), 0 to 1."""
    high, low = pictures.max(-1).astype(float), pictures.min(-1).astype(float)
    return float(np.mean((high - low) / np.maximum(high, 1)))


def rmse(a, b):
    """Return the root mean square difference of each pair of pictures, in grey levels: (N,)."""
    return np.sqrt(np.square(a.astype(float) - b.astype(float)).mean((1, 2, 3)))


def wilson(share, count):
    """Return the Wilson score interval (95 %) of a share of `count` independent trials."""
    z = 1.96
    middle, spread = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return max(0.0, (middle - spread) / (1 + z * z / count)), min(1.0, (middle + spread) / (1 + z * z / count))


def kid(a, b):
    """Return the kernel distance of two sets of features (N, D), unbiased (arXiv 1801.01401, cubic kernel)."""

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(a, a), kernel(b, b))]
    return float(sum(within) - 2 * kernel(a, b).mean())


def share(right, prompts):
    """Return a share with its interval; pictures of one prompt are not independent, so prompts are counted."""
    value = float(np.mean(right))
    return {"share": round(value, 4), "interval": [round(v, 4) for v in wilson(value, prompts)], "pictures": len(right)}
