"""The exercises of lesson 17: the best device of any machine, three formats told apart, and a copy that is one."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from typing import Any
from unittest.mock import patch

from sdkit.exercises.answers import called, kind_of, pipeline_of, returned, table_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.own import fresh_pipe, own_pipe, weights_of
from sdkit.quiet import quiet

PROMPT = "a big house on a green background, flat style"
STEPS = 4
# Where each of the three pictures of `formats` stands.
_PLACES = {"float32": 3, "bfloat16": 1, "there and back": 2}
# What stands in for machines: has it an NVIDIA card, is it an Apple computer, and what is the answer?
_MACHINES = {
    "NVIDIA": (True, False, "cuda"),
    "Apple": (False, True, "mps"),
    "neither": (False, False, "cpu"),
}


@exercise(points=2)
def best(answer):
    """A function that names the best device there is."""
    for machine, (cuda, mps, device) in _MACHINES.items():
        with _as_on(cuda, mps):
            given = returned(called(answer), _device_of)
        yield finding(
            machine,
            given == device,
            right="{machine}: the device is right.",
            missing="{machine}: {given} is not the best device that is there.",
            hint="PyTorch knows what is there, if you ask it: is_available is a function, so it needs brackets. Ask in "
            "the order in which you want the devices.",
            machine=machine,
            given=given,
        )


def _as_on(cuda: bool, mps: bool) -> ExitStack:
    """Return a context in which PyTorch says that it has these devices; afterwards it tells the truth again."""
    import torch

    stack = ExitStack()
    stack.enter_context(patch.object(torch.cuda, "is_available", lambda: cuda))
    stack.enter_context(patch.object(torch.backends.mps, "is_available", lambda: mps))
    return stack


def _device_of(value: Any) -> str:
    """Return the kind of a device given by its name or as PyTorch's object, "cuda" of "cuda:0"."""
    import torch

    if not isinstance(value, (str, torch.device)):
        raise refuse(
            "device",
            missing="Your function returns something of the type {kind}, not the name of a device.",
            hint='Return a text such as "cpu".',
            kind=kind_of(value),
        )
    return str(value).partition(":")[0]


@cache
def _three() -> list[Any]:
    import torch

    coarse = fresh_pipe(torch.bfloat16)
    pictures = {"float32": _house(own_pipe(), torch.float32), "bfloat16": _house(coarse, torch.bfloat16)}
    with quiet():
        coarse.to(torch.float32)
    pictures["there and back"] = _house(coarse, torch.float32)
    return [pictures[name] for name in sorted(_PLACES, key=_PLACES.__getitem__)]


def _house(pipe: Any, dtype: Any) -> Any:
    import torch

    shape = (1, pipe.unet.config.in_channels, *[pipe.unet.config.sample_size] * 2)
    noise = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(3))
    return pipe(PROMPT, latents=noise.to(dtype), num_inference_steps=STEPS).images[0]


@exercise(points=2, puzzle=lambda: [picture.copy() for picture in _three()])
def formats(answer):
    """Which picture was made in which format."""
    for name, number in table_of(answer, tuple(_PLACES)).items():
        yield finding(
            name,
            number == _PLACES[name] and not isinstance(number, bool),
            right="{name}: that is the picture.",
            missing="{name}: it is another picture than {number}.",
            hint="Make the three pictures yourself with house(...), and take sd.distance to each of the puzzle's. 0 is "
            "the same picture.",
            name=name,
            number=str(number)[:40],
        )


@exercise(points=3)
def half_copy(answer):
    """A function that returns a second pipeline in bfloat16 and leaves the first one as it is."""
    import torch

    pipe = fresh_pipe()
    with quiet():
        copy = returned(called(answer, pipe), pipeline_of)
    yield finding(
        "two",
        copy is not pipe,
        right="There are two pipelines.",
        missing="Your function returns the very pipeline that it got.",
        hint="pipe.to works in place, whatever diffusers' documentation says. Where can a second pipeline come from?",
    )
    yield finding(
        "bfloat16",
        all(weight.dtype == torch.bfloat16 for weight in weights_of(copy)),
        right="All weights of the one that is returned are bfloat16.",
        missing="The one that is returned has weights that are not bfloat16.",
        hint="pipe.dtype speaks for one part only; UNet, VAE and text encoder have to have the format.",
    )
    yield finding(
        "untouched",
        all(map(torch.equal, weights_of(pipe), weights_of(own_pipe()))),
        right="The weights of the first one are as they were, to the bit.",
        missing="The weights of the first one are no longer what they were.",
        hint="Pipelines made of the same parts share their weights: what is done to one happens to both. And digits "
        "that were rounded away do not come back.",
    )
