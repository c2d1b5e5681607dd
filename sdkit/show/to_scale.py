"""Pictures of different sizes beside each other, every pixel drawn equally large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdkit.errors import plain_errors
from sdkit.show.drawing import DENSITY, GAP, LABEL_GAP, LETTERS, LINE, MARGIN, WIDTH, Drawing, Placed, Words, as_picture
from sdkit.show.labels import text_width


@plain_errors
def draw_to_scale(pictures: Sequence[Any], labels: Sequence[Any] | None = None) -> Drawing:
    """Draw pictures in one row, each as wide as it is: one of 256 pixels is twice as wide as one of 128.

    `pictures` are shots, PIL pictures or arrays; `labels` stand above them, their sizes (width x height) if left out.
    A pixel of a picture is one of the page, or less where they would be more than 1000 pixels wide together.
    Raises ValueError for no pictures and for labels of another length, TypeError for what is no picture.
    """
    shown = [as_picture(getattr(picture, "image", picture)) for picture in pictures]
    if not shown:
        raise ValueError("there are no pictures to draw; give at least one.")
    if labels is None:
        labels = [f"{picture.width} x {picture.height}" for picture in shown]
    if len(labels) != len(shown):
        raise ValueError(f"there are {len(labels)} labels for {len(shown)} pictures; give one each.")
    scale = min(DENSITY, WIDTH / sum(picture.width for picture in shown))
    sizes = [(max(1, round(picture.width * scale)), max(1, round(picture.height * scale))) for picture in shown]
    bottom = MARGIN + LINE + LABEL_GAP + max(height for _, height in sizes)
    words, placed, x = [], [], MARGIN
    for picture, label, (width, height) in zip(shown, map(str, labels), sizes):
        wide = text_width(label, LETTERS)
        place = max(width, round(wide))
        left, top = x + (place - width) // 2, bottom - height
        words.append(Words(label, x + (place - wide) / 2, top - LABEL_GAP - LINE + LETTERS))
        placed.append(Placed(picture, (left, top, left + width, bottom)))
        x += place + GAP
    said = ", ".join(map(str, labels))
    name = f"<{len(shown)} picture{'s' * (len(shown) != 1)} to scale: {said}>"
    return Drawing(name, f"pictures drawn to scale: {said}", (x - GAP + MARGIN, bottom + MARGIN), words, placed)
