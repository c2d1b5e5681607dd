"""Boxes and arrows painted with Pillow."""

from PIL import Image

from sdkit.inside.boxes import ARROW, CUT, STEP, Box, BoxDrawing
from sdkit.show.drawing import Placed, Words


def drawn(**parts):
    """Return a drawing of 200 x 100 pixels as RGB."""
    empty = {"words": [], "pictures": []}
    return BoxDrawing("<drawing>", "a drawing", (200, 100), **{**empty, **parts}).image.convert("RGB")


def close(colour, other, by=12):
    """Say whether two colours are alike; the drawing has few of them."""
    return max(abs(a - b) for a, b in zip(colour, other)) <= by


def test_a_box_is_filled_and_has_its_text():
    image = drawn(boxes=[Box(10, 10, 190, 90, ["text", "below"], (200, 220, 250))])
    assert close(image.getpixel((20, 20)), (200, 220, 250)) and image.getpixel((5, 5)) == (255, 255, 255)
    dark = [image.getpixel((x, y)) for x in range(60, 140) for y in range(30, 70)]
    assert any(max(colour) < 60 for colour in dark)


def test_a_struck_box_has_a_line_through_it():
    image = drawn(boxes=[Box(10, 10, 190, 90, [], (255, 255, 255), struck=True)])
    assert close(image.getpixel((100, 50)), CUT)


def test_arrows_point_across_and_down_and_back():
    image = drawn(arrows=[((10, 20), (100, 20)), ((150, 10), (150, 90)), ((100, 60), (10, 60))])
    assert all(close(image.getpixel(place), ARROW) for place in ((50, 20), (150, 40), (50, 60)))
    assert close(image.getpixel((88, 24)), ARROW) and not close(image.getpixel((20, 24)), ARROW)  # the point
    assert close(image.getpixel((146, 78)), ARROW) and close(image.getpixel((22, 64)), ARROW)


def test_pictures_keep_their_colours():
    red = Image.new("RGB", (10, 10), (201, 33, 17))
    image = drawn(pictures=[Placed(red, (50, 50, 80, 80))], words=[Words("text", 0, 30)])
    assert close(image.getpixel((60, 60)), (201, 33, 17), by=STEP / 2)
