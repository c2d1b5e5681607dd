"""What a prompt asks for, and what a picture shows of it."""

from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw

from sdkit import COLOURS, named
from sdkit.asked import asked_for, right
from sdkit.shot import Shot

BUILT_IN, ELSEWHERE = SimpleNamespace(model="built-in"), SimpleNamespace(model="elsewhere")


def plain(colour):
    return Image.new("RGB", (64, 64), COLOURS[colour])


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a big owl on a blue background, flat style", {"object": "owl", "style": "flat", "background": "blue"}),
        ("An Owl on a grey BACKGROUND", {"object": "owl", "background": "grey"}),
        ("a cat and a dog on a red background", {"background": "red"}),
        ("a red apple", {"object": "apple"}),
        ("an ice cream", {"object": "ice cream"}),
        ("shaded", {}),
        ("", {}),
    ],
)
def test_what_a_prompt_names(prompt, wanted):
    assert asked_for(prompt) == wanted


def test_a_background_is_the_nearest_colour():
    assert named([plain(colour) for colour in COLOURS], "background") == list(COLOURS)
    almost = Image.new("RGB", (64, 64), (60, 100, 200))
    ImageDraw.Draw(almost).rectangle((10, 10, 50, 50), fill="red")
    assert named(almost, "background") == ["blue"]


@pytest.mark.parametrize("kind", ["object", "background"])
def test_what_is_no_picture_is_refused(kind):
    with pytest.raises(TypeError, match="PIL"):
        named(["owl"], kind)


def test_objects_and_styles_are_the_judges(monkeypatch):
    seen = [{"object": {"cat": 0.9, "dog": 0.1}, "style": {"line": 0.7, "flat": 0.3}}]
    monkeypatch.setattr("sdkit.asked.judge", lambda pictures: seen * len(pictures))
    assert named(plain("red")) == ["cat"] and named([plain("red")] * 2, "style") == ["line"] * 2
    with pytest.raises(ValueError, match="colour.*object, style, background"):
        named(plain("red"), "colour")


def test_right_is_the_share_of_what_is_named_that_is_there(monkeypatch):
    seen = {"object": {"owl": 1.0}, "style": {"line": 1.0}}
    monkeypatch.setattr("sdkit.asked.judge", lambda pictures: [seen] * len(pictures))
    prompts = {
        "an owl on a red background, line style": 1,
        "an owl on a blue background, line style": 2 / 3,
        "a cat on a red background": 1 / 2,
        "a cat": 0,
        "hello": None,
    }
    shots = [Shot(plain("red"), {"prompt": prompt}, BUILT_IN) for prompt in prompts]
    assert right(shots) == list(prompts.values())
    assert right([Shot(plain("red"), {"prompt": "a cat"}, ELSEWHERE)]) == [None]
    assert right([Shot(plain("red"), {"prompt": None}, BUILT_IN)]) == [None]
