"""The four shapes are drawn as asked, and told apart wherever they lie."""

from itertools import product

import pytest
from PIL import Image

from sdkit import COLOURS, background, pixels
from sdkit.inside.shapes import (
    SHAPES,
    count_right,
    draw_shape,
    draw_shapes,
    named_shapes,
    shape_colours,
    shape_combinations,
)


def test_a_shape_has_its_colours():
    picture = draw_shape("star", "red", "blue", side=64)
    assert picture.size == (64, 64) and background(picture) == COLOURS["blue"]
    assert tuple(pixels(picture)[32, 32]) == COLOURS["red"]


@pytest.mark.parametrize("size, middle", [(0.4, (0.35, 0.65)), (0.75, (0.5, 0.5)), (0.5, (0.6, 0.4))])
def test_shapes_are_named_whatever_their_size_place_and_colours(size, middle):
    colours = [("red", "orange"), ("black", "white"), ("white", "yellow"), ("grey", "purple")]
    what = [(shape, *pair) for shape, pair in product(SHAPES, colours)]
    pictures = [draw_shape(*one, middle=middle, size=size, side=96) for one in what]
    assert named_shapes(pictures) == [shape for shape, _, _ in what]
    assert shape_colours(pictures) == [colour for _, colour, _ in what]
    assert named_shapes(pictures[0]) == [SHAPES[0]] and shape_colours(pictures[0]) == ["red"]


def test_where_nothing_is_drawn_there_is_no_shape():
    plain = Image.new("RGB", (64, 64), COLOURS["green"])
    spot = plain.copy()
    spot.paste(COLOURS["white"], (30, 30, 34, 34))
    assert named_shapes([plain, spot]) == shape_colours([plain, spot]) == [None, None]


@pytest.mark.parametrize(
    "what, wrong",
    [(("heart", "red", "blue"), "heart"), (("star", "gold", "blue"), "gold"), (("star", "red", "sky"), "sky")],
)
def test_unknown_words_are_refused(what, wrong):
    with pytest.raises(ValueError, match=f"'{wrong}'; give one of"):
        draw_shape(*what, side=32)


def test_all_combinations_are_drawn_and_counted():
    every = shape_combinations()
    assert len(every) == len(set(every)) == 360 and all(colour != behind for _, colour, behind in every)
    some = every[::9]
    pictures = draw_shapes(some, side=64)
    assert count_right(pictures, some) == {"background": 40, "colour": 40, "shape": 40}
    swapped = [("star" if shape != "star" else "circle", behind, colour) for shape, colour, behind in some]
    assert count_right(pictures, swapped) == {"background": 0, "colour": 0, "shape": 0}
    with pytest.raises(ValueError, match="39 pictures for 40"):
        count_right(pictures[:39], some)


def test_each_picture_has_a_place_and_size_of_its_own_always_the_same():
    one = ("square", "red", "blue")
    pictures = draw_shapes([one] * 3, side=64)
    assert pictures[0] != pictures[1] != pictures[2] and pictures == draw_shapes([one] * 3, side=64)
