"""Numbers for pictures: how far apart, how colourful, how sharp, which background.

Every function takes PIL pictures, shots (`Shot`) and RGB arrays; colours are 0 to 255, those of floating-point arrays,
as diffusers returns them, 0.0 to 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from numbers import Integral

import numpy as np

from sdkit.errors import plain_errors


@plain_errors
def pixels(picture) -> np.ndarray:
    """Return a picture or shot as float64 RGB values of shape (height, width, 3), 0 to 255.

    Arrays hold 8-bit colours, or numbers from 0.0 to 1.0 as diffusers' do, which are scaled and rounded as it does for
    pictures. Raises TypeError for what is no picture, ValueError for numbers outside these ranges, NaN among them.
    """
    image = getattr(picture, "image", picture)
    if hasattr(image, "convert"):
        image = image.convert("RGB")
    values = np.asarray(image)
    if values.ndim != 3 or values.shape[2] != 3 or not values.size:
        raise TypeError(f"picture has the shape {values.shape}; give a PIL picture, a shot, or an RGB array.")
    if values.dtype.kind not in "biuf":
        raise TypeError(f"picture has the dtype {values.dtype}; give a PIL picture, a shot, or an RGB array.")
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= (1 if values.dtype.kind == "f" else 255)):  # NaN is neither
        raise ValueError(
            f"picture has {values.dtype} values from {low:g} to {high:g}; give floating-point ones from 0.0 to 1.0, "
            "or whole ones from 0 to 255."
        )
    return eight_bit(values).astype(float)


def eight_bit(colours: np.ndarray) -> np.ndarray:
    """Return colours as 8-bit ones: floating-point numbers and bools times 255 as diffusers does it, whole ones as are.

    What lies beyond 0 or 255 then is cut off.
    """
    if colours.dtype.kind in "bf":
        colours = (colours * 255).round()
    return colours.clip(0, 255).astype("uint8")


@plain_errors
def distance(a, b) -> float:
    """Return the root mean square difference of two pictures in grey levels: 0 equal, 255 black against white.

    Of two lists of pictures it is the mean over the pairs: the first of both, the second of both, and so on. Raises
    ValueError for pictures of different sizes and for lists of different lengths.
    """
    return float(np.mean([np.sqrt(np.mean((first - second) ** 2)) for first, second in _pairs(a, b)]))


@plain_errors
def changed(a, b, levels: float = 1) -> float:
    """Return the share of a picture's values that differ by more than `levels` grey levels, 0 to 1.

    Two lists of pictures are compared in pairs, as by `distance`.
    """
    return float(np.mean([(abs(first - second) > levels).mean() for first, second in _pairs(a, b)]))


def _pairs(a, b) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the pixels of two pictures, or of two lists of them, as pairs of equal shape."""
    lists = [given if isinstance(given, (list, tuple)) else [given] for given in (a, b)]
    if len(lists[0]) != len(lists[1]) or not lists[0]:
        raise ValueError(f"there are {len(lists[0])} and {len(lists[1])} pictures; give as many of both.")
    pairs = [(pixels(first), pixels(second)) for first, second in zip(*lists)]
    for first, second in pairs:
        if first.shape != second.shape:
            raise ValueError(f"the pictures have the shapes {first.shape} and {second.shape}; compare equal sizes.")
    return pairs


@plain_errors
def spread(pictures) -> float:
    """Return the mean distance between all pairs of at least two pictures: how different they are.

    Raises ValueError for fewer, TypeError for what is no list.
    """
    if not isinstance(pictures, Iterable):
        raise TypeError(f"pictures is a {type(pictures).__name__}; give a list of at least two pictures.")
    pictures = list(pictures)
    if len(pictures) < 2:
        raise ValueError(f"spread needs at least two pictures, not {len(pictures)}.")
    return float(np.mean([distance(a, b) for a, b in combinations(pictures, 2)]))


@plain_errors
def saturation(picture) -> float:
    """Return the mean HSV saturation, 0 (grey) to 1 (pure colour)."""
    values = pixels(picture)
    high, low = values.max(axis=2), values.min(axis=2)
    return float(np.mean(np.where(high > 0, (high - low) / np.maximum(high, 1e-9), 0)))


@plain_errors
def sharpness(picture) -> float:
    """Return the variance of the 4-neighbour Laplacian of the grey picture: larger is sharper, 0 is flat.

    Raises ValueError for a picture with fewer than 3 pixels in a row or a column.
    """
    grey = pixels(picture) @ (0.299, 0.587, 0.114)
    if min(grey.shape) < 3:
        raise ValueError(f"picture is {grey.shape[1]}x{grey.shape[0]} pixels; give one of 3x3 or more.")
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


@plain_errors
def clipped(picture) -> float:
    """Return the share of values at an end of the scale, 0 to 1: below 3 or above 252, where no detail is left."""
    values = pixels(picture)
    return float(((values < 3) | (values > 252)).mean())


@plain_errors
def unevenness(picture) -> float:
    """Return how uneven the top and bottom edges are: the standard deviation of two lines each, in grey levels.

    0 is one plain colour; stains and patterns in a background that should be plain raise it. Raises ValueError for a
    picture of one line.
    """
    values = pixels(picture)
    if len(values) < 2:
        raise ValueError(f"picture is {values.shape[1]}x1 pixels; give one of two lines or more.")
    return float(values[[0, 1, -2, -1]].std(axis=(0, 1)).mean())


@plain_errors
def background(picture, width: int = 2) -> tuple[int, int, int]:
    """Return the median colour of the picture's border, `width` pixels wide, as (red, green, blue).

    Raises ValueError for a width that is no whole number of 1 or more.
    """
    if not isinstance(width, Integral) or width < 1:
        raise ValueError(f"width is {width!r}; give a whole number of pixels, 1 or more.")
    values = pixels(picture)
    edge = np.concatenate(
        [part.reshape(-1, 3) for part in (values[:width], values[-width:], values[:, :width], values[:, -width:])]
    )
    red, green, blue = np.median(edge, axis=0)
    return round(red), round(green), round(blue)
