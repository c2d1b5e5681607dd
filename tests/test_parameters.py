"""The table of parameters against the live signatures, and the checks it drives."""

import math

import pytest
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)

from sdkit.parameters import PARAMETERS, check_names, check_value, known_names

PIPELINES = (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline)


def names_of(kind):
    return known_names(kind.__new__(kind))


@pytest.mark.parametrize("kind", PIPELINES)
def test_table_covers_every_argument_of_the_call(kind):
    assert set(names_of(kind)) <= set(PARAMETERS)


def test_defaults_agree_with_the_call():
    live = names_of(StableDiffusionPipeline)
    table = {name: PARAMETERS[name].default for name in live}
    assert table == live


def test_every_default_passes_its_own_check():
    for name, parameter in PARAMETERS.items():
        if parameter.default is not None or parameter.optional:
            check_value(name, parameter.default)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("nagative_prompt", "negative_prompt"),
        ("cfg_scale", "guidance_scale"),
        ("num_inference_step", "num_inference_steps"),
    ],
)
def test_unknown_name_suggests_the_nearest(wrong, right):
    with pytest.raises(TypeError, match=f"{wrong}.*did you mean {right}"):
        check_names([wrong], names_of(StableDiffusionPipeline), "pipe")


def test_unknown_name_without_neighbour_lists_what_is_known():
    with pytest.raises(TypeError, match="known are: .*guidance_scale"):
        check_names(["zzz"], names_of(StableDiffusionPipeline), "pipe")


BAD = [
    ("prompt", 3, TypeError),
    ("prompt", ("a", "b"), TypeError),
    ("prompt", [], TypeError),
    ("prompt", ["a", 1], TypeError),
    ("height", 60, ValueError),
    ("height", -64, ValueError),
    ("height", "64", TypeError),
    ("width", 64.0, TypeError),
    ("num_inference_steps", 0, ValueError),
    ("num_inference_steps", 1.5, TypeError),
    ("num_inference_steps", True, TypeError),
    ("num_inference_steps", None, TypeError),
    ("guidance_scale", -1, ValueError),
    ("guidance_scale", math.nan, ValueError),
    ("guidance_scale", "7", TypeError),
    ("num_images_per_prompt", 0, ValueError),
    ("num_images_per_prompt", None, TypeError),
    ("eta", 1.5, ValueError),
    ("eta", math.inf, ValueError),
    ("strength", 1.5, ValueError),
    ("generator", 7, TypeError),
    ("generator", (1, 2), TypeError),
    ("latents", [[0.0]], TypeError),
    ("output_type", "PIL", ValueError),
    ("output_type", None, ValueError),
    ("return_dict", 1, TypeError),
    ("timesteps", [1, 2], ValueError),
    ("sigmas", "abc", TypeError),
    ("sigmas", [], TypeError),
    ("cross_attention_kwargs", 1, TypeError),
    ("callback_on_step_end", 1, TypeError),
    ("callback_on_step_end_tensor_inputs", "latents", TypeError),
    ("clip_skip", -1, ValueError),
    ("seed", -1, ValueError),
    ("seed", 2**64, ValueError),
    ("seed", 1.5, TypeError),
    ("image", 3, TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), BAD)
def test_bad_values_are_refused_by_name(name, value, error):
    with pytest.raises(error, match=f"^{name} is "):
        check_value(name, value)


GOOD = [
    ("prompt", ["a", "b"]),
    ("prompt", ""),
    ("height", 8),
    ("width", None),
    ("guidance_scale", 0),
    ("eta", 1),
    ("timesteps", [999, 500, 1]),
    ("timesteps", [999.0, 500.0, 1.0]),
    ("seed", 2**64 - 1),
    ("output_type", "latent"),
    ("cross_attention_kwargs", {}),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_good_values_pass(name, value):
    assert check_value(name, value) is None


def test_size_error_names_the_neighbours():
    with pytest.raises(ValueError, match="such as 56 or 64"):
        check_value("height", 60)
