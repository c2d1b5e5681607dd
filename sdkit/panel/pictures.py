"""What a function made, as a panel shows it: pictures with what is special about each, a grid, or text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from sdkit.shot import Shot, ShotList, caption, in_words, is_picture, is_same, png_bytes
from sdkit.show import html
from sdkit.show.html import Html
from sdkit.zoom import zoom

if TYPE_CHECKING:
    import PIL.Image

SMALL_WIDTH = 128  # pixels; pictures up to this width are enlarged, with their pixels visible
ENLARGED_WIDTH = 256  # pixels, of one picture or two
SEVERAL_WIDTH = 160  # pixels, of more than two
CAPTION_LETTERS = 90  # of a caption that is always seen; the whole is folded below it
_FIGURE_STYLE = "display:inline-block;vertical-align:top;margin:4px;max-width:calc(100% - 8px)"


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


def as_html(made: Any, values: dict[str, Any], usual: dict[str, Any] | None = None, width: int | None = None) -> Html:
    """Show what a function made of `values`: pictures with captions, a grid, or text.

    A caption says in what the values differ from the `usual` ones; all of them are folded below. `width` is that of
    one picture in pixels of the screen, never more than there is room for.
    """
    pictures = pictures_in(made) if not (isinstance(made, ShotList) and made.axes) else []
    seeds = [shot.settings.get("seed") for shot in made] if isinstance(made, ShotList) else []
    if pictures:
        own = [{**values, "seed": seed} for seed in seeds] or [values] * len(pictures)
        several = SEVERAL_WIDTH if len(pictures) > 2 else ENLARGED_WIDTH
        return html.join(
            figure(picture, caption(label), special(label, usual), width=width, small=several)
            for picture, label in zip(pictures, own)
        )
    drawn = drawn_by_itself(made)
    if drawn is not None:
        png, page_width = drawn
        style = "max-width:100%" if page_width is None else f"width:{page_width}px;max-width:100%"
        return _figure(png, caption(values), special(values, usual), style)
    return html.element("pre", str(made))


def drawn_by_itself(made: Any) -> tuple[bytes, int | None] | None:
    """Return the PNG of what shows itself as one, such as a grid, and its width on a page; None for anything else."""
    if hasattr(made, "_repr_mimebundle_"):  # sdkit's own tell their width, and have two pixels for each of the page
        data, told = _data_and_metadata(made._repr_mimebundle_())
        if "image/png" in data:
            width = told.get("image/png", {}).get("width")
            return data["image/png"], width and round(width / zoom())  # a panel is enlarged as a whole
    if hasattr(made, "_repr_png_"):
        found = made._repr_png_()
        png = found[0] if isinstance(found, tuple) else found
        return None if png is None else (png, None)
    if not hasattr(made, "savefig"):
        return None
    buffer = io.BytesIO()
    made.savefig(buffer, format="png", bbox_inches="tight")
    return buffer.getvalue(), None


def _data_and_metadata(bundle: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both parts of what IPython takes with metadata or without."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return data or {}, metadata or {}


def special(values: dict[str, Any], usual: dict[str, Any] | None) -> str:
    """Say in what some values differ from the usual ones, in one line; all of them where nothing is usual."""
    changed = {
        name: value
        for name, value in values.items()
        if usual is None or name not in usual or not is_same(usual[name], value)
    }
    text = ", ".join(f"{name} = {in_words(value)}" for name, value in changed.items())
    return text if len(text) <= CAPTION_LETTERS else f"{text[: CAPTION_LETTERS - 1]}…"


def figure(
    picture: PIL.Image.Image,
    text: str,
    short: str | None = None,
    *,
    width: int | None = None,
    small: int = ENLARGED_WIDTH,
) -> Html:
    """Return a PIL picture with a caption below it; `text` stands for it where it cannot be seen.

    A picture of at most 128 pixels is shown `small` pixels wide, any other as it is; `width` takes the place of
    both. `short` is the caption that is seen, the whole text is folded below it.
    """
    if width is None:
        width = small if picture.width <= SMALL_WIDTH else picture.width
    pixels = ";image-rendering:pixelated" if width > picture.width else ""
    return _figure(
        png_bytes(picture), text, text if short is None else short, f"width:{width}px;max-width:100%{pixels}"
    )


def _figure(png: bytes, text: str, short: str, style: str) -> Html:
    folded = [] if short == text else [_folded("all values", text)]
    wrapped = "line-height:1.3;max-width:320px;overflow-wrap:anywhere"
    picture = html.image(png, text, style=style)
    return html.figure(picture, short, *folded, style=_FIGURE_STYLE, caption_style=wrapped)


def _folded(title: str, text: str) -> Html:
    style = "max-width:320px;overflow-wrap:anywhere;line-height:1.3"
    return html.element("details", html.element("summary", title), text, style=style)


def small_png(picture: PIL.Image.Image, width: int = 64) -> bytes:
    """Return a small copy of a picture for a place `width` pixels wide, twice as large for sharp screens."""
    small = picture.copy()
    small.thumbnail((2 * width, 2 * width))
    return png_bytes(small)


def thumbnail(picture: PIL.Image.Image, alt: str, width: int = 64, *, framed: bool = False) -> Html:
    """Return a picture `width` pixels wide, without a caption; `framed` shows its edge on a white page."""
    frame = ";border:1px solid #888" if framed else ""
    return html.image(small_png(picture, width), alt, style=f"width:{width}px{frame}")
