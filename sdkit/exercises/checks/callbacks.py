"""The exercises of lesson 20: six steps and no more, the step of a switch, and a cat that becomes a car."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.exercises.answers import called, kind_of, returned, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import is_same, shows
from sdkit.exercises.own import own_pipe

CAT = "a big cat on a blue background, flat style"
CAR = "a big car on a pink background, flat style"
SEED, STEPS = 1, 10
RUN, LATER = 6, 1  # the steps that six_steps may run, and the step after which become_car switches
_SWITCH = 3


@exercise(points=1)
def six_steps(answer):
    """A callback that ends a call after six steps."""
    run: list[int] = []
    _made(answer, run)
    yield finding(
        "steps",
        len(run) == RUN,
        right="Your function ends the call after {run} steps.",
        missing="With your function, {run} of 10 steps are run.",
        hint="An attribute of pipe skips the steps that are left. Steps are numbered from 0: which number has the last "
        "one that is to run?",
        run=len(run),
    )


def _made(answer: Any, run: list[int] | None = None) -> Any:
    """Return the picture of a call with an answer as its callback; `run` takes the numbers of the steps that ran."""
    import torch

    def step_end(pipe, step, timestep, tensors):
        if run is not None:
            run.append(step)
        return returned(called(answer, pipe, step, timestep, tensors), _tensors_of)

    start = torch.Generator("cpu").manual_seed(SEED)
    return own_pipe()(CAT, generator=start, num_inference_steps=STEPS, callback_on_step_end=step_end).images[0]


def _tensors_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= {"latents", "prompt_embeds", "negative_prompt_embeds"}:
        raise refuse(
            "tensors",
            missing="Your function returns something of the type {kind} that is no dictionary of the call's tensors.",
            hint='It returns an empty dictionary to go on, or one such as {{"latents": ...}} to change something.',
            kind=kind_of(value),
        )
    return value


@cache
def _switched(after: int) -> Any:
    """Return the cat that is told to become a car after a step."""
    import torch

    pipe = own_pipe()
    with torch.no_grad():
        told, empty = pipe.encode_prompt(CAR, pipe.device, 1, True)
    car = torch.cat([empty, told])
    return _made(lambda pipe, step, timestep, tensors: {"prompt_embeds": car} if step == after else {})


@exercise(points=2, puzzle=lambda: _switched(_SWITCH).copy())
def which_step(answer):
    """The step after which the prompt was switched."""
    step = whole_of(answer)
    yield finding(
        "step",
        step == _SWITCH,
        right="Switched after step {step}, the call makes this picture.",
        missing="Switched after step {step}, the call makes another picture.",
        hint="The background says that it was not right at the beginning. Make the picture with switch(n, car) for the "
        "steps that are left, and take sd.distance: 0 is the same picture.",
        step=step,
    )


@exercise(points=3)
def become_car(answer):
    """A callback that turns the cat into the car after step 1."""
    picture = _made(answer)
    yield shows(picture, "object", "car")
    yield shows(picture, "background", "pink")
    yield finding(
        "switch",
        is_same(picture, _switched(LATER)),
        right="It is switched after step 1, to the prompt of the task.",
        missing="It is not the picture of a switch after step 1 to the prompt of the task.",
        hint="prompt_embeds holds two texts. Which one comes first, the prompt or the empty one? And is the step the "
        "right one?",
    )
