"""What a function made, as a panel shows it: pictures with the values they were made from, a grid, or text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from sdkit.shot import Shot, ShotList, caption, is_picture, png_bytes
from sdkit.show import html
from sdkit.show.html import Html

if TYPE_CHECKING:
    import PIL.Image

SMALL_WIDTH = 128  # pixels; pictures up to this width are enlarged, with their pixels visible
ENLARGED_WIDTH = 192  # pixels
_FIGURE_STYLE = "display:inline-block;vertical-align:top;margin:4px"


def pictures_in(made: Any) -> list[PIL.Image.Image]:
    """Return the PIL pictures of what a function made: a picture, a shot, lists of these (none for a grid).

    What `pipe(...)` returns counts as its pictures, an array of shape (height, width, 3) or (pictures, height,
    width, 3) as the pictures in it: numbers from 0.0 to 1.0, or 8-bit ones.
    """
    if is_picture(made):
        return [made]
    if isinstance(made, Shot):
        return pictures_in(made.image)
    if hasattr(made, "images") and not isinstance(made, ShotList):  # diffusers' output
        return pictures_in(made.images)
    if isinstance(made, (list, tuple)):
        return [picture for entry in made for picture in pictures_in(entry)]
    return _pictures_in_array(made) if hasattr(made, "__array_interface__") else []


def _pictures_in_array(array: Any) -> list[PIL.Image.Image]:
    import numpy as np
    from PIL import Image

    if array.ndim == 4:
        return [picture for entry in array for picture in _pictures_in_array(entry)]
    if array.ndim != 3 or array.shape[2] != 3:
        return []
    if array.dtype != np.uint8:
        array = (array * 255).round().clip(0, 255).astype(np.uint8)
    return [Image.fromarray(array)]


def as_html(made: Any, values: dict[str, Any]) -> Html:
    """Show what a function made of `values`: pictures with their captions, a grid, or text."""
    if isinstance(made, ShotList) and not made.axes and pictures_in(made):
        seeds = [shot.settings.get("seed") for shot in made]
        return html.join(figure(shot.image, caption({**values, "seed": seed})) for shot, seed in zip(made, seeds))
    if is_picture(made):
        return figure(made, caption(values))
    if isinstance(made, Shot) and pictures_in(made):
        return figure(made.image, caption(values))
    if not isinstance(made, ShotList) and pictures_in(made):
        return html.join(figure(picture, caption(values)) for picture in pictures_in(made))
    png = _png_of(made)
    if png is not None:
        return _figure(png, caption(values), "max-width:100%", "line-height:1.3")
    return html.element("pre", str(made))


def _png_of(made: Any) -> bytes | None:
    """Return what shows itself as PNG, matplotlib's figures among them; None for anything else."""
    if hasattr(made, "_repr_png_"):
        return made._repr_png_()
    if not hasattr(made, "savefig"):
        return None
    buffer = io.BytesIO()
    made.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue()


def figure(picture: PIL.Image.Image, text: str) -> Html:
    """Return a PIL picture, enlarged if it is small, with a text below that also stands for it."""
    enlarged = f"width:{ENLARGED_WIDTH}px;image-rendering:pixelated"
    style = enlarged if picture.width <= SMALL_WIDTH else "max-width:100%"
    return _figure(png_bytes(picture), text, style, f"max-width:{ENLARGED_WIDTH}px;line-height:1.3")


def thumbnail(picture: PIL.Image.Image, alt: str, width: int = 64) -> Html:
    """Return a picture `width` pixels wide, stored twice as large for sharp screens, without a caption."""
    small = picture.copy()
    small.thumbnail((2 * width, 2 * width))
    return html.image(png_bytes(small), alt, style=f"width:{width}px")


def _figure(png: bytes, text: str, style: str, caption_style: str) -> Html:
    picture = html.image(png, text, style=style)
    return html.figure(picture, text, style=_FIGURE_STYLE, caption_style=caption_style)
