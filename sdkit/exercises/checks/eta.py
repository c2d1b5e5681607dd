"""The exercises of lesson 12: three ducks of one start, what was changed, and eta that nobody heeds."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from statistics import mean
from typing import Any

from sdkit.asked import named
from sdkit.exercises.answers import called, chosen_of, kind_of, picture_of, returned, shot_of, table_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import apart, is_same
from sdkit.exercises.own import own_pipe

PROMPT = "a duck on a blue background, flat style"
STEPS = 8
_START = 2
_LEAST = 8.0
# Grey levels: Euler a, which the lesson compares with DDIM at eta 1, is one away, and the same machine makes both here.
_EULER_A = 0.5
_KEPT = ("prompt", "num_inference_steps", "guidance_scale", "negative_prompt")
# What was changed for each picture of the puzzle, and its noise, eta and seed; without a change they are 2, 0 and 2.
_CHANGED = {"a": "eta", "b": "seed", "c": "noise"}
_CALLS = {"a": (2, 1, 2), "b": (2, 0, 3), "c": (3, 0, 2)}


@cache
def _duck(noise: int, eta: float, seed: int) -> Any:
    import torch

    call = {"latents": _noise(noise), "generator": torch.Generator("cpu").manual_seed(seed)}
    return own_pipe()(PROMPT, eta=eta, num_inference_steps=STEPS, **call).images[0]


def _noise(seed: int) -> Any:
    import torch

    config = own_pipe().unet.config
    shape = (1, config.in_channels, config.sample_size, config.sample_size)
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


@exercise(points=1)
def family(answer):
    """Three ducks that differ, all from one start."""
    if not isinstance(answer, (list, tuple)) or len(answer) != 3:
        raise refuse(
            "shots",
            missing="A list of three shots is expected; this is of the type {kind}.",
            hint="Make each with sd.generate(...)[0], and collect them in a list.",
            kind=kind_of(answer),
        )
    shots = [shot_of(shot) for shot in answer]
    yield finding(
        "start",
        all(_is_start(shot.settings.get("latents")) for shot in shots),
        right="All three begin with start.",
        missing="Not all of them begin with start.",
        hint="Hand it to each call as latents; a seed alone brings another start.",
    )
    usual = [{name: shot.settings.get(name) for name in _KEPT} for shot in shots]
    yield finding(
        "calls",
        all(call["prompt"] == PROMPT and call == usual[0] for call in usual),
        right="The prompt is that of the task, the steps and the guidance are the same for all.",
        missing="The prompt is not that of the task, or other things differ between the calls.",
        hint="Leave prompt, steps and guidance alone: the fresh noise on the way is to make the difference.",
    )
    seen = named(shots)
    yield finding(
        "ducks",
        seen == ["duck"] * 3,
        right="All three show a duck.",
        missing="They look like this: {seen}. Each should be a duck.",
        hint="Keep the prompt of the task, and eta at 1 or below.",
        seen=", ".join(seen),
    )
    far = mean(apart(first.image, second.image) for first, second in combinations(shots, 2))
    yield finding(
        "spread",
        far >= _LEAST,
        right="They differ: {far:.0f} grey levels on average.",
        missing="They hardly differ: {far:.0f} grey levels on average.",
        hint="Two things are needed: steps that draw fresh noise, and another seed for them in each call.",
        far=far,
    )


def _is_start(latents: Any) -> bool:
    import torch

    start = _noise(_START)
    if not torch.is_tensor(latents) or latents.shape != start.shape:
        return False
    return torch.allclose(latents.float().cpu(), start, atol=1e-4)


@exercise(points=2, puzzle=lambda: [_duck(*call).copy() for call in _CALLS.values()])
def changed(answer):
    """Which of three numbers was changed, for each of three pictures."""
    for name, given in table_of(answer, tuple(_CHANGED)).items():
        chosen = chosen_of(given, tuple(_CHANGED.values()))
        yield finding(
            name,
            chosen == _CHANGED[name],
            right="{name}: it was the {chosen}.",
            missing="{name}: it was not the {chosen}.",
            hint="Which of the three has no effect as long as nothing is drawn on the way? The other two you can try.",
            name=name,
            chosen=chosen,
        )


@exercise(points=3)
def heeded(answer):
    """A function that varies a picture by eta with a pipeline that comes with PNDM."""
    first, second = (returned(called(answer, _as_downloaded(), seed), picture_of) for seed in (1, 2))
    yield finding(
        "heeded",
        not is_same(first, second),
        right="Two seeds make two pictures.",
        missing="Two seeds make the same picture.",
        hint="PNDM takes no eta, and nobody says so. Who plans the steps must change first.",
    )
    yield finding(
        "duck",
        apart(first, _duck(_START, 1, 1)) < _EULER_A,
        right="They are DDIM's ducks, as they should be.",
        missing="They are not the ducks that DDIM makes with eta 1.",
        hint="Take the settings from the old scheduler. One of them is missing in PNDM's, and then DDIM cuts the "
        "latents: the lesson says which.",
    )


def _as_downloaded() -> Any:
    """Return a pipeline with PNDM, whose settings lack `clip_sample`, as in most files that name it."""
    from diffusers import PNDMScheduler

    pipe = own_pipe()
    settings = {name: value for name, value in pipe.scheduler.config.items() if name != "clip_sample"}
    pipe.scheduler = PNDMScheduler.from_config(settings)
    return pipe
