"""The exercises of lesson 25: which argument was it, near and far without another word, and a fair comparison."""

from __future__ import annotations

from typing import Any

from sdkit.exercises.answers import called, chosen_of, number_of, returned, shot_of, table_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import apart
from sdkit.exercises.own import drawn, own_pipe

PROMPT = "a big owl on a blue background, flat style"
SEED, STEPS = 3, 10
CHOICES = ("eta", "guidance_scale", "negative_prompt", "num_inference_steps", "guidance_rescale")
_MADE: dict[str, tuple[str, Any]] = {
    "first": ("num_inference_steps", 4),
    "second": ("eta", 1.0),
    "third": ("guidance_scale", 20.0),
}
_NEAR, _FAR = 8.0, 40.0


def _drawn(**change: Any) -> Any:
    return drawn(PROMPT, SEED, **{"num_inference_steps": STEPS, **change})


@exercise(points=2, puzzle=lambda: [_drawn(), *(_drawn(**{name: value}) for name, value in _MADE.values())])
def which(answer):
    """The argument that was changed, for three pictures."""
    given = table_of(answer, tuple(_MADE))
    for place, (name, _) in _MADE.items():
        chosen = chosen_of(given[place], CHOICES)
        yield finding(
            place,
            chosen == name,
            right="{place}: it was {chosen}.",
            missing="{place}: it was not {chosen}.",
            hint="Make the picture of each change yourself, with the same prompt, seed and steps, and measure which of "
            "them is at a distance of about 0.",
            place=place,
            chosen=chosen,
        )


@exercise(points=2)
def near_and_far(answer):
    """Two pictures with the prompt and the seed of the start, one near it and one far away."""
    given = table_of(answer, ("near", "far"))
    start = _drawn()
    for place in ("near", "far"):
        shot = shot_of(given[place])
        held = shot.settings.get("prompt") == PROMPT and shot.settings.get("seed") == SEED
        yield finding(
            f"{place} held",
            held,
            right="{place}: prompt and seed are those of the start.",
            missing="{place}: prompt or seed are not those of the start.",
            hint="Only other arguments may change.",
            place=place,
        )
        away = apart(shot.image, start)
        yield finding(
            place,
            0 < away < _NEAR if place == "near" else _FAR < away < 255,
            right="{place}: {away:.0f} grey levels from the start.",
            missing="{place}: {away:.0f} grey levels from the start. Asked for: more than 0 and less than 8 for near, "
            "more than 40 for far, at the size of the start.",
            hint="Look at the lesson's dots: which changes hardly move a picture, and which move it farther than "
            "another seed? Some values are not in its list.",
            place=place,
            away=away,
        )


@exercise(points=2)
def moved(answer):
    """A function that says how far a change moves a picture."""
    pipe = own_pipe()
    nothing = returned(called(answer, pipe, {}), number_of)
    yield finding(
        "nothing",
        nothing < 1,
        right="No change moves the picture by nothing.",
        missing="No change at all moves the picture by {nothing:.0f} grey levels.",
        hint="What else is different between the two pictures?",
        nothing=nothing,
    )
    steps = {"num_inference_steps": 6, "generator": None}
    guided, other = (_with_seed(pipe, scale, steps) for scale in (7.5, 1.0))
    change = returned(called(answer, pipe, {"guidance_scale": 1.0}), number_of)
    yield finding(
        "change",
        change > 0.5 * apart(guided, other),
        right="A guidance_scale of 1 moves it by {change:.0f} grey levels.",
        missing="A guidance_scale of 1 moves it by only {change:.0f} grey levels.",
        hint="Does the second call get the change?",
        change=change,
    )


def _with_seed(pipe: Any, scale: float, steps: dict[str, Any]) -> Any:
    import torch

    given = {**steps, "generator": torch.Generator("cpu").manual_seed(SEED)}
    return pipe(PROMPT, guidance_scale=scale, **given).images[0]
