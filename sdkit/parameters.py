"""The one table of a pipeline's call arguments, and the checks that read it.

Validation, controls and lessons all use `PARAMETERS`. The rule for a call's arguments:

1. an unknown name is a TypeError that suggests the nearest known one;
2. a value of the wrong type or range is a TypeError or ValueError that names the argument;
3. an argument that is given but cannot change the picture in this call is reported: as a
   `NoEffectWarning`, or as a ValueError where the caller asks for that.

diffusers itself drops unknown names without a word (`**kwargs` of
diffusers/pipelines/stable_diffusion/pipeline_stable_diffusion.py) and says nothing in case 3.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

TEXT, INTEGER, NUMBER, SIZE, CHOICE, SWITCH = "text", "integer", "number", "size", "choice", "switch"
NUMBERS, TENSOR, TENSORS, IMAGE, GENERATOR, MAPPING, FUNCTION, NAMES = (
    "numbers",
    "tensor",
    "tensors",
    "image",
    "generator",
    "mapping",
    "function",
    "names",
)
MAX_SEED = 2**64 - 1  # what torch's generators take and draw themselves
MAX_SIDE = 8192  # pixels; Pillow warns of larger squares when it opens them again


class NoEffectWarning(UserWarning):
    """An argument was given that cannot change the picture in this call."""


@dataclass(frozen=True)
class Parameter:
    """What one argument is: its kind, its limits, and what it does.

    `low` and `high` are limits a value must respect; `usual` is the range a slider offers, with
    its `step`. `optional` says that None is a valid value.
    """

    name: str
    kind: str
    does: str
    default: Any = None
    low: float = -math.inf
    high: float = math.inf
    usual: tuple[float, float] | None = None
    step: float = 1
    optional: bool = False
    choices: tuple[str, ...] = ()


_TABLE = (
    Parameter("prompt", TEXT, "what the picture shall show", optional=True),
    Parameter(
        "height", SIZE, "pixels from top to bottom", low=8, high=MAX_SIDE, usual=(64, 256), step=8, optional=True
    ),
    Parameter("width", SIZE, "pixels from left to right", low=8, high=MAX_SIDE, usual=(64, 256), step=8, optional=True),
    Parameter("num_inference_steps", INTEGER, "denoising steps", 50, low=1, high=1000, usual=(1, 50)),
    Parameter("timesteps", NUMBERS, "own list of timesteps, descending", low=0, optional=True),
    Parameter("sigmas", NUMBERS, "own list of noise levels, descending", low=0, optional=True),
    Parameter(
        "guidance_scale", NUMBER, "how strongly the prompt is followed", 7.5, low=0, high=100, usual=(0, 15), step=0.5
    ),
    Parameter("negative_prompt", TEXT, "what the picture shall move away from", optional=True),
    Parameter("num_images_per_prompt", INTEGER, "pictures per prompt", 1, low=1, high=1000, usual=(1, 8)),
    Parameter("eta", NUMBER, "share of fresh noise in each DDIM step", 0.0, low=0, high=1, usual=(0, 1), step=0.1),
    Parameter("generator", GENERATOR, "source of random numbers", optional=True),
    Parameter("latents", TENSOR, "the starting noise itself", optional=True),
    Parameter("prompt_embeds", TENSOR, "text states instead of a prompt", optional=True),
    Parameter("negative_prompt_embeds", TENSOR, "text states instead of a negative prompt", optional=True),
    Parameter("ip_adapter_image", IMAGE, "picture for a loaded IP-Adapter", optional=True),
    Parameter("ip_adapter_image_embeds", TENSORS, "picture states for a loaded IP-Adapter", optional=True),
    Parameter("output_type", CHOICE, "what the result holds", "pil", choices=("pil", "np", "pt", "latent")),
    Parameter("return_dict", SWITCH, "an object or a tuple as result", True),
    Parameter("cross_attention_kwargs", MAPPING, "arguments for the attention processors", optional=True),
    Parameter(
        "guidance_rescale", NUMBER, "how far guidance's contrast is undone", 0.0, low=0, high=1, usual=(0, 1), step=0.1
    ),
    Parameter(
        "clip_skip", INTEGER, "text encoder layers left out at the end", low=0, high=100, usual=(0, 2), optional=True
    ),
    Parameter("callback_on_step_end", FUNCTION, "called after each step", optional=True),
    Parameter("callback_on_step_end_tensor_inputs", NAMES, "tensors the callback gets", ["latents"]),
    Parameter("image", IMAGE, "the picture to start from"),
    Parameter("mask_image", IMAGE, "white where the picture is made anew"),
    Parameter("masked_image_latents", TENSOR, "latents of the masked picture", optional=True),
    Parameter(
        "padding_mask_crop", INTEGER, "margin around the mask to cut out, pixels", low=0, high=MAX_SIDE, optional=True
    ),
    Parameter("strength", NUMBER, "how much of the start is replaced", 0.8, low=0, high=1, usual=(0, 1), step=0.05),
    Parameter("seed", INTEGER, "number the starting noise is drawn from", 0, low=0, high=MAX_SEED, usual=(0, 9999)),
    Parameter(
        "lora_scale",
        NUMBER,
        "strength of the LoRA in use, a factor",
        1.0,
        low=-100,
        high=100,
        usual=(0, 1.5),
        step=0.1,
        optional=True,
    ),
)
PARAMETERS: Mapping[str, Parameter] = {parameter.name: parameter for parameter in _TABLE}
# What `generate` and `sweep` take besides the pipeline's own arguments, with their defaults.
OWN_NAMES: Mapping[str, Any] = {name: PARAMETERS[name].default for name in ("seed", "lora_scale")}


def known_names(pipe) -> dict[str, Any]:
    """Return the argument names of the pipeline's call with their defaults, read from its signature."""
    signature = inspect.signature(type(pipe).__call__).parameters.values()
    named = [p for p in signature if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return {p.name: None if p.default is p.empty else p.default for p in named}


def check_names(names: Iterable[str], known: Collection[str], of: str) -> None:
    """Raise TypeError for the first name that is not known, with what to write instead as far as that can be told."""
    for name in names:
        if name not in known:
            raise TypeError(f"{of} takes no argument {short(name)}; {_hint(str(name), known)}")


# What other programs and libraries call the same things, by our name for each.
_OTHER_NAMES: Mapping[str, str] = {
    "prompt": "text caption prompts text_prompt positive positive_prompt pos_prompt",
    "negative_prompt": "negative neg neg_prompt negativeprompt uncond uncond_prompt unconditional_prompt",
    "num_inference_steps": (
        "step steps num_steps n_steps nb_steps sample_steps sampling_steps inference_steps num_sampling_steps "
        "sampler_steps ddim_steps diffusion_steps denoising_steps iterations"
    ),
    "guidance_scale": "cfg cfg_scale cfgscale guidance guidance_strength unconditional_guidance_scale scale",
    "guidance_rescale": "rescale cfg_rescale rescale_cfg guidance_rescale_factor",
    "num_images_per_prompt": (
        "batch batch_size batch_count n_iter n n_samples n_images num_images num_outputs num_samples "
        "number_of_images samples"
    ),
    "height": "h image_height picture_height",
    "width": "w image_width picture_width",
    "seed": "manual_seed noise_seed random_seed rng_seed seeds all_seeds",
    "generator": "rng random_generator",
    "eta": "ddim_eta eta_ddim",
    "latents": "noise latent init_latent init_latents initial_latents latent_image",
    "prompt_embeds": "embeds text_embeds text_embeddings conditioning",
    "clip_skip": "clip_layer clip_stop_at_last_layers stop_at_clip_layer",
    "output_type": "output output_format return_type",
    "cross_attention_kwargs": "attention_kwargs joint_attention_kwargs",
    "callback_on_step_end": "callback callback_steps step_callback progress_callback on_step",
    "image": "images img init_img init_image input_image initial_image start_image source_image base_image",
    "strength": "denoise denoising denoising_strength image_strength img2img_strength denoise_strength",
    "mask_image": "mask mask_img inpaint_mask",
    "padding_mask_crop": "inpaint_full_res inpaint_full_res_padding only_masked_padding",
    "scheduler": (
        "sampler sampler_name sampler_index sampling_method sampling_algorithm solver scheduler_name scheduler_type "
        "schedule_type noise_schedule karras use_karras use_karras_sigmas"
    ),
    "model": "checkpoint ckpt model_id model_name model_path sd_model_checkpoint pretrained_model_name_or_path",
    "dtype": "torch_dtype precision half fp16",
    "device": "cuda gpu",
    "safety_checker": "nsfw nsfw_filter safety_check",
    "size": "resolution dimensions image_size picture_size aspect_ratio",
    "lora": "loras lora_path lora_weights adapter adapters",
    "lora_scale": "lora_strength lora_weight adapter_scale",
}
_OUR_NAMES = {other: ours for ours, others in _OTHER_NAMES.items() for other in others.split()}
_LOADED_BEFORE = "the pipeline has it already; give it to load_pipeline."
_IMAGE_TO_IMAGE = "image to image (StableDiffusionImg2ImgPipeline) and inpainting take {}."
_INPAINTING = "inpainting (StableDiffusionInpaintPipeline) takes {}."
_AS_THE_START = "the picture gets the size of the start picture: resize that."
# What to do where this call has no such argument.
_INSTEAD: Mapping[str, str] = {
    "image": _IMAGE_TO_IMAGE,
    "strength": _IMAGE_TO_IMAGE,
    "mask_image": _INPAINTING,
    "masked_image_latents": _INPAINTING,
    "padding_mask_crop": _INPAINTING,
    "height": _AS_THE_START,
    "width": _AS_THE_START,
    "latents": "text to image and inpainting take {}.",
    "scheduler": 'set pipe.scheduler, or compare several: sweep(pipe, prompt, scheduler=["DDIM", "DPM++ 2M Karras"]).',
    "model": _LOADED_BEFORE,
    "dtype": _LOADED_BEFORE,
    "device": _LOADED_BEFORE,
    "safety_checker": _LOADED_BEFORE,
    "lora": "call pipe.load_lora_weights(...) before.",
}


def _hint(name, known):
    """Say what to write instead of an unknown name: what other programs mean by it first, then the nearest known."""
    is_call = "num_inference_steps" in known
    lower = name.lower().replace("-", "_")
    ours = _OUR_NAMES.get(lower, lower)
    if ours != name and (ours in known or (is_call and ours in OWN_NAMES)):
        return f"did you mean {ours}?"
    if is_call and ours == "size":
        return "give height and width, in pixels." if "height" in known else _AS_THE_START
    if is_call and ours in _INSTEAD:
        return _INSTEAD[ours].format("it" if ours == name else f"it as {ours}")
    longer = [candidate for candidate in known if candidate.startswith(f"{name}_")]
    names = sorted({*known, *OWN_NAMES} if is_call else known)
    near = longer or get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(names)}."


def check_value(name: str, value: Any) -> None:
    """Raise TypeError or ValueError if `value` cannot be used for the argument `name`."""
    parameter = PARAMETERS.get(name)
    if parameter is None or (value is None and parameter.optional):
        return
    problem = _CHECKS[parameter.kind](parameter, value)
    if problem:
        kind, wanted = problem
        raise kind(f"{name} is {short(value)}; {wanted}")


def plain_value(name: str, value: Any) -> Any:
    """Return a checked value as diffusers takes it: numpy's numbers as Python's, lists as lists, mappings as dicts."""
    parameter = PARAMETERS.get(name)
    if parameter is None or value is None:
        return value
    if parameter.kind in (INTEGER, SIZE, NUMBER):
        return _python_number(value)
    if parameter.kind == NUMBERS:
        return [_python_number(number) for number in (value.tolist() if hasattr(value, "tolist") else value)]
    return dict(value) if parameter.kind == MAPPING else value


def _python_number(value):
    if type(value) in (int, float):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def short(value: Any) -> str:
    """Return a value for an error message, at most 60 characters long."""
    try:
        text = repr(value)
    except Exception:  # an error message must not fail on what it tells about, such as a number of 5000 digits
        text = f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(parameter, value):
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) for text in texts):
        return TypeError, "give a text, or a list of texts that is not empty."
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return ValueError, "it holds half a character (a surrogate), which no tokenizer and no file takes."
    return None


def _number(parameter, value):
    if isinstance(value, bool) or not isinstance(value, Real):
        return TypeError, f"give a number{_range(parameter)}."
    # NaN fails both comparisons; numbers too large for a float can be compared, but not tested by isfinite
    if not parameter.low <= value <= parameter.high:
        return ValueError, f"give a number{_range(parameter)}."
    return None


def _integer(parameter, value):
    if isinstance(value, bool) or not isinstance(value, Integral):
        return TypeError, f"give a whole number{_range(parameter)}."
    return _number(parameter, value)


def _range(parameter):
    if math.isfinite(parameter.high):
        return f" from {parameter.low} to {parameter.high}"
    return f" of {parameter.low} or more" if math.isfinite(parameter.low) else ""


def _size(parameter, value):
    problem = _integer(parameter, value)
    if problem is None and value % 8:
        low, high = value // 8 * 8, value // 8 * 8 + 8
        return ValueError, f"give a multiple of 8, such as {max(low, 8)} or {high}."
    return problem


def _choice(parameter, value):
    if isinstance(value, str) and value in parameter.choices:
        return None
    return ValueError, f"give one of {', '.join(map(repr, parameter.choices))}."


def _switch(parameter, value):
    return None if isinstance(value, bool) else (TypeError, "give True or False.")


def _numbers(parameter, value):
    """Check own timesteps or sigmas: a list, array or tensor of one dimension, largest first."""
    kind = "whole numbers" if parameter.name == "timesteps" else "numbers"
    wanted = f"give a list of {kind} of {parameter.low} or more, largest first."
    values = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(values, (str, bytes, bytearray)) or not isinstance(values, Sequence) or not values:
        return TypeError, wanted
    if any(isinstance(number, bool) or not isinstance(number, Real) for number in values):
        return TypeError, wanted
    if not all(parameter.low <= number < math.inf for number in values):
        return ValueError, wanted
    if parameter.name == "timesteps" and any(number % 1 for number in values):  # Euler's own are floats, but whole
        return ValueError, wanted
    if any(a <= b for a, b in zip(values, values[1:])):
        return ValueError, "give the numbers largest first, each once."
    return None


def _tensor(parameter, value):
    """Check latents or text states: floating point, dense, finite, with a first dimension for pictures or prompts."""
    import torch

    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return TypeError, "give a torch tensor of floating-point numbers."
    if value.is_meta or value.layout != torch.strided:
        return TypeError, "give a dense torch tensor that holds its numbers."
    if value.ndim < 3 or not value.numel():
        return ValueError, f"its shape is {tuple(value.shape)}; give one entry per picture or prompt, then its values."
    if not torch.isfinite(value).all():
        return ValueError, "it holds NaN or infinite numbers, which would make black pictures."
    return None


def _tensors(parameter, value):
    import torch

    if isinstance(value, list) and value and all(isinstance(tensor, torch.Tensor) for tensor in value):
        return None
    return TypeError, "give a list of torch tensors, one for each loaded IP-Adapter."


def _generator(parameter, value):
    import torch

    several = value if isinstance(value, list) else [value]
    if several and all(isinstance(generator, torch.Generator) for generator in several):
        return None
    return TypeError, "give a torch.Generator or a list of them; for a number use seed=."


def _image(parameter, value):
    import numpy as np
    import torch
    from PIL import Image

    several = value if isinstance(value, list) else [value]
    for kind in (Image.Image, np.ndarray, torch.Tensor):
        if several and all(isinstance(picture, kind) for picture in several):
            return None
    return TypeError, "give a PIL picture, an array or a tensor, or a list of one of these."


def _mapping(parameter, value):
    return None if isinstance(value, Mapping) else (TypeError, "give a dictionary.")


def _function(parameter, value):
    """Check that a function can be called as diffusers calls a callback: (pipe, step, timestep, tensors)."""
    wanted = TypeError, "give a function of (pipe, step, timestep, tensors)."
    if not callable(value):
        return wanted
    try:
        inspect.signature(value).bind(None, 0, 0, {})
    except TypeError:
        return wanted
    except ValueError:  # some built-in functions tell no signature
        return None
    return None


def _names(parameter, value):
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return None
    return TypeError, "give a list of names."


_CHECKS = {
    TEXT: _text,
    INTEGER: _integer,
    NUMBER: _number,
    SIZE: _size,
    CHOICE: _choice,
    SWITCH: _switch,
    NUMBERS: _numbers,
    TENSOR: _tensor,
    TENSORS: _tensors,
    IMAGE: _image,
    GENERATOR: _generator,
    MAPPING: _mapping,
    FUNCTION: _function,
    NAMES: _names,
}
