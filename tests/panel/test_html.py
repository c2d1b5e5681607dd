"""Pictures have a text beside them, and no text is taken for HTML."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid
from sdkit.panel import html as markup
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
    ((alt, picture),) = images(markup.as_html(made, {"prompt": 'a "<cat>"', "scale": 2.50}))
    assert alt == "prompt = a &quot;&lt;cat&gt;&quot;, scale = 2.5"
    assert np.array_equal(picture, DOT)


def test_every_picture_of_shots_is_shown_with_its_own_seed():
    shown = images(markup.as_html(Shots([shot(1), shot(2)]), {"seed": 1, "scale": 5}))
    assert [alt for alt, _ in shown] == ["seed = 1, scale = 5", "seed = 2, scale = 5"]
    assert [picture.getpixel((0, 0))[0] for _, picture in shown] == [1, 2]


def test_grids_and_texts_are_shown():
    ((alt, picture),) = images(markup.as_html(draw_grid([shot(1), shot(2)]), {"a": 1}))
    assert alt == "a = 1" and picture.width > 100
    assert markup.as_html("1 < 2", {}) == "<pre>1 &lt; 2</pre>"
    assert markup.as_html(Shot(np.zeros((2, 2)), {}, {}), {}).startswith("<pre>&lt;Shot")


def test_pictures_are_found_wherever_they_are():
    assert markup.pictures_in(DOT) == [DOT]
    assert markup.pictures_in(Shots([shot(3)])) == [DOT]
    assert markup.pictures_in("text") == markup.pictures_in(Shot(np.zeros((2, 2)), {}, {})) == []


def test_errors_and_progress_tell_a_screen_reader():
    assert markup.alert(ValueError("1 < 2")) == '<p role="alert"><b>ValueError</b>: 1 &lt; 2</p>'
    bar = markup.progress(3, 25, "step 3 of 25")
    assert 'aria-valuenow="3"' in bar and 'aria-valuemax="25"' in bar and 'aria-valuetext="step 3 of 25"' in bar
    assert "value=" not in markup.progress(0, 0, "working")
    assert markup.status("<done>") == '<span role="status">&lt;done&gt;</span>'
    assert "clip-path" in markup.status("done", "seed = 1") and ">seed = 1</span>" in markup.status("done", "seed = 1")


def test_a_table_names_its_rows_and_columns():
    html = markup.table(("", "A", "B"), [("seed", "1", "<2>")])
    assert html.count('scope="col"') == 3 and html.count('scope="row"') == 1 and "&lt;2&gt;" in html


def test_a_thumbnail_is_small():
    ((alt, picture),) = images(markup.thumbnail(Image.new("RGB", (512, 256)), "x"))
    assert alt == "x" and picture.size == (128, 64)
