"""Pictures, values and errors as HTML, with text for those who cannot see them."""

from __future__ import annotations

import base64
from html import escape

from sdkit.shot import Shot, caption, is_picture, png_bytes
from sdkit.shots import Shots

SMALL = 128  # pictures up to this many pixels wide are enlarged, with their pixels visible
WIDTH = 192  # of an enlarged picture, pixels


def pictures_in(made) -> list:
    """Return the PIL pictures of what a function made: a picture, a shot, or shots (none for a grid)."""
    if is_picture(made):
        return [made]
    if isinstance(made, Shot):
        return pictures_in(made.image)
    if isinstance(made, Shots):
        return [picture for shot in made for picture in pictures_in(shot)]
    return []


def as_html(made, values) -> str:
    """Show what a function made of `values`: pictures with their captions, a grid, or text."""
    if isinstance(made, Shots) and not made.axes and pictures_in(made):
        return "".join(figure(one.image, caption({**values, "seed": one.settings.get("seed")})) for one in made)
    said = caption(values)
    if is_picture(made):
        return figure(made, said)
    if isinstance(made, Shot) and pictures_in(made):
        return figure(made.image, said)
    png = made._repr_png_() if hasattr(made, "_repr_png_") else None
    if png is not None:
        return _figure(png, said, "max-width:100%", "")
    return f"<pre>{escape(str(made))}</pre>"


def figure(picture, said: str, width: int | None = None) -> str:
    """Return a PIL picture with its caption; `width` in pixels enlarges or shrinks it."""
    width = width or (WIDTH if picture.width <= SMALL else None)
    style = f"width:{width}px;image-rendering:pixelated" if width else "max-width:100%"
    return _figure(png_bytes(picture), said, style, f"max-width:{max(width or 0, WIDTH)}px")


def thumbnail(picture, said: str, width: int = 64) -> str:
    """Return a small picture without a caption."""
    small = picture.copy()
    small.thumbnail((2 * width, 2 * width))
    return _image(png_bytes(small), said, f"width:{width}px")


def _figure(png, said, style, caption_style):
    return (
        f'<figure style="display:inline-block;vertical-align:top;margin:4px">{_image(png, said, style)}'
        f'<figcaption style="{caption_style};line-height:1.3">{escape(said)}</figcaption></figure>'
    )


def _image(png, said, style):
    source = base64.b64encode(png).decode()
    return f'<img alt="{escape(said, quote=True)}" style="{style}" src="data:image/png;base64,{source}">'


def alert(error: Exception) -> str:
    """Return an error in words that a screen reader speaks at once."""
    return f'<p role="alert"><b>{escape(type(error).__name__)}</b>: {escape(str(error))}</p>'


def notes(texts) -> str:
    """Return remarks, one a line."""
    return "".join(f'<p role="note" style="line-height:1.3;margin:2px">{escape(text)}</p>' for text in texts)


def status(text: str, spoken: str = "") -> str:
    """Return a line that a screen reader speaks when it has time; what is only `spoken` cannot be seen."""
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    more = f' <span style="{hidden}">{escape(spoken)}</span>' if spoken else ""
    return f'<span role="status">{escape(text)}{more}</span>'


def progress(done: int, of: int, text: str) -> str:
    """Return a bar with a text beside it; `of=0` is a bar that only moves."""
    value = f'value="{done}" max="{of}" aria-valuenow="{done}" aria-valuemin="0" aria-valuemax="{of}"' if of else ""
    words = escape(text, quote=True)
    return f'<progress aria-label="progress" aria-valuetext="{words}" {value}></progress> <span>{words}</span>'


def table(head, rows) -> str:
    """Return a table; the first cell of each row names it."""
    cell = 'style="padding:0 8px;text-align:left;line-height:1.4"'
    top = "".join(f'<th scope="col" {cell}>{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row" {cell}>{escape(name)}</th>'
        + "".join(f"<td {cell}>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
