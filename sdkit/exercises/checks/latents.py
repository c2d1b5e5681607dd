"""The exercises of lesson 9: what lies between two noises, pictures with a common start, and noise made by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.asked import named
from sdkit.exercises.answers import called, kind_of, returned, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import own_pipe

PROMPT = "a big penguin, flat style"
ROCKET = "a big rocket, {} style"
STEPS = 8
_SEEDS = (1, 4)
# On the way the two weights explain all of the noise; of a noise from elsewhere next to nothing.
_EXPLAINED = 0.9
_UPPER, _LOWER = (1, 2, 4), (4, 2, 1)
_PAIRS = {"a": 3, "b": 2, "c": 1}


def _noise(seed: int, height: int = 128, width: int = 128) -> Any:
    import torch

    pipe = own_pipe()
    factor = pipe.vae_scale_factor
    shape = (1, pipe.unet.config.in_channels, height // factor, width // factor)
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


@exercise(points=2)
def between(answer):
    """Latents between two noises, of which the penguin stands on a colour that neither end has."""
    import torch

    start = _tensor(answer)
    if start.shape != _noise(1).shape:
        raise refuse(
            "shape",
            missing="The latents have the shape {shape}, not that of the two noises.",
            hint="A mix has the shape of what it is mixed from.",
            shape=tuple(start.shape),
        )
    ends = torch.stack([_noise(seed).flatten() for seed in _SEEDS], dim=1)
    flat = start.flatten()[:, None]
    weights = torch.linalg.lstsq(ends, flat).solution
    explained = float((ends @ weights).norm() / flat.norm().clamp(min=1e-6))
    yield finding(
        "between",
        explained >= _EXPLAINED,
        right="The latents are a mix of the two noises.",
        missing="The latents are no mix of the noises of seeds 1 and 4.",
        hint="The colour alone is not enough: the start must be made of these two noises.",
    )
    std = float(start.std())
    yield finding(
        "strength",
        0.93 <= std <= 1.07,
        right="They are as strong as noise should be: std {std:.2f}.",
        missing="Their std is {std:.2f}; noise should have about 1.",
        hint="In a mean, two noises half cancel each other. Which way between them keeps the strength?",
        std=std,
    )
    picture = own_pipe()(PROMPT, latents=start, num_inference_steps=STEPS).images[0]
    yield shows(picture, "object", "penguin")
    seen = named(picture, "background")[0]
    yield finding(
        "background",
        seen == "purple",
        right="The background is purple.",
        missing="The background is {seen}, not purple.",
        hint="Try more weights from 0 to 1: the colour changes on the way.",
        seen=seen,
    )


@cache
def _rockets() -> list[Any]:
    import torch

    seeds = [*_UPPER, *_LOWER]
    prompts = [ROCKET.format(style) for style in ("flat", "shaded") for _ in _UPPER]
    start = torch.cat([_noise(seed) for seed in seeds])
    return own_pipe()(prompts, latents=start, num_inference_steps=STEPS - 2).images


@exercise(points=1, puzzle=lambda: [picture.copy() for picture in _rockets()])
def same_start(answer):
    """Which pictures of two rows began with the same noise."""
    for name, given in table_of(answer, tuple(_PAIRS)).items():
        number = whole_of(given)
        yield finding(
            name,
            number == _PAIRS[name],
            right="{name} and {number} began with the same noise.",
            missing="{name} and {number} did not begin with the same noise.",
            hint="What do pictures from one noise share, whatever the words are? sd.distance sees it too.",
            name=name,
            number=number,
        )


@exercise(points=2)
def by_hand(answer):
    """A function that returns the starting noise of a picture."""
    import torch

    width, height, seed = 192, 128, 7
    expected = _noise(seed, height, width)
    given = returned(called(answer, width, height, seed), _tensor)
    yield finding(
        "shape",
        given.shape == expected.shape,
        right="The shape is right.",
        missing="The shape is {shape}, which is not that of a picture {width} wide and {height} high.",
        hint="In the shape of latents, which comes first, height or width?",
        shape=tuple(given.shape),
        width=width,
        height=height,
    )
    mean, std = float(given.mean()), float(given.std(correction=0))
    strong = abs(mean) < 0.2 and abs(std - 1) < 0.15
    yield finding(
        "noise",
        strong,
        right="It is noise as the model expects it.",
        missing="Its mean is {mean:.2f} and its std {std:.2f}; the model expects about 0 and 1.",
        hint="torch has several functions that draw random numbers; one letter makes a difference. Nothing is to be "
        "multiplied.",
        mean=mean,
        std=std,
    )
    if strong and given.numel() == expected.numel():
        yield finding(
            "seed",
            torch.allclose(given.flatten(), expected.flatten(), atol=1e-4),
            right="It is the noise that the pipeline draws from this seed.",
            missing="It is not the noise that the pipeline draws from this seed.",
            hint="All the numbers come from one fresh generator with the seed that your function gets.",
        )


def _tensor(value):
    import torch

    if not isinstance(value, torch.Tensor):
        raise refuse(
            "tensor",
            missing="The answer is of the type {kind}, not a tensor.",
            hint="Latents are a tensor of torch, such as torch.randn(...) makes.",
            kind=kind_of(value),
        )
    return value.detach().float().cpu()
