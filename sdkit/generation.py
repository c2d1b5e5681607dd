"""The strict call: diffusers' own arguments, nothing ignored in silence, everything recorded."""

from __future__ import annotations

import platform
import time
import warnings
from functools import cache
from importlib.metadata import version

from sdkit.effects import check_together, picture_count, picture_size, without_effect
from sdkit.loading import source_of
from sdkit.parameters import NoEffectWarning, check_names, check_value, known_names
from sdkit.seeding import generator, seeds_for
from sdkit.shots import Shot, Shots

_UNSET = object()
_PER_PROMPT = ("prompt", "negative_prompt", "prompt_embeds", "negative_prompt_embeds")


def generate(pipe, prompt=None, *, seed=_UNSET, ineffective: str = "warn", **arguments) -> Shots:
    """Call a pipeline with checked arguments and return its pictures with their settings.

    `pipe` is a Stable Diffusion pipeline (text to image, image to image, or inpaint) and
    `arguments` are those of its own call. Picture i of a call gets a fresh CPU generator seeded
    with `seed + i` (or the i-th of a list), so that each can be made again alone; seed defaults
    to 0. Passing `generator` instead works as in diffusers. With `ineffective="raise"` an
    argument that cannot change the picture is a ValueError, otherwise a `NoEffectWarning`.

    Raises TypeError for unknown names and wrong types, ValueError for values out of range and
    combinations that cannot work, before any denoising step.
    """
    if prompt is not None:
        arguments = {"prompt": prompt, **arguments}
    arguments = check_call(pipe, arguments, seed_given=seed is not _UNSET, ineffective=ineffective)
    count = picture_count(pipe, arguments)
    own_generator = arguments.get("generator") is not None
    if own_generator and seed is not _UNSET:
        raise ValueError("seed and generator are both given; give one of them.")
    call = {**arguments, "return_dict": True}
    if own_generator:
        seeds, states = _seeds_and_states(arguments["generator"], count)
    else:
        seeds, states = seeds_for(0 if seed is _UNSET else seed, count), [None] * count
        call["generator"] = [generator(one) for one in seeds]
    began = time.perf_counter()
    result = pipe(**call)
    seconds = (time.perf_counter() - began) / count
    images, flagged = result.images, result.nsfw_content_detected or []
    for i in (i for i, hidden in enumerate(flagged) if hidden):
        warnings.warn(f"picture {i} is black: the safety checker hid it; try another prompt or seed.", stacklevel=2)
    origin = origin_of(pipe)
    settings = {**known_names(pipe), **arguments}
    if "height" in settings:
        settings["height"], settings["width"] = picture_size(pipe, settings)
    return Shots(
        Shot(images[i], _settings_of_one(settings, i, count, seeds[i], states[i]), origin, {}, seconds)
        for i in range(count)
    )


def check_call(pipe, arguments: dict, *, seed_given: bool = False, ineffective: str = "warn") -> dict:
    """Check the arguments of a call as `generate` does, without making a picture; return them."""
    if ineffective not in ("warn", "raise"):
        raise ValueError(f'ineffective is {ineffective!r}; give "warn" or "raise".')
    check_names(arguments, known_names(pipe), type(pipe).__name__)
    for name, value in arguments.items():
        check_value(name, value)
    picture_count(pipe, arguments)
    check_together(pipe, arguments)
    for message in without_effect(pipe, arguments, seed_given):
        if ineffective == "raise":
            raise ValueError(message)
        warnings.warn(message, NoEffectWarning, stacklevel=3)
    return arguments


def origin_of(pipe) -> dict:
    """Return what made a picture besides its arguments: pipeline, model, scheduler, device, dtype, versions."""
    scheduler = {key: value for key, value in pipe.scheduler.config.items() if not key.startswith("_")}
    return {
        "pipeline": type(pipe).__name__,
        "model": source_of(pipe),
        "scheduler": {"class": type(pipe.scheduler).__name__, "config": scheduler},
        "device": pipe.device.type,
        "dtype": str(pipe.unet.dtype),
        "versions": dict(_versions()),
    }


@cache
def _versions():
    packages = (("sdkit", "sd-one-parameter"), *((name, name) for name in ("diffusers", "transformers", "torch")))
    return tuple((name, version(package)) for name, package in packages) + (("python", platform.python_version()),)


def _settings_of_one(settings, index, count, seed, state):
    """Return the arguments that make picture `index` of a call alone."""
    per_prompt = settings["num_images_per_prompt"] or 1
    one = dict(settings)
    for name in _PER_PROMPT:
        value = settings.get(name)
        if isinstance(value, list):
            one[name] = value[index // per_prompt]
        elif value is not None and not isinstance(value, str):
            one[name] = value[index // per_prompt : index // per_prompt + 1]
    if settings.get("latents") is not None:
        one["latents"] = settings["latents"][index : index + 1]
    one["num_images_per_prompt"] = 1
    del one["generator"], one["return_dict"]
    one["seed"] = seed
    if state is not None:
        one["generator_state"] = state
    return one


def _seeds_and_states(generators, count):
    """Return the seeds of the caller's generators, and each one's state where it is not a fresh one's."""
    several = generators if isinstance(generators, list) else [generators] * count
    return [one.initial_seed() for one in several], [None if _is_fresh(one) else one.get_state() for one in several]


def _is_fresh(one):
    import torch

    fresh = torch.Generator(one.device).manual_seed(one.initial_seed())
    return torch.equal(fresh.get_state(), one.get_state())
