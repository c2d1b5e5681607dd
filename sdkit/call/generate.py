"""The strict call: diffusers' own arguments, nothing ignored in silence, everything recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sdkit.call.check_inputs import check_inputs, holds_several_masks
from sdkit.call.check_memory import check_memory
from sdkit.call.check_parts import check_parts
from sdkit.call.check_together import check_own_steps, check_together
from sdkit.call.exclusive import calling, exclusive
from sdkit.call.known_flaws import known_flaws
from sdkit.call.no_effect import without_effect
from sdkit.call.resolve import Call, draws_noise_on_the_way, resolve
from sdkit.call.watching import watched
from sdkit.errors import plain_errors, warn_user
from sdkit.loading.adapters import strengths_kept
from sdkit.loading.present import check_present
from sdkit.loading.provenance import origin_of
from sdkit.loading.state import changes, state_of
from sdkit.parameters import NoEffectWarning, check_names, check_value, known_names, plain_value, short
from sdkit.shot import Shot, is_picture
from sdkit.shots import Shots

if TYPE_CHECKING:
    import torch

_UNSET: Any = object()
_HALF = ("torch.float16", "torch.bfloat16")
_PER_PROMPT = ("prompt", "negative_prompt", "prompt_embeds", "negative_prompt_embeds")
_IN_TURN = ("image", "mask_image", "masked_image_latents")  # diffusers repeats these: 0, 1, 0, 1


@plain_errors
def generate(
    pipe, prompt: str | list[str] | None = None, *, seed: Any = _UNSET, ineffective: str = "warn", **arguments: Any
) -> Shots:
    """Call a pipeline with checked arguments and return its pictures with their settings.

    `pipe` is a Stable Diffusion pipeline (text to image, image to image, or inpaint) and
    `arguments` are those of its own call. Picture i of a call gets a fresh CPU generator seeded
    with `seed + i` (or the i-th of a list or array), so that each can be made again alone; seed defaults
    to 0. Passing `generator` instead works as in diffusers. `lora_scale` is short for
    `cross_attention_kwargs={"scale": ...}`, the strength of the LoRA in use. With `ineffective="raise"` an
    argument that cannot change the picture is a ValueError, otherwise a `NoEffectWarning`. A picture that
    holds NaN or infinite numbers is said in a warning, and its shot has a `problem`.

    Raises TypeError for unknown names and wrong types, ValueError for values out of range,
    combinations that cannot work and pictures that need more memory than is free, before any denoising
    step. What a callback returns is checked after its step, and a change that it makes to the pipeline is recorded
    as one that cannot be repeated.
    """
    if prompt is not None:
        arguments = {"prompt": prompt, **arguments}
    call = check_call(pipe, arguments, seed_given=seed is not _UNSET, ineffective=ineffective)
    own_generator = call.arguments.get("generator") is not None
    if own_generator and seed is not _UNSET:
        raise ValueError("seed and generator are both given; give one of them.")
    passed = dict(call.arguments)
    if own_generator:
        starts = _start_of_each(call)
    else:
        starts = [{"seed": number} for number in seeds_for(0 if seed is _UNSET else seed, call.count)]
        passed["generator"] = [generator(start["seed"]) for start in starts]
        if "mask_image" in passed and call.count > 1 and passed.get("padding_mask_crop") is None:
            # inpainting encodes each picture with a generator; one for each keeps the generators in step
            for name in ("image", "mask_image"):
                passed[name] = [_without_number(name, _in_turn(name, passed[name], i)) for i in range(call.count)]
    with exclusive(pipe):
        settings = copied(settings_of(call))
        before = state_of(pipe) if "callback_on_step_end" in passed else None
        made = run(pipe, passed, [f"picture {i}" for i in range(call.count)])
        origin = origin_of(pipe, call.device)  # afterwards: reading all weights would delay the first step
    changed = [] if before is None else changes(before.parts, origin.state)
    if changed:
        origin = replace(origin, unknown=(*origin.unknown, f"a change on the way, of {', '.join(changed)}"))
    return Shots(
        Shot(picture.image, settings_of_picture(settings, i, start), origin, {}, picture.seconds, picture.problem)
        for i, (picture, start) in enumerate(zip(made, starts))
    )


@plain_errors
def generator(seed: int) -> torch.Generator:
    """Return a new CPU generator set to `seed` (64 bits, as torch takes it; the noise follows from the lower 32).

    CPU generators give the same numbers on every machine; the pipeline moves the noise to its
    device. A used generator has moved on: make a new one for each picture.
    """
    import torch

    check_value("seed", seed)
    return torch.Generator("cpu").manual_seed(int(seed))


def seeds_for(seed: Any, count: int) -> list[int]:
    """Return one seed per picture: `seed`, `seed + 1`, ... or the given list or array, which must have `count`."""
    if getattr(seed, "ndim", 0) == 1:
        seed = seed.tolist()
    if isinstance(seed, (list, tuple, range)):
        if _length(seed) != count:
            raise ValueError(f"seed has {_length(seed)} numbers for {count} pictures; give one number, or {count}.")
        seeds = list(seed)
    else:
        check_value("seed", seed)
        seeds = [int(seed) + number for number in range(count)]
    for number in seeds:
        check_value("seed", number)
    return seeds


def _length(values):
    """Return how many values there are without listing them; `len` itself fails beyond 2**63."""
    if isinstance(values, range):
        return max(0, -(-(values.stop - values.start) // values.step))
    return len(values)


@dataclass(frozen=True)
class PictureResult:
    """What one picture of a call is, the seconds that it took, and what is wrong with it (None: nothing)."""

    image: Any
    seconds: float
    problem: str | None


def run(pipe, arguments: dict[str, Any], names: list[str]) -> list[PictureResult]:
    """Call the pipeline; return what it made, one for each of `names`.

    A picture that the safety checker hid is said in a warning, and one that holds NaN or infinite numbers too: of
    such numbers 8-bit pictures keep nothing, they are black there.
    """
    scale = (arguments.get("cross_attention_kwargs") or {}).get("scale")
    with calling(pipe, arguments), strengths_kept(pipe, scale), _noting_broken(pipe) as broken:
        began = time.perf_counter()
        result = pipe(**watched(pipe, {**arguments, "return_dict": True}))
    seconds = (time.perf_counter() - began) / len(names)
    for name, hidden in zip(names, result.nsfw_content_detected or []):
        if hidden:
            warn_user(f"{name} is black: the safety checker hid it; try another prompt or seed.")
    problem = f"it holds NaN or infinite numbers; {_remedy(pipe)}" if broken else None
    made = [PictureResult(image, seconds, problem if i in broken else None) for i, image in enumerate(result.images)]
    for name, picture in zip(names, made):
        if picture.problem:
            warn_user(f"{name} is broken: {picture.problem}")
    return made


@contextmanager
def _noting_broken(pipe) -> Iterator[set[int]]:
    """Yield a set, and put in the numbers of the pictures that are not finite as they come from the VAE.

    diffusers' image processor gets them as a tensor, latents too, and then clips and rounds them.
    """
    import torch

    broken: set[int] = set()
    processor = pipe.image_processor
    before = vars(processor).get("postprocess")  # of a call around this one, such as one whose callback calls

    def note(image, *args, **kwargs):
        finite = torch.isfinite(image).flatten(1).all(1)
        broken.update(number for number, is_finite in enumerate(finite.tolist()) if not is_finite)
        return type(processor).postprocess(processor, image, *args, **kwargs)

    try:
        processor.postprocess = note
        yield broken
    finally:
        if before is None:
            del processor.postprocess
        else:
            processor.postprocess = before


def _remedy(pipe):
    if str(pipe.unet.dtype) in _HALF:
        return f"{pipe.unet.dtype} may be too small for them, try torch.float32."
    return "try another scheduler or its usual settings, and whether the weights are whole."


def check_call(pipe, arguments: dict[str, Any], *, seed_given: bool = False, ineffective: str = "warn") -> Call:
    """Check the arguments of a call as `generate` does, without making a picture; return what the call will do.

    Raises what `generate` raises.
    """
    check_present(pipe)
    if not isinstance(ineffective, str) or ineffective not in ("warn", "raise"):
        raise ValueError(f'ineffective is {short(ineffective)}; give "warn" or "raise".')
    check_names(arguments, {*known_names(pipe), "lora_scale"}, type(pipe).__name__)
    check_own_steps(pipe, arguments)
    for name, value in arguments.items():
        check_value(name, value)
    arguments = _with_lora_scale(arguments)
    values = {name: plain_value(name, value) for name, value in arguments.items()}
    with exclusive(pipe):  # a tokenizer keeps the padding of its latest call, also for a call in another thread
        call = resolve(pipe, values)
        check_parts(call)
        check_together(call)
        check_inputs(call)
        check_memory(call)
        flaws, idle = known_flaws(call), without_effect(call, seed_given)
    for message in flaws:
        warn_user(message)
    for message in idle:
        if ineffective == "raise":
            raise ValueError(message)
        warn_user(message, NoEffectWarning)
    return call


def _with_lora_scale(arguments):
    """Return the arguments with `lora_scale` where diffusers takes it."""
    others = {name: value for name, value in arguments.items() if name != "lora_scale"}
    scale, given = arguments.get("lora_scale"), arguments.get("cross_attention_kwargs") or {}
    if scale is None:
        return others
    if "scale" in given:
        raise ValueError('lora_scale and cross_attention_kwargs={"scale": ...} are both given; give one of them.')
    return {**others, "cross_attention_kwargs": {**given, "scale": plain_value("lora_scale", scale)}}


def settings_of(call: Call) -> dict[str, Any]:
    """Return all arguments of a call, the defaults among them, with the height and width that follow."""
    settings = {**call.defaults, **call.arguments}
    if "height" in settings:
        settings["height"], settings["width"] = call.height, call.width
    return settings


def copied(value: Any) -> Any:
    """Return a copy of tensors, arrays and pictures, in lists and dictionaries too; anything else as it is.

    A record holds copies, so that what the caller does to a picture afterwards does not change it.
    """
    if isinstance(value, list):
        return [copied(entry) for entry in value]
    if isinstance(value, dict):
        return {name: copied(entry) for name, entry in value.items()}
    if hasattr(value, "detach"):
        return value.detach().clone()
    return value.copy() if is_picture(value) or hasattr(value, "dtype") else value


def settings_of_picture(settings: dict[str, Any], index: int, start: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that make picture `index` of a call alone; `start` is where its noise comes from."""
    per_prompt = settings["num_images_per_prompt"]
    alone = dict(settings)
    for name in _PER_PROMPT:
        value = settings.get(name)
        if isinstance(value, list):
            alone[name] = value[index // per_prompt]
        elif value is not None and not isinstance(value, str):
            alone[name] = value[index // per_prompt : index // per_prompt + 1]
    for name in _IN_TURN:
        if settings.get(name) is not None:
            alone[name] = _in_turn(name, settings[name], index)
    if settings.get("latents") is not None:
        alone["latents"] = settings["latents"][index : index + 1]
    alone["num_images_per_prompt"] = 1
    del alone["generator"], alone["return_dict"]
    return {**alone, **start}


def _in_turn(name, pictures, index):
    """Return the picture that diffusers uses for picture `index` of a call.

    Of arrays and tensors with their number first, a slice: (1, channels, height, width) or a mask's (1, height, width).
    """
    if isinstance(pictures, list):
        return pictures[index % len(pictures)]
    if getattr(pictures, "ndim", 0) == 4 or holds_several_masks(name, pictures):
        index %= len(pictures)
        return pictures[index : index + 1]
    return pictures


def _without_number(name, picture):
    """Return one picture, array or tensor, of the slice that `_in_turn` takes of several in one; others as they are."""
    return picture[0] if getattr(picture, "ndim", 0) == 4 or holds_several_masks(name, picture) else picture


def _start_of_each(call):
    """Return for each picture where its noise comes from, given the caller's generators: seed, state, or latents.

    Pictures that share one generator have no seed of their own: their starting noise is kept, or,
    where more is drawn than that, the generator itself, which says that no file can hold it.
    """
    given = call.arguments["generator"]
    generators = given if isinstance(given, list) else [given] * call.count
    starts = [_start_of(generator) for generator in generators]
    shared = len(set(map(id, generators))) < call.count
    # inpainting draws for its pictures too, from the first generators only
    if call.count == 1 or (not shared and "mask_image" not in call.arguments):
        return starts
    if "image" in call.defaults or draws_noise_on_the_way(call):
        return [{**start, "generator": given} for start in starts]
    if call.arguments.get("latents") is not None:
        return starts
    noise = _noise(call, given)
    return [{"seed": start["seed"], "latents": noise[i : i + 1]} for i, start in enumerate(starts)]


def _start_of(generator):
    start = {"seed": generator.initial_seed()}
    if generator.device.type != "cpu":
        start["generator_device"] = generator.device.type
    return start if _is_fresh(generator) else {**start, "generator_state": generator.get_state()}


def _noise(call, given):
    """Return the starting noise that a text-to-image call will draw, without using its generators up."""
    from diffusers.utils.torch_utils import randn_tensor

    copies: dict = {}  # the same generator in several places stays one and the same
    for generator in given if isinstance(given, list) else [given]:
        copies.setdefault(id(generator), _copy_of(generator))
    own = [copies[id(generator)] for generator in given] if isinstance(given, list) else copies[id(given)]
    return randn_tensor(call.latent_shape, generator=own, device=call.device, dtype=call.pipe.unet.dtype)


def _copy_of(generator):
    import torch

    made = torch.Generator(generator.device)
    made.set_state(generator.get_state())
    return made


def _is_fresh(generator):
    import torch

    fresh = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    return torch.equal(fresh.get_state(), generator.get_state())
