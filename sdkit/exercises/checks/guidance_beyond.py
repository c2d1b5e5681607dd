"""The exercises of lesson 23: a calm car at a high scale, and which three steps were guided."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from sdkit.exercises.answers import kind_of, number_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import own_pipe
from sdkit.measure import clipped, unevenness

CAR, CAR_SEED = "a big car on a pink background, flat style", 2
OWL, OWL_SEED = "a big owl on a purple background, line style", 4
STEPS, GUIDED = 8, 3
SCALE = 15
# The pink car at a scale of 15: untouched 0.23 and 5.2, rescaled 0.005 and 3.9, in an interval 0.17 and 3.6, both
# together 0.001 and 1.7.
BURNT, STAINS = 0.03, 3.0
_FIRST = 2


def _made(guider: Any, prompt: str, seed: int) -> Any:
    import torch

    from sdkit.inside.guided import guided

    pipe = own_pipe()
    with guided(pipe, guider):
        start = torch.Generator("cpu").manual_seed(seed)
        return pipe(prompt, generator=start, num_inference_steps=STEPS).images[0]


@exercise(points=2)
def calm_car(answer):
    """A guider of scale 15 or more whose car is neither burnt nor stained."""
    from diffusers.guiders import BaseGuidance

    if not isinstance(answer, BaseGuidance):
        raise refuse(
            "guider",
            missing="The answer is of the type {kind}, not a guider.",
            hint="Give what sd.guider(...) returns; the check makes the picture with it.",
            kind=kind_of(answer),
        )
    scale = number_of(getattr(answer, "guidance_scale", 0))
    yield finding(
        "scale",
        scale >= SCALE,
        right="The guidance_scale is high: {scale:g}.",
        missing="A guidance_scale of {scale:g} is lower than 15.",
        hint="A lower scale burns less, of course. The task asks for what helps at a high one.",
        scale=scale,
    )
    picture = _car(answer)
    yield shows(picture, "object", "car")
    yield shows(picture, "background", "pink")
    burnt, stains = clipped(picture), unevenness(picture)
    yield finding(
        "burnt",
        burnt <= BURNT,
        right="Little is burnt: a share of {burnt:.3f}.",
        missing="A share of {burnt:.3f} is burnt; 0.03 is allowed.",
        hint="Which of the lesson's remedies brought the column burnt down most?",
        burnt=burnt,
    )
    yield finding(
        "stains",
        stains <= STAINS,
        right="The background is calm: {stains:.1f} grey levels.",
        missing="The background is uneven by {stains:.1f} grey levels; 3 are allowed.",
        hint="Which of the lesson's remedies brought the column stains down most? Remedies can be combined.",
        stains=stains,
    )


def _car(guider: Any) -> Any:
    """Return the car that a copy of a guider makes: calls write into guiders."""
    try:
        return _made(deepcopy(guider), CAR, CAR_SEED)
    except Exception as error:
        raise refuse(
            "error",
            missing="With this guider the call ends with {error}",
            hint="Not every guider can work in this pipeline, which makes two guesses a step. Take one of the lesson's "
            "core.",
            error=f"{type(error).__name__}: {error}"[:300],
        ) from error


@cache
def _owl() -> Any:
    from sdkit.inside.guided import guider

    return _made(guider(start=_FIRST / STEPS, stop=(_FIRST + GUIDED) / STEPS), OWL, OWL_SEED)


@exercise(points=2, puzzle=lambda: _owl().copy())
def first_guided(answer):
    """The first of the three steps that were guided."""
    step = whole_of(answer)
    yield finding(
        "step",
        step == _FIRST,
        right="Guided from step {step} on, this owl is made.",
        missing="Guided from step {step} on, another owl is made.",
        hint="start and stop are shares: step n of 8 begins at n / 8. Make the owl for each n; a sd.distance of 0 is "
        "the same picture.",
        step=step,
    )
