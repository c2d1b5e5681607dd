"""The HTML page: everything in it, nothing outside it."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from sdkit.shot import Origin, Shot
from sdkit.shots import Shots
from sdkit.show.page import save_page

PROMPTS = ['a <b>cat</b> & "dog"', "ねこ"]
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The tags of a page, checked to be closed in order, its pictures and its text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.pictures, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def origin():
    return Origin(
        pipeline="StableDiffusionPipeline", model="elsewhere", revision=None, fingerprint="0123456789abcdef",
        scheduler="PNDMScheduler", scheduler_config={}, attention=(), device="cpu", dtype="torch.float32",
        versions={"torch": "2.0"}, machine={},
    )  # fmt: skip


def shots(axes, missing=()):
    cells = [{}]
    for name, values in axes.items():
        cells = [{**cell, name: value} for cell in cells for value in values]
    made = [
        Shot(Image.new("RGB", (8, 8), (number, 0, 99)), {"prompt": "a cat", "seed": 0, **cell}, origin(), cell, 1.0)
        for number, cell in enumerate(cells)
        if number not in missing
    ]
    return Shots(made, axes)


def pixels(picture):
    kind, data = picture["src"].split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize(
    "axes",
    [
        {"seed": [1, 2, 3]},
        {"prompt": PROMPTS, "seed": [1, 2, 3]},
        {"eta": [0.0, 0.5], "prompt": PROMPTS, "seed": [1, 2]},
    ],
)
def test_holds_every_picture_with_a_text_for_it(axes, tmp_path):
    made = shots(axes)
    path = save_page(made, tmp_path / "page.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.pictures) == len(made)
    for picture, shot in zip(page.pictures, made):
        assert np.array_equal(pixels(picture), np.asarray(shot.image))
        assert shot.settings["prompt"] in picture["alt"] and f"seed = {shot.settings['seed']}" in picture["alt"]


def test_needs_nothing_from_outside_and_runs_nothing(tmp_path):
    page = Page(save_page(shots({"prompt": PROMPTS, "seed": [1, 2]}), tmp_path / "page.html").read_text("utf-8"))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe", "object", "a", "b"}
    asked = [value for _, given in page.tags for name, value in given.items() if name in ("src", "href", "srcset")]
    assert all(value.startswith("data:") for value in asked)
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert not any("url(" in words or "@import" in words for words in page.words)


def test_tables_have_heads_and_pages_titles(tmp_path):
    axes = {"eta": [0.0, 0.5], "prompt": PROMPTS, "seed": [1, 2]}
    page = Page(save_page(shots(axes), tmp_path / "page.html").read_text(encoding="utf-8"))
    assert {"eta = 0", "eta = 0.5", "seed = 1", f"prompt = {PROMPTS[0]}", f"prompt = {PROMPTS[1]}"} <= set(page.words)
    assert [given["scope"] for tag, given in page.tags if tag == "th"][:4] == ["col", "col", "row", "row"]


def test_what_made_the_pictures_is_told(tmp_path):
    page = Page(save_page(shots({"seed": [1, 2]}), tmp_path / "page.html").read_text(encoding="utf-8"))
    made_by = {
        "pipeline = StableDiffusionPipeline", "model = elsewhere", "weights = 0123456789abcdef",
        "scheduler = PNDMScheduler", "device = cpu", "dtype = torch.float32", "torch = 2.0",
    }  # fmt: skip
    assert made_by <= set(page.words)


def test_measures_are_a_table_with_the_noise_floor_last(tmp_path):
    page = Page(save_page(shots({"eta": [0.0, 0.5], "seed": [1, 2]}), tmp_path / "page.html").read_text("utf-8"))
    (start,) = (place for place, (tag, given) in enumerate(page.tags) if given.get("class") == "measures")
    scopes = [given["scope"] for tag, given in page.tags[start:] if tag == "th"]
    assert scopes == ["col"] * 6 + ["row"] * 9  # eta and seed name each of four rows, "noise floor" the last
    words = page.words[page.words.index("Measures") :]
    assert {"distance to the baseline, grey levels", "seconds per picture"} <= set(words)
    assert words[words.index("noise floor") + 1] == "0.577"  # the root of 1 / 3: one level in one of three channels


def test_labels_are_short_and_settings_in_full(tmp_path):
    made = save_page(shots({"eta": [1 / 3], "seed": [1]}), tmp_path / "page.html")
    words = Page(made.read_text(encoding="utf-8")).words
    assert "eta = 0.333333" in words and f"eta = {1 / 3}" in words


def test_a_missing_cell_says_so(tmp_path):
    text = save_page(shots({"eta": [0, 1], "seed": [1, 2]}, missing=[2]), tmp_path / "page.html").read_text("utf-8")
    page = Page(text)
    assert len(page.pictures) == 3 and page.words.count("not made") == 1


@pytest.mark.parametrize(("made", "name", "words"), [(Shots(), "a.html", "no pictures"), (shots({}), "a.png", "html")])
def test_bad_input_is_refused(made, name, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        save_page(made, tmp_path / name)
