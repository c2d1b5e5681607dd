"""The exercises of lesson 11: two prompts from the same two noises, which picture has a seed, and who comes where."""

from functools import cache
from typing import Any

from sdkit.exercises.answers import called, pictures_of, returned, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import is_same
from sdkit.exercises.own import drawn, own_pipe

CAT = "a cat on a blue background, flat style"
HOUSE = "a house on a pink background, flat style"
OWL = "a big owl, flat style"
STEPS = 8
_SEEDS = (1, 2)
_SEED = 6
_ALONE = {"a": _SEED, "b": None, "c": None}


@exercise(points=2)
def same_noises(answer):
    """Two cats and two houses of one call, from the same two noises."""
    pictures = pictures_of(answer, 4)
    names = ("cat, seed 1", "cat, seed 2", "house, seed 1", "house, seed 2")
    asked = [(prompt, seed) for prompt in (CAT, HOUSE) for seed in _SEEDS]
    for name, picture, (prompt, seed) in zip(names, pictures, asked):
        yield finding(
            name,
            is_same(picture, drawn(prompt, seed, num_inference_steps=STEPS)),
            right="{name}: it is that picture.",
            missing="{name}: it is another picture.",
            hint="Each picture needs a generator of its own. And in which order do the pictures come?",
            name=name,
        )


@cache
def _owls() -> list[Any]:
    import torch

    call = {"generator": torch.Generator("cpu").manual_seed(_SEED), "num_images_per_prompt": 3}
    return own_pipe()(OWL, num_inference_steps=STEPS, **call).images


@exercise(points=2, puzzle=lambda: [picture.copy() for picture in _owls()])
def alone(answer):
    """Which pictures of a call can be made again alone, and with which seeds."""
    for name, given in table_of(answer, tuple(_ALONE)).items():
        seed = None if given is None else whole_of(given)
        yield finding(
            name,
            seed == _ALONE[name],
            right="{name}: right, {seed}.",
            missing="{name}: {seed} is not right.",
            hint="Make the owls of all ten seeds, one in a call, and compare each with a, b and c. None is for a "
            "picture that is not among them.",
            name=name,
            seed=seed,
        )


@exercise(points=2)
def order(answer):
    """A function that returns the prompts and seeds of a call's pictures, in order."""
    for prompts, count, seed in ((["cat", "house"], 3, 5), (["sun", "star", "moon"], 2, 0)):
        found = returned(called(answer, list(prompts), count, seed), _pairs)
        expected = [prompt for prompt in prompts for _ in range(count)]
        case = f"{len(prompts)} x {count}"
        yield finding(
            f"prompts {case}",
            [prompt for prompt, _ in found] == expected,
            right="{case}: the prompts are in order.",
            missing="{case}: the prompts are not in order, or not as many as the pictures.",
            hint="All pictures of the first prompt come first. Which of the two loops must be the outer one?",
            case=case,
        )
        yield finding(
            f"seeds {case}",
            [number for _, number in found] == [seed + place for place in range(len(expected))],
            right="{case}: the seeds are in order.",
            missing="{case}: the seeds are {seeds}; that is not what sd.generate gives out.",
            hint="Picture i of the whole call gets seed + i, whatever its prompt is.",
            case=case,
            seeds=", ".join(str(number) for _, number in found)[:60],
        )


def _pairs(value):
    try:
        return [(prompt, number) for prompt, number in value]
    except (TypeError, ValueError):
        raise refuse(
            "pairs",
            missing="The function does not return a list of pairs.",
            hint='Return a list of pairs of a prompt and a seed, such as [("cat", 5), ("house", 6)].',
        ) from None
