"""The exercises of lesson 8: another picture by the scheduler alone, whose stains these are, and a swap that works."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sdkit.exercises.answers import called, chosen_of, picture_of, returned, shot_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import apart, is_same, same, shows
from sdkit.exercises.own import drawn, own_pipe
from sdkit.schedulers import scheduler_named

PROMPT = "a big penguin on a yellow background, flat style"
SEED = 2
STEPS, FEW = 8, 5
# DDIM's picture of 8 steps: Euler a is 33 grey levels away, what only takes another way to it 20 at most.
_ANOTHER = 26.0
_STAINED = "DPM++ 2M Karras"
_KINDS = ("DDIM", "PNDM", "Euler", "Euler a", "Heun", "UniPC", "DPM++ 2M", "DPM++ 2M Karras")


@lru_cache
def _made(name: str, steps: int) -> Any:
    import torch

    pipe = own_pipe()
    pipe.scheduler = scheduler_named(name, pipe.scheduler)
    generator = torch.Generator("cpu").manual_seed(SEED)
    return pipe(PROMPT, generator=generator, num_inference_steps=steps).images[0]


@exercise(points=1)
def another(answer):
    """Another penguin with the same seed, by the scheduler alone."""
    shot = shot_of(answer)
    usual = {"prompt": PROMPT, "seed": SEED, "num_inference_steps": STEPS, "eta": 0, "latents": None}
    usual |= {"guidance_scale": 7.5, "negative_prompt": None}
    changed = [name for name, value in usual.items() if not _is(shot.settings.get(name), value)]
    yield finding(
        "settings",
        not changed,
        right="Prompt, seed and steps are those of the task.",
        missing="This is not as in the task: {changed}.",
        hint="All arguments stay; only the scheduler changes. It is a part of the pipeline, and sd.sweep swaps it by "
        "name.",
        changed=", ".join(changed),
    )
    yield shows(shot.image, "object", "penguin")
    yield shows(shot.image, "background", "yellow")
    far = apart(shot.image, drawn(PROMPT, SEED, num_inference_steps=STEPS))
    yield finding(
        "another",
        far >= _ANOTHER,
        right="It is another penguin than DDIM's, {far:.0f} grey levels away.",
        missing="It is too much like DDIM's penguin: only {far:.0f} grey levels away.",
        hint="Most schedulers take other steps on one and the same way. Which one adds something of its own at each "
        "step?",
        far=far,
    )


def _is(value, wanted):
    return value is wanted if wanted is None or value is None else value == wanted


@exercise(points=1, puzzle=lambda: _made(_STAINED, FEW).copy())
def whose(answer):
    """The scheduler that made a picture with 5 steps."""
    name = chosen_of(answer, tuple(kind.lower() for kind in _KINDS))
    yield finding(
        "scheduler",
        name == _STAINED.lower(),
        right="Yes, these are the stains of {name}.",
        missing="With {name} the picture looks different.",
        hint="Make it with all eight, with the seed and the steps of the task, and compare: sd.distance is 0 for the "
        "right one.",
        name=name,
    )


@exercise(points=3)
def swap(answer):
    """A function that draws with UniPC and leaves the pipeline as it was."""
    pipe = own_pipe()
    before = pipe.scheduler
    picture = returned(called(answer, pipe), picture_of)
    heard = not is_same(picture, _made("DDIM", FEW))
    yield finding(
        "heard",
        heard,
        right="The picture is no longer DDIM's.",
        missing="The picture is still DDIM's.",
        hint="A call drops names that it does not know, without a word. Where does a scheduler belong?",
    )
    if heard:
        yield same(
            "picture",
            picture,
            _made("UniPC", FEW),
            right="It is the picture that UniPC makes with this model.",
            missing="It is not the picture that UniPC makes with this model.",
            hint="A new scheduler needs the settings of the old one, or it plans for another model.",
        )
    yield finding(
        "left",
        type(pipe.scheduler) is type(before) and _settings(pipe.scheduler) == _settings(before),
        right="Afterwards the pipeline has its own scheduler again.",
        missing="Afterwards the pipeline has another scheduler than before.",
        hint="A swap stays for all later calls. What has to be done before the function returns?",
    )


def _settings(scheduler: Any) -> dict[str, Any]:
    return {name: value for name, value in scheduler.config.items() if not name.startswith("_")}
