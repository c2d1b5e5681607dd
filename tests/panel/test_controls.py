"""Each argument gets the control that the table of parameters, its start or its choices ask for."""

import warnings

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from sdkit import explore
from sdkit.panel.controls import controls_for, set_value
from sdkit.panel.picture_controls import MaskChoice, PictureChoice
from sdkit.parameters import PARAMETERS
from sdkit.schedulers import SCHEDULERS

RED, BLUE = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 24), "blue")


def draw(seed=0, guidance_scale=7.5, prompt="a cat", text="x", image=RED, mask_image=None, scheduler="DDIM", more=None):
    return None


def control(name, wanted=None, function=draw):
    return controls_for(function, {name: wanted})[name]


def test_controls_follow_the_table_and_the_functions_defaults():
    guidance, seed, prompt = control("guidance_scale"), control("seed", 5), control("prompt")
    assert isinstance(guidance, widgets.FloatSlider)
    assert (guidance.value, guidance.min, guidance.max, guidance.step) == (7.5, 0, 15, 0.5)
    assert isinstance(seed, widgets.BoundedIntText) and seed.value == 5
    assert isinstance(prompt, widgets.Text) and prompt.value == "a cat"
    assert not guidance.continuous_update and not prompt.continuous_update


def test_every_number_text_choice_and_switch_of_the_table_has_a_control_with_its_help():
    kinds = ("integer", "number", "size", "text", "choice", "switch")
    simple = [
        parameter
        for parameter in PARAMETERS.values()
        if parameter.kind in kinds and parameter.name != "padding_mask_crop"
    ]
    assert len(simple) >= 14
    for parameter in simple:
        made = control(parameter.name, function=lambda **arguments: None)
        assert made.description == parameter.name
        assert (made.tooltip if hasattr(made, "tooltip") else made.description_tooltip) == parameter.does
        if parameter.usual and parameter.name != "seed":
            assert (made.min, made.max, made.step) == (*parameter.usual, parameter.step)


def test_the_help_text_has_the_name_that_this_ipywidgets_wants():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        controls_for(draw, {name: None for name in ("seed", "prompt", "image", "mask_image", "scheduler")})
    assert [warning for warning in seen if "tooltip" in str(warning.message)] == []


def test_a_start_beyond_the_usual_range_widens_it():
    assert (control("guidance_scale", 30).value, control("guidance_scale", 30).max) == (30, 30)


def test_pairs_lists_dictionaries_and_widgets_say_what_is_chosen():
    assert isinstance(control("seed", (0, 9)), widgets.IntSlider) and control("seed", (0, 9)).max == 9
    assert control("text", ["x", "y"]).options == ("x", "y") and control("text", ["y", "z"]).value == "y"
    named = control("text", {"one": 1, "two": 2})
    assert named.value == 1
    named.label = "two"
    assert named.value == 2
    own = widgets.IntText(value=3, description="own")
    assert control("seed", own) is own


def test_schedulers_are_chosen_by_name():
    made = control("scheduler")
    assert made.options == tuple(SCHEDULERS) and made.value == "DDIM"


def test_pictures_are_uploaded_drawn_or_chosen_from_a_list():
    upload, mask, chosen = control("image"), control("mask_image"), control("image", [RED, BLUE])
    assert isinstance(upload, PictureChoice) and upload.value is RED
    assert isinstance(mask, MaskChoice) and mask.value.size == RED.size
    assert chosen._options_labels == ("1: picture 16 x 16", "2: picture 16 x 24") and chosen.value is RED
    chosen.index = 1
    assert chosen.value is BLUE


def test_without_names_all_arguments_that_have_a_control_get_it():
    every = controls_for(draw, {})
    assert list(every) == ["seed", "guidance_scale", "prompt", "text", "image", "mask_image", "scheduler"]


@pytest.mark.parametrize(
    ("controls", "error", "words"),
    [
        ({"sed": (0, 1)}, TypeError, "draw takes no argument 'sed'; it takes seed"),
        ({"seed": (5, 5)}, ValueError, "low below high"),
        ({"seed": object()}, TypeError, "seed"),
        ({"more": None}, TypeError, "no control is known for more=None"),
        ({"text": []}, ValueError, "text has no choices"),
        ({"prompt": 3}, TypeError, "prompt is 3; give a text to start with, a list of choices, or a widget"),
    ],
)
def test_bad_controls_are_refused(controls, error, words):
    with pytest.raises(error, match=words):
        controls_for(draw, controls)


def test_a_third_number_is_the_step_as_in_interact():
    controls = controls_for(lambda guidance_scale, count: None, {"guidance_scale": (1, 10, 0.25), "count": (0, 10, 2)})
    assert (controls["guidance_scale"].step, controls["count"].step) == (0.25, 2)
    assert isinstance(controls["count"], widgets.IntSlider)


def test_tensors_can_be_chosen_by_name():
    import torch

    values = {"zeros": torch.zeros(2), "ones": torch.ones(2)}
    (control,) = controls_for(lambda latents: None, {"latents": values}).values()
    set_value(control, values["ones"])
    assert control.value is values["ones"]


def test_arrays_in_lists_can_be_chosen_by_name():
    values = {"zeros": [np.zeros(2)], "ones": [np.ones(2)]}
    (control,) = controls_for(lambda image: None, {"image": values}).values()
    set_value(control, values["ones"])
    assert control.value is values["ones"]


def test_a_menu_shows_the_name_of_none():
    menu = explore(lambda crop=None: None, crop={"off": None, "16": 16}).controls["crop"]
    assert (menu.label, menu.value) == ("off", None)
    menu = explore(lambda crop=None: None, crop={"16": 16, "off": None}).controls["crop"]
    assert (menu.index, menu.label, menu.value) == (1, "off", None)
