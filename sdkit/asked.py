"""What a prompt of the built-in model asks for, and how much of it a picture shows.

The objects and styles are named by the judge (`sdkit.judge`), backgrounds by the nearest of the ten colours
of the training drawings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import dist
from typing import Any

from sdkit.errors import plain_errors
from sdkit.judge import judge, load_judge
from sdkit.loading.locate import BUILT_IN
from sdkit.measure import background
from sdkit.shot import listed

# The background colours of the training drawings (training/world.py), red, green and blue from 0 to 255.
COLOURS = {
    "red": (214, 48, 49), "orange": (243, 146, 55), "yellow": (250, 218, 80), "green": (67, 170, 87),
    "blue": (52, 108, 214), "purple": (128, 76, 178), "pink": (247, 164, 196), "white": (245, 245, 245),
    "grey": (140, 143, 148), "black": (24, 24, 28),
}  # fmt: skip
KINDS = ("object", "style", "background")


@plain_errors
def named(pictures: Any, kind: str = "object") -> list[str]:
    """Return the name of what each picture shows: its "object", "style" or "background".

    `pictures` are PIL pictures or shots, or one of them. Objects and styles are the judge's likeliest, of the 100
    objects and the styles that the built-in model was trained on; a background is the colour of `COLOURS` that is
    nearest to the border's median. What is none of these gets the nearest name all the same. Raises ValueError for
    another kind, TypeError for what is no picture.
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; give one of {', '.join(KINDS)}.")
    pictures = listed("pictures", pictures)
    if kind == "background":
        return [_nearest(background(picture)) for picture in pictures]
    return [next(iter(found[kind])) for found in judge(pictures)]


def asked_for(prompt: str) -> dict[str, str]:
    """Return what a prompt names, by kind: {"object": "cat", "style": "line", "background": "blue"}, or less.

    A kind is left out where the prompt names none, or several. Styles and backgrounds are read from "line style"
    and "blue background".
    """
    heads = load_judge()[1]["heads"]
    words = {
        "object": _found(heads["object"], prompt),
        "style": _found(heads["style"], prompt, " style"),
        "background": _found(COLOURS, prompt, " background"),
    }
    return {kind: found.pop() for kind, found in words.items() if len(found) == 1}


def right(shots: Sequence[Any]) -> list[float | None]:
    """Return for each shot the share of what its prompt names that it shows, 0 to 1; see `asked_for` and `named`.

    None for a prompt that names nothing, and for pictures of another model than the built-in one.
    """
    asked = [wanted(shot) for shot in shots]
    if not any(asked):
        return [None] * len(asked)
    shown = {kind: named(shots, kind) for kind in KINDS if any(kind in words for words in asked)}
    return [
        sum(shown[kind][number] == word for kind, word in words.items()) / len(words) if words else None
        for number, words in enumerate(asked)
    ]


def wanted(shot: Any) -> dict[str, str]:
    """Return what a shot's prompt names, as `asked_for`; nothing for another model's picture, or without a text."""
    prompt = shot.settings.get("prompt")
    return asked_for(prompt) if shot.origin.model == BUILT_IN and isinstance(prompt, str) else {}


def _found(names: Sequence[str] | dict, prompt: str, after: str = "") -> set[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return set(re.findall(rf"\b({'|'.join(map(re.escape, longest_first))}){after}\b", prompt.lower()))


def _nearest(colour: tuple[int, int, int]) -> str:
    return min(COLOURS, key=lambda name: dist(colour, COLOURS[name]))
