"""The table of parameters against the live signatures, and the checks it drives."""

import math

import pytest
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)

from sdkit.parameters import _INSTEAD, _OTHER_NAMES, _OUR_NAMES, PARAMETERS, check_names, check_value, known_names

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


TEXT, IMAGE, INPAINT = PIPELINES
NAMES_OF_OTHER_PROGRAMS = [
    *[
        (TEXT, name, "did you mean num_inference_steps?")
        for name in ("steps", "step", "num_steps", "Steps", "ddim-steps")
    ],
    *[(TEXT, name, "did you mean guidance_scale?") for name in ("cfg", "cfg_scale", "guidance", "CFG")],
    *[(TEXT, name, "did you mean num_images_per_prompt?") for name in ("batch_size", "n_iter", "num_images", "n")],
    (TEXT, "negative", "did you mean negative_prompt?"),
    (TEXT, "noise_seed", "did you mean seed?"),
    *[(kind, name, "set pipe.scheduler") for kind in PIPELINES for name in ("sampler", "scheduler", "sampler_name")],
    *[(TEXT, name, "give height and width") for name in ("size", "resolution")],
    (IMAGE, "size", "size of the start picture"),
    (IMAGE, "height", "size of the start picture"),
    (IMAGE, "latents", "text to image and inpainting take it"),
    *[(TEXT, name, "StableDiffusionImg2ImgPipeline.* take it") for name in ("strength", "image")],
    (TEXT, "init_image", "StableDiffusionImg2ImgPipeline.* take it as image"),
    (TEXT, "denoising_strength", "StableDiffusionImg2ImgPipeline.* take it as strength"),
    (IMAGE, "init_image", "did you mean image?"),
    *[(kind, "mask", "StableDiffusionInpaintPipeline.* takes it as mask_image") for kind in (TEXT, IMAGE)],
    (INPAINT, "mask", "did you mean mask_image?"),
    (IMAGE, "padding_mask_crop", "StableDiffusionInpaintPipeline.* takes it"),
    *[(TEXT, name, "load_pipeline") for name in ("model", "checkpoint", "torch_dtype", "device", "safety_checker")],
    (TEXT, "lora", "load_lora_weights"),
    (TEXT, "lora_strength", "did you mean lora_scale?"),
]


@pytest.mark.parametrize(("kind", "name", "words"), NAMES_OF_OTHER_PROGRAMS)
def test_names_of_other_programs_are_known(kind, name, words):
    words = words.replace("?", r"\?").replace("(", r"\(").replace("{", r"\{")
    with pytest.raises(TypeError, match=f"takes no argument '{name}'; .*{words}"):
        check_names([name], names_of(kind), kind.__name__)


def test_every_name_of_another_program_leads_somewhere():
    ours = set(_OUR_NAMES.values())
    assert ours <= set(PARAMETERS) | set(_INSTEAD) | {"size"}
    assert not set(_OUR_NAMES) & set(PARAMETERS)
    assert sum(map(len, (text.split() for text in _OTHER_NAMES.values()))) == len(_OUR_NAMES)  # none stands twice


def test_a_sweep_takes_what_a_call_does_not():
    with pytest.raises(TypeError, match=r"did you mean scheduler\?"):
        check_names(["sampler"], [*names_of(TEXT), "seed", "scheduler"], "sweep")


def test_functions_other_than_calls_get_no_advice_for_calls():
    with pytest.raises(TypeError, match="known are: device, dtype"):
        check_names(["steps"], ["device", "dtype"], "load_pipeline")


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
