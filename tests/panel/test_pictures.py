"""What a function made is shown with the values it was made from."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid
from sdkit.panel.pictures import as_html, figure, pictures_in, thumbnail
from sdkit.shot import Shot
from sdkit.shots import Shots

DOT = Image.new("RGB", (8, 8), (3, 0, 0))


def images(html):
    found = re.findall(r'<img alt="([^"]*)" style="[^"]*" src="data:image/png;base64,([^"]*)">', html)
    return [(alt, Image.open(io.BytesIO(base64.b64decode(data)))) for alt, data in found]


def shot(seed):
    return Shot(Image.new("RGB", (8, 8), (seed, 0, 0)), {"seed": seed}, {})


@pytest.mark.parametrize("made", [DOT, shot(3)])
def test_a_picture_is_shown_with_its_values_as_its_text(made):
    ((alt, picture),) = images(as_html(made, {"prompt": 'a "<cat>"', "scale": 2.50}))
    assert alt == "prompt = a &quot;&lt;cat&gt;&quot;, scale = 2.5"
    assert np.array_equal(picture, DOT)


def test_every_picture_of_shots_is_shown_with_its_own_seed():
    shown = images(as_html(Shots([shot(1), shot(2)]), {"seed": 1, "scale": 5}))
    assert [alt for alt, _ in shown] == ["seed = 1, scale = 5", "seed = 2, scale = 5"]
    assert [picture.getpixel((0, 0))[0] for _, picture in shown] == [1, 2]


def test_grids_and_texts_are_shown():
    ((alt, picture),) = images(as_html(draw_grid([shot(1), shot(2)]), {"a": 1}))
    assert alt == "a = 1" and picture.width > 100
    assert as_html("1 < 2", {}) == "<pre>1 &lt; 2</pre>"
    assert as_html(Shot(np.zeros((2, 2)), {}, {}), {}).startswith("<pre>&lt;Shot")


def test_pictures_are_found_wherever_they_are():
    assert pictures_in(DOT) == [DOT]
    assert pictures_in(Shots([shot(3)])) == [DOT]
    assert pictures_in("text") == pictures_in(Shot(np.zeros((2, 2)), {}, {})) == []


@pytest.mark.parametrize(
    ("width", "style"),
    [(128, "width:256px;max-width:100%;image-rendering:pixelated"), (129, "width:129px;max-width:100%")],
)
def test_small_pictures_are_enlarged(width, style):
    html = figure(Image.new("RGB", (width, 8)), "1 < 2")
    assert f'<img alt="1 &lt; 2" style="{style}"' in html and "1 &lt; 2</figcaption></figure>" in html


def test_a_thumbnail_is_small():
    ((alt, picture),) = images(thumbnail(Image.new("RGB", (512, 256)), "x"))
    assert alt == "x" and picture.size == (128, 64)


class Output:
    """What `pipe(...)` returns, as far as pictures go."""

    def __init__(self, images):
        self.images = images


@pytest.mark.parametrize("wrap", [list, tuple, Output, lambda pictures: Output(np.stack(pictures) / 255.0)])
def test_what_a_bare_call_returns_is_shown_as_pictures(wrap):
    pictures = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (10, 200)]
    made = wrap(pictures)
    assert [picture.getpixel((0, 0)) for picture in pictures_in(made)] == [(10, 0, 0), (200, 0, 0)]
    assert as_html(made, {"eta": 1}).count("<img") == 2


def test_a_figure_of_matplotlib_is_shown_as_a_picture():
    from matplotlib.figure import Figure

    drawn = Figure((1, 1))
    drawn.subplots().plot([1, 2])
    assert as_html(drawn, {}).count("<img") == 1


def test_arrays_that_are_no_pictures_stay_text():
    assert "<img" not in as_html(np.zeros((4, 4)), {})
