"""Pictures of different sizes beside each other keep their proportions."""

import pytest
from PIL import Image

from sdkit.show.to_scale import draw_to_scale

SMALL, LARGE = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (256, 128), "blue")


def boxes(drawing):
    """Return (width, height, bottom) of each picture."""
    return [(box[2] - box[0], box[3] - box[1], box[3]) for _, box in drawing.pictures]


def test_every_pixel_is_equally_large():
    drawing = draw_to_scale([SMALL, LARGE])
    assert boxes(drawing) == [(128, 128, drawing.size[1] - 10), (512, 256, drawing.size[1] - 10)]
    assert [word.text for word in drawing.words] == ["64 x 64", "256 x 128"]


def test_nothing_overlaps_or_leaves_the_drawing():
    drawing = draw_to_scale([SMALL, SMALL, LARGE], ["a label much wider than its picture", "b", "c"])
    lefts = [box[0] for _, box in drawing.pictures]
    assert lefts == sorted(lefts) and drawing.words[1].x > drawing.words[0].x + 128
    assert drawing.image.size == drawing.size and max(box[2] for _, box in drawing.pictures) <= drawing.size[0]
    assert drawing.image.getpixel(((lefts[2] + 5), drawing.size[1] - 15)) == (0, 0, 255)


def test_many_pixels_are_drawn_smaller():
    large = Image.new("RGB", (1000, 500))
    assert boxes(draw_to_scale([large, large]))[0][:2] == (1000, 500)
    assert boxes(draw_to_scale([large] * 4))[0][:2] == (500, 250)


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(ValueError, match="no pictures"):
        draw_to_scale([])
    with pytest.raises(ValueError, match="1 labels for 2 pictures"):
        draw_to_scale([SMALL, LARGE], ["one"])
    with pytest.raises(TypeError, match="a str"):
        draw_to_scale(["owl"])
