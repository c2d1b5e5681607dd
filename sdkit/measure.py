"""Numbers for pictures: how far apart, how colourful, how sharp, which background.

Every function takes PIL pictures or shots (`Shot`); colours are 0 to 255.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np


def pixels(picture) -> np.ndarray:
    """Return a picture or shot as float64 RGB values of shape (height, width, 3), 0 to 255."""
    image = getattr(picture, "image", picture)
    if hasattr(image, "convert"):
        image = image.convert("RGB")
    values = np.asarray(image, dtype=float)
    if values.ndim != 3 or values.shape[2] != 3:
        raise TypeError(f"picture has the shape {values.shape}; give a PIL picture, a shot, or an RGB array.")
    return values


def distance(a, b) -> float:
    """Return the root mean square difference of two pictures in grey levels: 0 equal, 255 black against white."""
    first, second = pixels(a), pixels(b)
    if first.shape != second.shape:
        raise ValueError(f"the pictures have the shapes {first.shape} and {second.shape}; compare equal sizes.")
    return float(np.sqrt(np.mean((first - second) ** 2)))


def spread(pictures) -> float:
    """Return the mean distance between all pairs of at least two pictures: how different they are."""
    pictures = list(pictures)
    if len(pictures) < 2:
        raise ValueError(f"spread needs at least two pictures, not {len(pictures)}.")
    return float(np.mean([distance(a, b) for a, b in combinations(pictures, 2)]))


def saturation(picture) -> float:
    """Return the mean HSV saturation, 0 (grey) to 1 (pure colour)."""
    values = pixels(picture)
    high, low = values.max(axis=2), values.min(axis=2)
    return float(np.mean(np.where(high > 0, (high - low) / np.maximum(high, 1e-9), 0)))


def sharpness(picture) -> float:
    """Return the variance of the 4-neighbour Laplacian of the grey picture: larger is sharper, 0 is flat."""
    grey = pixels(picture) @ (0.299, 0.587, 0.114)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def background(picture, width: int = 2) -> tuple[int, int, int]:
    """Return the median colour of the picture's border, `width` pixels wide, as (red, green, blue)."""
    values = pixels(picture)
    edge = np.concatenate(
        [part.reshape(-1, 3) for part in (values[:width], values[-width:], values[:, :width], values[:, -width:])]
    )
    red, green, blue = np.median(edge, axis=0)
    return round(red), round(green), round(blue)
