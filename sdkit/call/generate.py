"""The strict call: diffusers' own arguments, nothing ignored in silence, everything recorded."""

from __future__ import annotations

import platform
import time
import warnings
from functools import cache
from importlib.metadata import version

from sdkit.call.check_inputs import check_inputs
from sdkit.call.check_together import (
    check_together,
    is_random_on_the_way,
    picture_count,
    picture_size,
    without_effect,
)
from sdkit.call.watching import watched
from sdkit.loading.pipeline import device_of
from sdkit.loading.provenance import source_of
from sdkit.parameters import NoEffectWarning, check_names, check_value, known_names, plain_value, short
from sdkit.shot import Shot
from sdkit.shots import Shots

_UNSET = object()
_PER_PROMPT = ("prompt", "negative_prompt", "prompt_embeds", "negative_prompt_embeds")
_IN_TURN = ("image", "mask_image", "masked_image_latents")  # diffusers repeats these: 0, 1, 0, 1


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
    call = dict(arguments)
    if own_generator:
        start = _start_of_each(pipe, arguments, count)
    else:
        start = [{"seed": one} for one in seeds_for(0 if seed is _UNSET else seed, count)]
        call["generator"] = [generator(one["seed"]) for one in start]
        if "mask_image" in arguments and count > 1 and arguments.get("padding_mask_crop") is None:
            # inpainting encodes each picture with a generator; one for each keeps the generators in step
            pictures = [_in_turn("image", arguments["image"], i) for i in range(count)]
            call["image"] = [one[0] if getattr(one, "ndim", 0) == 4 else one for one in pictures]
    images, seconds = run(pipe, call, [f"picture {i}" for i in range(count)])
    origin, settings = origin_of(pipe), settings_of(pipe, arguments)
    return Shots(Shot(images[i], settings_of_one(settings, i, start[i]), origin, {}, seconds) for i in range(count))


def generator(seed: int):
    """Return a new CPU generator set to `seed` (0 to 2**32 - 1).

    CPU generators give the same numbers on every machine; the pipeline moves the noise to its
    device. A used generator has moved on: make a new one for each picture.
    """
    import torch

    check_value("seed", seed)
    return torch.Generator("cpu").manual_seed(int(seed))


def seeds_for(seed, count: int) -> list[int]:
    """Return one seed per picture: `seed`, `seed + 1`, ... or the given list, which must have `count`."""
    if isinstance(seed, (list, tuple, range)):
        seeds = list(seed)
        if len(seeds) != count:
            raise ValueError(f"seed has {len(seeds)} numbers for {count} pictures; give one number, or {count}.")
    else:
        check_value("seed", seed)
        seeds = [int(seed) + number for number in range(count)]
    for one in seeds:
        check_value("seed", one)
    return seeds


def run(pipe, call: dict, names: list[str], tell=None):
    """Call the pipeline; return its pictures, one for each of `names`, and the seconds that each took.

    A picture that the safety checker hid is said in a warning, or by calling `tell` with the text.
    """
    began = time.perf_counter()
    result = pipe(**watched(pipe, {**call, "return_dict": True}))
    seconds = (time.perf_counter() - began) / len(names)
    for name, hidden in zip(names, result.nsfw_content_detected or []):
        if hidden:
            text = f"{name} is black: the safety checker hid it; try another prompt or seed."
            tell(text) if tell else warnings.warn(text, stacklevel=3)
    return result.images, seconds


def check_call(pipe, arguments: dict, *, seed_given: bool = False, ineffective: str = "warn") -> dict:
    """Check the arguments of a call as `generate` does, without making a picture; return them."""
    if not all(hasattr(pipe, part) for part in ("unet", "vae", "scheduler", "tokenizer")):
        raise TypeError(f"pipe is {short(pipe)}; give a Stable Diffusion pipeline, such as load_pipeline() returns.")
    if not isinstance(ineffective, str) or ineffective not in ("warn", "raise"):
        raise ValueError(f'ineffective is {short(ineffective)}; give "warn" or "raise".')
    check_names(arguments, known_names(pipe), type(pipe).__name__)
    for name, value in arguments.items():
        check_value(name, value)
    arguments = {name: plain_value(name, value) for name, value in arguments.items()}
    picture_count(pipe, arguments)
    check_together(pipe, arguments)
    check_inputs(pipe, arguments)
    for message in without_effect(pipe, arguments, seed_given):
        if ineffective == "raise":
            raise ValueError(message)
        warnings.warn(message, NoEffectWarning, stacklevel=3)
    return arguments


def origin_of(pipe) -> dict:
    """Return what made a picture besides its arguments: pipeline, model, scheduler, device, dtype, versions, machine.

    The machine is told without names of people or folders: system, processor instructions or
    graphics card, threads. `attention` holds the classes of the UNet's attention processors.
    """
    scheduler = {key: value for key, value in pipe.scheduler.config.items() if not key.startswith("_")}
    device = device_of(pipe)
    return {
        "pipeline": type(pipe).__name__,
        "model": source_of(pipe),
        "scheduler": {"class": type(pipe.scheduler).__name__, "config": scheduler},
        "attention": sorted({type(one).__name__ for one in pipe.unet.attn_processors.values()}),
        "device": device.type,
        "dtype": str(pipe.unet.dtype),
        "versions": dict(_versions()),
        "machine": _machine(device),
    }


def _machine(device):
    import torch

    cpu = f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {"processor": cpu, "card": card, "threads": torch.get_num_threads()}


@cache
def _versions():
    names = ("diffusers", "transformers", "torch", "numpy", "Pillow")
    packages = (("sdkit", "sd-one-parameter"), *((name, name) for name in names))
    return tuple((name, version(package)) for name, package in packages) + (("python", platform.python_version()),)


def settings_of(pipe, arguments: dict) -> dict:
    """Return all arguments of a call, the defaults among them."""
    settings = {**known_names(pipe), **arguments}
    if "height" in settings:
        settings["height"], settings["width"] = picture_size(pipe, settings)
    return settings


def settings_of_one(settings: dict, index: int, start: dict) -> dict:
    """Return the arguments that make picture `index` of a call alone; `start` is where its noise comes from."""
    per_prompt = settings["num_images_per_prompt"]
    one = dict(settings)
    for name in _PER_PROMPT:
        value = settings.get(name)
        if isinstance(value, list):
            one[name] = value[index // per_prompt]
        elif value is not None and not isinstance(value, str):
            one[name] = value[index // per_prompt : index // per_prompt + 1]
    for name in _IN_TURN:
        if settings.get(name) is not None:
            one[name] = _in_turn(name, settings[name], index)
    if settings.get("latents") is not None:
        one["latents"] = settings["latents"][index : index + 1]
    one["num_images_per_prompt"] = 1
    del one["generator"], one["return_dict"]
    return {**one, **start}


def _in_turn(name, pictures, index):
    """Return the picture that diffusers uses for picture `index` of a call."""
    if isinstance(pictures, list):
        return pictures[index % len(pictures)]
    shape = getattr(pictures, "shape", ())
    if len(shape) == 4 or (name == "mask_image" and len(shape) == 3 and 1 not in (shape[0], shape[2])):
        index %= shape[0]
        return pictures[index : index + 1]
    return pictures


def _start_of_each(pipe, arguments, count):
    """Return for each picture where its noise comes from, given the caller's generators: seed, state, or latents.

    Pictures that share one generator have no seed of their own: their starting noise is kept, or,
    where more is drawn than that, the generator itself, which says that no file can hold it.
    """
    given = arguments["generator"]
    several = given if isinstance(given, list) else [given] * count
    starts = [_start_of(one) for one in several]
    shared = len(set(map(id, several))) < count
    # inpainting draws for its pictures too, from the first generators only
    if count == 1 or (not shared and "mask_image" not in arguments):
        return starts
    if "image" in known_names(pipe) or is_random_on_the_way(pipe, arguments):
        return [{**start, "generator": given} for start in starts]
    if arguments.get("latents") is not None:
        return starts
    noise = _noise(pipe, arguments, given, count)
    return [{"seed": start["seed"], "latents": noise[i : i + 1]} for i, start in enumerate(starts)]


def _start_of(one):
    start = {"seed": one.initial_seed()}
    if one.device.type != "cpu":
        start["generator_device"] = one.device.type
    return start if _is_fresh(one) else {**start, "generator_state": one.get_state()}


def _noise(pipe, arguments, generators, count):
    """Return the starting noise that a text-to-image call will draw, without using the generators up."""
    import torch
    from diffusers.utils.torch_utils import randn_tensor

    def clone(one):
        fresh = torch.Generator(one.device)
        fresh.set_state(one.get_state())
        return fresh

    several = generators if isinstance(generators, list) else [generators]
    clones = {id(one): clone(one) for one in several}
    own = [clones[id(one)] for one in generators] if isinstance(generators, list) else clones[id(generators)]
    height, width = (side // pipe.vae_scale_factor for side in picture_size(pipe, arguments))
    shape = (count, pipe.vae.config.latent_channels, height, width)
    return randn_tensor(shape, generator=own, device=device_of(pipe), dtype=pipe.unet.dtype)


def _is_fresh(one):
    import torch

    fresh = torch.Generator(one.device).manual_seed(one.initial_seed())
    return torch.equal(fresh.get_state(), one.get_state())
