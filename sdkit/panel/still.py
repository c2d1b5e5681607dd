"""The picture that stands for a panel on a page without a kernel."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from sdkit.panel.pictures import ENLARGED_WIDTH, SMALL_WIDTH, drawn_by_itself, pictures_in
from sdkit.shot import in_words, png_bytes
from sdkit.show.drawing import Drawing, Section, lay_out

MARGIN, LINE = 8, 18  # pixels
LETTERS = 46  # of a line
MAX_PICTURES = 4
EMPTY_SIDE, EMPTY = 96, (242, 242, 242)  # pixels, and the colour of a cell without a picture
COLOURS = 128  # of the PNG: a drawing needs no more, and the file is a third as large


def still(made: Any, text: str) -> bytes:
    """Return a PNG of the first pictures that a function made, with a text below."""
    from PIL import Image, ImageDraw, ImageFont

    drawn = drawn_by_itself(made) if getattr(made, "axes", None) or not pictures_in(made) else None
    if drawn is not None:
        pictures = [_as_on_page(*drawn)]
    else:
        pictures = [_enlarged(picture) for picture in pictures_in(made)[:MAX_PICTURES]]
    lines = wrap(text, LETTERS)
    width = max(sum(picture.width + MARGIN for picture in pictures), LETTERS * 7) + MARGIN
    height = max((picture.height for picture in pictures), default=0) + 2 * MARGIN
    page = Image.new("RGB", (width, height + LINE * len(lines) + MARGIN), "white")
    left = MARGIN
    for picture in pictures:
        page.paste(picture.convert("RGB"), (left, MARGIN))
        left += picture.width + MARGIN
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for number, line in enumerate(lines):
        draw.text((MARGIN, height + number * LINE), line, fill="black", font=font)
    return png_bytes(page.quantize(COLOURS, dither=Image.Dither.NONE))


def empty_grid(axes: Mapping[str, Sequence]) -> Drawing:
    """Return a grid with the heads of its axes (one to three) and nothing in its cells, drawn without a call."""
    from PIL import Image

    cell = Image.new("RGB", (EMPTY_SIDE, EMPTY_SIDE), EMPTY)
    *_, (row_name, rows), (column_name, columns) = [("", [""]), *axes.items()]
    section = Section(
        [[cell] * len(columns) for _ in rows],
        column_name=column_name,
        column_heads=[in_words(value) for value in columns],
        row_name=row_name,
        row_heads=[in_words(value) for value in rows] if row_name else (),
    )
    return lay_out([section], "<empty grid>", f"an empty grid of {len(rows)} x {len(columns)}")


def _as_on_page(png, width):
    """Return the picture of a PNG in the width that it has on a page."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture if width is None else picture.resize((width, round(picture.height * width / picture.width)))


def _enlarged(picture):
    times = ENLARGED_WIDTH // picture.width if picture.width <= SMALL_WIDTH else 1
    return picture.resize((picture.width * times, picture.height * times), 0)
