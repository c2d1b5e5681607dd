"""What an image-to-image call begins with: the noised picture, above what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors
from sdkit.inside.film import decode, film
from sdkit.show.drawing import Drawing, Section, lay_out

if TYPE_CHECKING:
    import PIL.Image

NOISE_COLOURS = 32  # of a noised picture as it is drawn, where more would not show and take several times the bytes


@plain_errors
def draw_starts(
    pipe, prompt: str, *, image: PIL.Image.Image, strength: Sequence[float], seed: int = 0, **arguments: Any
) -> Drawing:
    """Draw what each `strength` gives an image-to-image pipeline to begin with, above the picture it makes of that.

    The first column is `image`. `strength` is a list of numbers from 0 to 1, each
    of which leaves a step to run; `arguments` are those of the call, checked as `generate` checks them. Raises
    TypeError for a single strength, and what `film` raises.
    """
    import torch

    if isinstance(strength, (int, float)) or not len(strength):
        raise TypeError(f"strength is {strength!r}; give a list of numbers, such as [0.2, 0.5, 0.8].")
    films = [film(pipe, prompt, image=image, strength=amount, seed=seed, **arguments) for amount in strength]
    noised = decode(pipe, torch.cat([shown.noisy[0] for shown in films]))
    starts = [picture.quantize(NOISE_COLOURS).convert("RGB") for picture in noised]
    heads = [f"{amount:g}" for amount in strength]
    cells = [[image, *starts], [None, *(shown.image for shown in films)]]
    section = Section(
        cells, column_name="strength", column_heads=["image", *heads], row_heads=["noised start", "result"]
    )
    told = f"strengths {', '.join(heads)}"
    alt = f"the start picture, then for {told}: above, the start with its noise; below, the picture made of it"
    return lay_out([section], f"<Noised starts and results at {told}>", alt)
