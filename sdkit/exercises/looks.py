"""What pictures look like, as findings: the object, style, background and place, and whether two are the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from sdkit.asked import named
from sdkit.exercises.finding import Finding, finding
from sdkit.measure import background, distance, pixels

# Grey levels. Other processors and numbers of threads stay within the first, another seed or prompt is beyond it.
SAME = 4.0
# What differs by more than so many grey levels from the background belongs to the object.
OBJECT = 40.0


def shows(picture: Any, kind: str, wanted: str) -> Finding:
    """Find whether a picture has this "object", "style" or "background", as the judge sees it."""
    seen = named(picture, kind)[0]
    passed = seen == wanted
    if kind == "object":
        return finding(
            "object",
            passed,
            right="The object is right: {wanted}.",
            missing="The object looks like this: {seen}. It should be: {wanted}.",
            hint="Does the prompt name the object? If it does, try more guidance or another seed.",
            wanted=wanted,
            seen=seen,
        )
    if kind == "style":
        return finding(
            "style",
            passed,
            right="The style is right: {wanted}.",
            missing="The style looks like this: {seen}. It should be: {wanted}.",
            hint="Styles are named with the word style, as in flat style, shaded style, line style.",
            wanted=wanted,
            seen=seen,
        )
    return finding(
        "background",
        passed,
        right="The background is right: {wanted}.",
        missing="The background is {seen}. It should be {wanted}.",
        hint="What decides the background here: the words, the seed, or another argument?",
        wanted=wanted,
        seen=seen,
    )


def same(name: str, picture: Any, other: Any, *, right: str, missing: str, hint: str) -> Finding:
    """Find whether two pictures are the same but for rounding; pictures of other sizes are not."""
    return finding(name, is_same(picture, other), right=right, missing=missing, hint=hint)


def is_same(picture: Any, other: Any) -> bool:
    """Say whether two pictures are the same but for rounding; pictures of other sizes are not."""
    return apart(picture, other) <= SAME


def apart(picture: Any, other: Any) -> float:
    """Return how far two pictures are apart in grey levels, 0 to 255; 255 for pictures of different sizes."""
    return distance(picture, other) if pixels(picture).shape == pixels(other).shape else 255.0


def centre(picture: Any) -> tuple[float, float]:
    """Return where the middle of the object is, (from the left, from the top), each 0 to 1.

    The object is what differs from the background; without one it is the middle of the picture.
    """
    values = pixels(picture)
    differs = np.abs(values - background(picture)).max(axis=2) > OBJECT
    if not differs.any():
        return 0.5, 0.5
    rows, columns = np.nonzero(differs)
    return float((columns.mean() + 0.5) / values.shape[1]), float((rows.mean() + 0.5) / values.shape[0])


def covered(picture: Any) -> float:
    """Return the share of a picture that the object takes, 0 to 1: what differs from the background."""
    return float((np.abs(pixels(picture) - background(picture)).max(axis=2) > OBJECT).mean())
