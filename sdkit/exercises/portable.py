"""Answers as a hand-in holds them: plain values as JSON, pictures as PNGs beside it. Code is never among them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sdkit.record.png import png_of
from sdkit.shot import Shot, is_picture, png_bytes

_MOST_ENTRIES, _MOST_DEPTH, _MOST_LETTERS = 200, 4, 10_000
_LARGEST = 2**64


class NotPortable(ValueError):
    """An answer, such as a function, that cannot be data alone."""


def pack(answer: Any, pictures: list[bytes], depth: int = 0) -> Any:
    """Return an answer as JSON has it, and add the PNGs of its pictures to `pictures`; of shots with their records.

    Raises NotPortable for functions, tensors, and what is too large.
    """
    if isinstance(answer, Shot) and is_picture(answer.image):
        return _add(png_of(answer), pictures)
    if is_picture(answer):
        return _add(png_bytes(answer), pictures)
    if is_plain(answer):
        return answer
    if isinstance(answer, (list, tuple, dict)) and len(answer) <= _MOST_ENTRIES and depth < _MOST_DEPTH:
        if isinstance(answer, dict):
            pairs = [
                [pack(key, pictures, depth + 1), pack(value, pictures, depth + 1)] for key, value in answer.items()
            ]
            return {"table": pairs}
        return {"list": [pack(value, pictures, depth + 1) for value in answer]}
    if getattr(answer, "shape", None) == ():  # a number of numpy or torch
        return pack(answer.item(), pictures, depth)
    raise NotPortable(f"the answer is a {type(answer).__name__}, which is no plain value or picture.")


def unpack(packed: Any, picture: Callable[[int], Any], depth: int = 0) -> Any:
    """Return an answer from what `pack` returned; `picture` returns the picture of a number.

    Raises ValueError for what `pack` does not write.
    """
    if is_plain(packed):
        return packed
    if isinstance(packed, dict) and len(packed) == 1 and depth <= _MOST_DEPTH:
        ((kind, value),) = packed.items()
        if kind == "picture" and isinstance(value, int) and not isinstance(value, bool):
            return picture(value)
        if kind in ("list", "table") and isinstance(value, list) and len(value) <= _MOST_ENTRIES:
            if kind == "list":
                return [unpack(entry, picture, depth + 1) for entry in value]
            if all(isinstance(pair, list) and len(pair) == 2 and is_plain(pair[0]) for pair in value):
                return {key: unpack(entry, picture, depth + 1) for key, entry in value}
    raise ValueError("an answer in it is not as hand_in writes it.")


def is_plain(value: Any) -> bool:
    """Say whether a value is None, a truth value, a finite number or a text, and not too large."""
    if isinstance(value, str):
        return len(value) <= _MOST_LETTERS
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) <= _LARGEST)


def _add(png: bytes, pictures: list[bytes]) -> dict[str, int]:
    pictures.append(png)
    return {"picture": len(pictures) - 1}
