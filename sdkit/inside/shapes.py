"""Four plain shapes that anyone can draw: what lesson 29 trains a UNet on, and how it tells what came out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import cos, pi, sin
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sdkit.asked import COLOURS, named
from sdkit.errors import plain_errors
from sdkit.measure import background, pixels
from sdkit.shot import listed

# The corners of each shape, clockwise from the top, as (share of a full turn, distance from the middle).
_CORNERS = {
    "circle": [(number / 90, 1.0) for number in range(90)],
    "square": [(0.125 + number / 4, 1.2) for number in range(4)],
    "triangle": [(number / 3, 1.25) for number in range(3)],
    "star": [(number / 10, 1.25 if number % 2 == 0 else 0.55) for number in range(10)],
}
SHAPES = tuple(_CORNERS)
_MIDDLES, _SIZES = (0.45, 0.55), (0.58, 0.7)  # between which `draw_shapes` chooses, as shares of the side
_FINE = 2  # drawn so many times larger, then reduced: smooth edges
_FAR = 40  # grey levels from the background's colour (root of the summed squares) from which a pixel is the shape's
_FEW = 0.01  # share of the pixels below which there is no shape
_CUT_OUT = (32, 32)
_INNER = (3, 97)  # percent of the shape's pixels, in each direction, that are cut out: ragged edges do not count


@plain_errors
def draw_shape(
    shape: str, colour: str, background: str, *, middle: tuple[float, float] = (0.5, 0.5), size: float = 0.6, side: int
) -> Image.Image:
    """Return a picture of a shape in one colour on a background of another.

    `shape` is one of `SHAPES`, the colours are names of `sdkit.COLOURS`. `middle` is where the shape lies, as shares
    of the width and the height; `size` is about how wide it is, as a share of the width; `side` is the width and
    height in pixels. Raises ValueError for an unknown shape or colour.
    """
    if shape not in _CORNERS:
        raise ValueError(f"shape is {shape!r}; give one of {', '.join(SHAPES)}.")
    for name, value in {"colour": colour, "background": background}.items():
        if value not in COLOURS:
            raise ValueError(f"{name} is {value!r}; give one of {', '.join(COLOURS)}.")
    wide, (across, down) = _FINE * side, middle
    corners = [
        (wide * (across + size / 2 * far * sin(2 * pi * turn)), wide * (down - size / 2 * far * cos(2 * pi * turn)))
        for turn, far in _CORNERS[shape]
    ]
    picture = Image.new("RGB", (wide, wide), COLOURS[background])
    ImageDraw.Draw(picture).polygon(corners, fill=COLOURS[colour])
    return picture.resize((side, side), Image.Resampling.BOX)


def shape_combinations() -> list[tuple[str, str, str]]:
    """Return all (shape, colour, background) whose two colours differ, always in the same order: 4 x 10 x 9."""
    return [(shape, colour, behind) for shape, colour, behind in product(SHAPES, COLOURS, COLOURS) if colour != behind]


@plain_errors
def draw_shapes(what: Sequence[tuple[str, str, str]], *, side: int) -> list[Image.Image]:
    """Return a picture of each (shape, colour, background), with a place and size of its own.

    The picture at the same place of the list always has the same ones. `side` is in pixels. Raises ValueError for
    unknown words.
    """
    return [_random_shape(combination, Random(number), side) for number, combination in enumerate(what)]


def _random_shape(what: tuple[str, str, str], dice: Random, side: int) -> Image.Image:
    """Draw a shape at a place and in a size that the dice choose."""
    middle = dice.uniform(*_MIDDLES), dice.uniform(*_MIDDLES)
    return draw_shape(*what, middle=middle, size=dice.uniform(*_SIZES), side=side)


@plain_errors
def named_shapes(pictures: Any) -> list[str | None]:
    """Return for each picture the name of the shape it shows, wherever it lies and whatever its size; None for none.

    What differs from the border's colour is cut out, stretched to a square and compared with the four shapes, each cut
    out likewise; the nearest has the name. `pictures` are PIL pictures or shots, or one of them. Raises TypeError
    for what is no picture.
    """
    return [_nearest(_cut_out(picture)) for picture in listed("pictures", pictures)]


@plain_errors
def shape_colours(pictures: Any) -> list[str | None]:
    """Return for each picture the name of its shape's colour, the nearest of `sdkit.COLOURS`; None for no shape.

    It is the median over all that differs from the border's colour. `pictures` are as for `named_shapes`.
    """
    found = []
    for picture in listed("pictures", pictures):
        inside = pixels(picture)[_differs(picture)]
        colour = np.median(inside, axis=0) if len(inside) else None
        found.append(None if colour is None else min(COLOURS, key=lambda name: float(_apart(colour, COLOURS[name]))))
    return found


@plain_errors
def count_right(pictures: Sequence, what: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Return how many pictures have the background, the colour and the shape that were asked for.

    `what` holds the (shape, colour, background) of each picture. Raises ValueError for lists of different lengths.
    """
    if len(pictures) != len(what):
        raise ValueError(f"there are {len(pictures)} pictures for {len(what)} combinations; give as many of both.")
    seen = {
        "background": zip(named(pictures, "background"), (background for _, _, background in what)),
        "colour": zip(shape_colours(pictures), (colour for _, colour, _ in what)),
        "shape": zip(named_shapes(pictures), (shape for shape, _, _ in what)),
    }
    return {name: sum(found == asked for found, asked in pairs) for name, pairs in seen.items()}


def _apart(colours: np.ndarray, other: Sequence[float]) -> np.ndarray:
    """Return how far colours lie from another, in grey levels."""
    return np.sqrt(((colours - np.asarray(other, dtype=float)) ** 2).sum(axis=-1))


def _differs(picture: Any) -> np.ndarray:
    """Return where a picture is not its background: half of the largest difference, but not less than `_FAR`."""
    far = _apart(pixels(picture), background(picture))
    shape = far > max(_FAR, far.max() / 2)
    return shape if shape.mean() >= _FEW else np.zeros_like(shape)


def _cut_out(picture: Any) -> np.ndarray | None:
    """Return the shape alone, 0 to 1, stretched to a square; None where there is none."""
    shape = _differs(picture)
    if not shape.any():
        return None
    (top, bottom), (left, right) = (np.percentile(places, _INNER).astype(int) for places in np.where(shape))
    part = shape[top : bottom + 1, left : right + 1]
    return np.asarray(Image.fromarray((part * 255).astype(np.uint8)).resize(_CUT_OUT), dtype=float) / 255


def _nearest(cut: np.ndarray | None) -> str | None:
    """Return the shape whose cut-out differs least from this one."""
    if cut is None:
        return None
    drawn = {name: _cut_out(draw_shape(name, "black", "white", side=128)) for name in SHAPES}
    return min(drawn, key=lambda name: float(np.abs(drawn[name] - cut).mean()))  # type: ignore[operator]
