"""Panels: the same function behind controls, slow work on a button."""

import ipywidgets as widgets
import pytest
from PIL import Image

from sdkit import explore
from sdkit.shots import Shot, Shots


def draw(seed=0, guidance_scale=7.5, prompt="a cat", text="x"):
    draw.calls.append((seed, guidance_scale, prompt, text))
    if seed == 13:
        raise ValueError("thirteen <is> bad")
    return Image.new("RGB", (8, 8), (seed, 0, 0))


@pytest.fixture(autouse=True)
def calls():
    draw.calls = []
    return draw.calls


def test_nothing_runs_until_the_button(calls):
    slider, button, view = explore(draw, seed=(0, 99)).children
    slider.value = 35
    assert calls == [] and view.value == ""
    button.click()
    assert calls == [(35, 7.5, "a cat", "x")]
    assert 'alt="seed = 35"' in view.value and "data:image/png;base64," in view.value


def test_controls_follow_the_table_and_the_functions_defaults():
    panel = explore(draw, guidance_scale=None, seed=5, prompt=None, text=["x", "y"])
    guidance, seed, prompt, text, *_ = panel.children
    assert isinstance(guidance, widgets.FloatSlider)
    assert (guidance.value, guidance.min, guidance.max) == (7.5, 0, 15)
    assert isinstance(seed, widgets.IntSlider) and seed.value == 5
    assert isinstance(prompt, widgets.Textarea) and prompt.value == "a cat"
    assert isinstance(text, widgets.Dropdown) and text.options == ("x", "y")
    assert [c.description for c in panel.children[:4]] == ["guidance_scale", "seed", "prompt", "text"]
    assert not guidance.continuous_update


def test_an_error_is_shown_in_words_and_the_panel_stays_usable(calls):
    slider, button, view = explore(draw, seed=(0, 99)).children
    slider.value = 13
    button.click()
    assert "ValueError" in view.value and "thirteen &lt;is&gt; bad" in view.value
    assert not button.disabled
    slider.value = 14
    button.click()
    assert "<img" in view.value


def test_widgets_are_used_as_they_are():
    own = widgets.IntText(value=3, description="own")
    assert explore(draw, seed=own).children[0] is own


def test_every_picture_of_shots_is_shown():
    def several(seed):
        return Shots(Shot(Image.new("RGB", (8, 8)), {"seed": seed + n}, {}) for n in range(3))

    _, button, view = explore(several, seed=(0, 9)).children
    button.click()
    assert view.value.count("<img") == 3 and "seed = 2" in view.value


@pytest.mark.parametrize(
    ("controls", "error", "words"),
    [
        ({"sed": (0, 1)}, TypeError, "no argument 'sed'"),
        ({"seed": (5, 5)}, ValueError, "low below high"),
        ({"seed": object()}, TypeError, "seed"),
    ],
)
def test_bad_controls_are_refused(controls, error, words):
    with pytest.raises(error, match=words):
        explore(draw, **controls)
