"""The exercises of lesson 21: four good timesteps, the one that was left out, and noise levels that end in time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sdkit.exercises.answers import called, kind_of, number_of, returned, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import apart
from sdkit.exercises.own import own_pipe

CAR, CAR_SEED = "a big car on a yellow background, flat style", 4
OWL, OWL_SEED = "a big owl on a blue background, flat style", 5
COUNT = 4
NEAR = 40  # grey levels that four timesteps may be away: spread out they are 21 to 38, bunched 50 or more
FULL = 25
SIX = (999, 832, 666, 499, 333, 166)
LOUDEST = 12.0  # the sigma that levels begins with
_LEFT_OUT = 832


@lru_cache(maxsize=16)
def _made(prompt: str, seed: int, moments: tuple[int, ...] = ()) -> Any:
    """Return Euler's picture at these timesteps, or in 25 steps of its own."""
    import torch
    from diffusers.schedulers import EulerDiscreteScheduler

    pipe = own_pipe()
    pipe.scheduler = EulerDiscreteScheduler.from_config({**pipe.scheduler.config, "use_karras_sigmas": False})
    plan: dict[str, Any] = {"timesteps": list(moments)} if moments else {"num_inference_steps": FULL}
    return pipe(prompt, generator=torch.Generator("cpu").manual_seed(seed), **plan).images[0]


@exercise(points=1)
def four(answer):
    """Four timesteps that draw nearly what 25 draw."""
    moments = [whole_of(entry) for entry in _numbers(answer)]
    yield finding(
        "count",
        len(moments) == COUNT,
        right="There are four timesteps.",
        missing="There are {count} timesteps, not four.",
        hint="The list has one number for each step.",
        count=len(moments),
    )
    falling = all(0 <= moment <= 999 for moment in moments) and all(a > b for a, b in zip(moments, moments[1:]))
    yield finding(
        "order",
        falling,
        right="They fall, from noise to the clean picture.",
        missing="They do not fall all the way, or leave the range from 999 to 0.",
        hint="The first step sees noise alone. Which end of the scale is that?",
    )
    if falling and len(moments) == COUNT:
        far = apart(_made(CAR, CAR_SEED, tuple(moments)), _made(CAR, CAR_SEED))
        yield finding(
            "near",
            far <= NEAR,
            right="The car is {far:.0f} grey levels from the one in 25 steps.",
            missing="The car is {far:.0f} grey levels from the one in 25 steps; 40 are allowed.",
            hint="Draw your list with sd.draw_timesteps. Where is the longest leap, and where do steps stand too "
            "close?",
            far=far,
        )


@exercise(points=2, puzzle=lambda: _made(OWL, OWL_SEED, tuple(moment for moment in SIX if moment != _LEFT_OUT)).copy())
def left_out(answer):
    """The timestep that a picture was made without."""
    moment = whole_of(answer)
    if moment not in SIX:
        raise refuse(
            "timestep",
            missing="{moment} is none of the six timesteps.",
            hint="Copy one of the six numbers from the task.",
            moment=moment,
        )
    yield finding(
        "timestep",
        moment == _LEFT_OUT,
        right="Without {moment}, the other five draw this owl.",
        missing="Without {moment}, the owl is another one.",
        hint="Make the owl six times, each time without another number. A sd.distance of 0 is the same picture.",
        moment=moment,
    )


@exercise(points=2)
def levels(answer):
    """A function that gives the sigmas for some number of steps."""
    for steps in (4, 8, 13):
        sigmas = [float(number_of(entry)) for entry in returned(called(answer, steps), _numbers)]
        yield finding(
            f"steps {steps}",
            len(sigmas) == steps + 1,
            right="levels({steps}) gives {made} steps.",
            missing="levels({steps}) has {count} sigmas, and so gives {made} steps.",
            hint="Each step leads from one sigma to the next. How many sigmas do three steps need? Draw them on paper.",
            steps=steps,
            count=len(sigmas),
            made=max(len(sigmas) - 1, 0),
        )
        ends = bool(sigmas) and abs(sigmas[-1]) < 1e-6
        yield finding(
            f"end {steps}",
            ends and all(a > b for a, b in zip(sigmas, sigmas[1:])),
            right="The sigmas of levels({steps}) fall, and no noise is left at the end.",
            missing="The sigmas of levels({steps}) do not fall to the end, or leave noise in the picture.",
            hint="A sigma is the strength of the noise. Which one does a clean picture have?",
            steps=steps,
        )
        yield finding(
            f"first {steps}",
            bool(sigmas) and abs(sigmas[0] - LOUDEST) < 1e-6,
            right="The sigmas of levels({steps}) begin with 12.",
            missing="The sigmas of levels({steps}) do not begin with 12.",
            hint="The beginning was right before the repair: at n = 0 nothing is taken off.",
            steps=steps,
        )


def _numbers(value: Any) -> list[Any]:
    """Return a list, tuple, array or tensor of one dimension as a list."""
    given = value.tolist() if len(getattr(value, "shape", ())) == 1 else value
    if not isinstance(given, (list, tuple)):
        raise refuse(
            "list",
            missing="A list of numbers is expected; this is of the type {kind}.",
            hint="Write the numbers between square brackets, with commas between them.",
            kind=kind_of(value),
        )
    return list(given)
