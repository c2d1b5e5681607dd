"""Start pictures are uploaded and cut to size; masks are rectangles that follow their sliders."""

import io

import numpy as np
import pytest
from PIL import Image

from sdkit.panel.picture_controls import MaskChoice, PictureChoice
from sdkit.shot import png_bytes

RED = Image.new("RGB", (16, 16), "red")


def upload(control, content, version):
    """Hand over a file as the front ends of ipywidgets 7 and 8 do."""
    control._take_files({"a.png": {"metadata": {}, "content": content}} if version == 7 else ({"content": content},))


@pytest.mark.parametrize("version", [7, 8])
def test_an_uploaded_picture_is_cut_to_the_size_of_the_one_to_start_with(version):
    control = PictureChoice("image", RED)
    assert control.value is RED and 'alt="image"' in control.children[1].value
    seen = []
    control.observe(lambda change: seen.append(change["new"].size), names="value")
    upload(control, png_bytes(Image.new("L", (40, 20), 9)), version)
    assert seen == [(16, 16)] and control.value.mode == "RGB"


def test_without_a_picture_to_start_with_the_size_stays():
    control = PictureChoice("image")
    assert control.value is None and control.children[1].value == ""
    upload(control, memoryview(png_bytes(Image.new("RGB", (40, 20)))), 8)
    assert control.value.size == (40, 20)


def test_photographs_are_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20)).save(buffer, format="JPEG", exif=exif)
    control = PictureChoice("image")
    upload(control, buffer.getvalue(), 8)
    assert control.value.size == (20, 40)


def test_a_file_that_is_no_picture_is_told_and_changes_nothing():
    control = PictureChoice("image", RED)
    upload(control, b"no picture", 8)
    assert control.value is RED and 'role="alert"' in control.children[1].value
    assert "image: this file is no readable picture" in control.children[1].value


def box(mask):
    assert set(np.unique(np.asarray(mask))) <= {0, 255}
    return mask.getbbox()


def test_a_mask_follows_its_sliders_and_they_follow_it():
    control = MaskChoice("mask_image", RED)
    assert control.value.mode == "L" and control.value.size == (16, 16) and box(control.value) == (4, 4, 12, 12)
    control.across.value = (2, 10)
    assert box(control.value) == (2, 4, 10, 12)
    first = control.value
    control.down.value = (0, 16)
    assert box(control.value) == (2, 0, 10, 16)
    control.value = first
    assert control.across.value == (2, 10) and control.down.value == (4, 12)
    assert "2 to 10 across, 4 to 12 down" in control.children[2].value


def test_an_empty_mask_leaves_the_sliders_where_they_are():
    control = MaskChoice("mask_image", RED)
    control.across.value = (5, 5)
    assert box(control.value) is None and control.down.value == (4, 12)
    control.across.value = (5, 9)
    assert box(control.value) == (5, 4, 9, 12)


def test_a_mask_may_be_given_to_start_with():
    start = Image.new("L", (24, 8))
    start.paste(255, (3, 1, 20, 5))
    control = MaskChoice("mask_image", start=start)
    assert control.across.value == (3, 20) and control.down.value == (1, 5)
    assert np.array_equal(control.value, start)


def test_a_mask_has_an_edge_on_a_white_page_too():
    control = MaskChoice("mask_image", start=Image.new("L", (24, 8), 255))
    assert "border:1px solid" in control.children[2].value
