"""Pictures in rows and columns with heads and labels, laid out in pixels and painted with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sdkit.errors import plain_errors
from sdkit.files import write_whole
from sdkit.shot import is_picture, png_bytes, shown_as_png
from sdkit.show.labels import draw_text, text_width, wrapped

if TYPE_CHECKING:
    import PIL.Image

DENSITY = 2  # pixels for each one of the page, so that letters are sharp on any screen
LETTERS = 27  # pixels: 10 pt on the page
LINE = 34  # pixels from one line of text to the next
SIDE = 256  # pixels that the widest picture gets at least, smaller ones by whole numbers: 128 of the page
WIDTH = 2000  # pixels that all columns together may have where pictures are larger than that
MAX_HEAD = 320  # pixels of the heads of rows
GAP, LABEL_GAP, MARGIN = 16, 8, 10  # pixels between pictures, between a label and its picture, around all
MAX_PIXELS = 24_000_000  # of a drawing; pictures get smaller where there would be more
# Grey levels to which colours are rounded, which saves a third of the bytes: those of pictures are off by 1 at most,
# those of letters have six levels, enough for their edges.
STEP, INK_STEP = 3, 51
INK, PALE_INK, FRAME = (0, 0, 0), (102, 102, 102), (204, 204, 204)
COMPRESS_LEVEL = 7  # of 9 for PNG, beyond which little is saved and drawing takes several times as long


@dataclass(frozen=True)
class Section:
    """Rows of cells with what stands around them.

    A cell is a picture (PIL's, or an array of shape (height, width, 3)), a text that stands in its place, or None.
    `row_heads` stand to the left of the rows, `column_heads` above the columns, `labels` (rows of texts, like
    `cells`) above each picture; the names say once what they are values of, the `title` what is true of all.
    """

    cells: list[list[Any]]
    title: str = ""
    column_name: str = ""
    column_heads: Sequence[str] = ()
    row_name: str = ""
    row_heads: Sequence[str] = ()
    labels: Sequence[Sequence[str]] = ()


class Words(NamedTuple):
    """A line of text in a drawing, from (x, y), the left end of its baseline, in pixels."""

    text: str
    x: float
    y: float
    ink: tuple[int, int, int] = INK
    bold: bool = False


class Placed(NamedTuple):
    """A picture in a drawing and its box there: left, top, right, bottom, in pixels."""

    picture: PIL.Image.Image
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Drawing:
    """Labelled pictures that show themselves in a notebook as one.

    `name` is how it is printed, `alt` the text for those who cannot see it; `size` is (width, height) in pixels,
    two of which are one of the page. `pictures` are in reading order.
    """

    name: str
    alt: str
    size: tuple[int, int]
    words: list[Words]
    pictures: list[Placed]

    def __repr__(self):
        return self.name

    @cached_property
    def image(self) -> PIL.Image.Image:
        """The drawing as a PIL picture."""
        return _painted(self)

    @property
    def page_width(self) -> int:
        """The width that it is shown with, in pixels of the page."""
        return ceil(self.size[0] / DENSITY)

    @plain_errors
    def save(self, path: str | Path) -> Path:
        """Write it as PNG, whole or not at all, and return the path. Raises ValueError for another ending."""
        if Path(path).suffix.lower() != ".png":
            raise ValueError(f"path is {str(path)!r}; give a name that ends in .png.")
        return write_whole(path, self._repr_png_())

    def _repr_png_(self) -> bytes:
        return png_bytes(self.image, compress_level=COMPRESS_LEVEL)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return shown_as_png(self, self._repr_png_(), self.alt, self.page_width)


def lay_out(sections: Sequence[Section], name: str, alt: str) -> Drawing:
    """Return the drawing of sections below each other; see `Drawing` for `name` and `alt`.

    All pictures have the same scale. Raises TypeError for a cell that is no picture.
    """
    sections = [_with_pictures(section) for section in sections]
    pictures = [cell for section in sections for row in section.cells for cell in row if is_picture(cell)]
    widest, tallest = (max((picture.size[side] for picture in pictures), default=SIDE) for side in (0, 1))
    places = sum(len(section.cells) * _columns(section) for section in sections)
    side = min(widest, max(SIDE, WIDTH // max(map(_columns, sections))))
    wanted = ceil(SIDE / widest) if widest <= SIDE else side / widest
    scale = min(wanted, sqrt(MAX_PIXELS / (places * widest * tallest)))
    if scale > 1:
        scale = int(scale)  # each pixel of a picture becomes a square of as many
    layout = _Layout(scale, max(round(widest * scale), SIDE // 2), max(1, round(tallest * scale)))
    for section in sections:
        layout.add(section)
    return Drawing(name, alt, layout.size, layout.words, layout.pictures)


def as_picture(value: Any) -> PIL.Image.Image:
    """Return a PIL picture in RGB, from one of any kind or an array of shape (height, width, 3).

    Arrays hold numbers from 0.0 to 1.0, as diffusers' do, or whole ones from 0 to 255. Raises TypeError for anything
    else.
    """
    import numpy as np
    from PIL import Image

    from sdkit.measure import eight_bit

    if is_picture(value):
        return value.convert("RGB")
    if isinstance(value, np.ndarray) and value.ndim == 3 and value.shape[2] == 3:
        return Image.fromarray(eight_bit(value))
    what = f"something of shape {tuple(value.shape)}" if hasattr(value, "shape") else f"a {type(value).__name__}"
    raise TypeError(f"a grid shows pictures, and this is {what}; give shots, PIL pictures or RGB arrays.")


def _with_pictures(section: Section) -> Section:
    def seen(cell: Any) -> Any:
        return cell if cell is None or isinstance(cell, str) else as_picture(cell)

    return replace(section, cells=[[seen(cell) for cell in row] for row in section.cells])


def _columns(section: Section) -> int:
    return max(map(len, section.cells))


@dataclass
class _Layout:
    """What has been laid out so far; cells are `width` pixels wide, and `height` high in rows without pictures."""

    scale: float
    width: int
    height: int
    words: list[Words] = field(default_factory=list)
    pictures: list[Placed] = field(default_factory=list)
    y: int = MARGIN
    right: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Return the width and height of all."""
        return self.right + MARGIN, self.y - GAP + MARGIN

    def add(self, section: Section) -> None:
        """Lay out a section below those before it."""
        row_heads = [wrapped(head, MAX_HEAD, LETTERS) for head in section.row_heads]
        lines = [section.row_name, *(line for head in row_heads for line in head)]
        heads_width = ceil(max(text_width(line, LETTERS) for line in lines))
        left = MARGIN + (heads_width + GAP if heads_width else 0)
        right = left + _columns(section) * (self.width + GAP) - GAP
        if section.title:
            self.y += 0 if self.y == MARGIN else GAP
            self._write(section.title, MARGIN, self.y, bold=True)
            self.y += LINE + LABEL_GAP
        if section.column_name:
            self._write_centred([section.column_name], (left, right), self.y, ink=PALE_INK)
            self.y += LINE
        if section.column_heads:
            self._write_above(section.column_heads, left)
        if section.row_name:
            self._write_to_the_left(section.row_name, left, self.y - LABEL_GAP - LINE, ink=PALE_INK)
        for number, row in enumerate(section.cells):
            if section.labels:
                self._write_above(section.labels[number], left)
            self._add_row(row, left, row_heads[number] if row_heads else [])
        self.right = max(self.right, right)

    def _add_row(self, row: Sequence[Any], left: int, head: list[str]) -> None:
        """Lay out a row of cells with its head to the left."""
        heights = [self._size(cell)[1] for cell in row if is_picture(cell)]
        height = max(max(heights, default=self.height), LINE * len(head))
        for number, cell in enumerate(row):
            x = left + number * (self.width + GAP)
            if isinstance(cell, str):
                lines = wrapped(cell, self.width, LETTERS)[: max(1, height // LINE)]
                top = self.y + (height - LINE * len(lines)) // 2
                self._write_centred(lines, (x, x + self.width), top, ink=PALE_INK)
            elif cell is not None:
                width, tall = self._size(cell)
                x += (self.width - width) // 2
                self.pictures.append(Placed(cell, (x, self.y, x + width, self.y + tall)))
        top = self.y + (height - LINE * len(head)) // 2
        for number, line in enumerate(head):
            self._write_to_the_left(line, left, top + number * LINE)
        self.y += height + GAP

    def _size(self, picture: PIL.Image.Image) -> tuple[int, int]:
        """Return the width and height that a picture is drawn with."""
        return max(1, round(picture.width * self.scale)), max(1, round(picture.height * self.scale))

    def _write_above(self, texts: Sequence[str], left: int) -> None:
        """Write texts above the cells of a row, their last lines beside each other, and go on below them."""
        heads = [wrapped(text, self.width, LETTERS) for text in texts]
        lines = max(map(len, heads))
        for number, head in enumerate(heads):
            x = left + number * (self.width + GAP)
            self._write_centred(head, (x, x + self.width), self.y + LINE * (lines - len(head)))
        self.y += LINE * lines + LABEL_GAP

    def _write_centred(self, lines: Sequence[str], between: tuple[int, int], top: int, **style: Any) -> None:
        left, right = between
        for number, line in enumerate(lines):
            start = left + (right - left - text_width(line, LETTERS)) / 2
            self._write(line, max(start, MARGIN), top + number * LINE, **style)

    def _write_to_the_left(self, text: str, left: int, top: int, **style: Any) -> None:
        self._write(text, left - GAP - text_width(text, LETTERS), top, **style)

    def _write(self, text: str, x: float, top: int, **style: Any) -> None:
        """Write a line of text whose place begins at `top`."""
        if text:
            line = Words(text, x, top + LETTERS, **style)
            self.words.append(line)
            self.right = max(self.right, ceil(x + text_width(text, LETTERS, bold=line.bold)))


def _painted(drawing: Drawing) -> PIL.Image.Image:
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", drawing.size, "white")
    pen = ImageDraw.Draw(canvas)
    for text, x, y, ink, bold in drawing.words:
        draw_text(pen, (x, y), text, LETTERS, fill=ink, bold=bold)
    canvas = canvas.point(_rounded(INK_STEP))
    pen = ImageDraw.Draw(canvas)
    for picture, (left, top, right, bottom) in drawing.pictures:
        size = right - left, bottom - top
        enlarged = size[0] >= picture.width
        shown = picture.resize(size, Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)
        pen.rectangle((left - 1, top - 1, right, bottom), outline=FRAME)  # so that a white picture has an edge
        canvas.paste(shown.point(_rounded(STEP)), (left, top))
    return canvas


def _rounded(step: int) -> list[int]:
    """Return what becomes of each level of red, green and blue; `step` divides 255."""
    return [round(level / step) * step for level in range(256)] * 3
