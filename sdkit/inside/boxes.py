"""Boxes with texts in them, and arrows between: how drawings of ideas are painted, with Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from sdkit.show.drawing import INK, LETTERS, LINE, Drawing
from sdkit.show.labels import draw_text, text_width

if TYPE_CHECKING:
    import PIL.Image

Colour = tuple[int, int, int]
Point = tuple[float, float]
EDGE: Colour = (140, 140, 140)
ARROW: Colour = (90, 90, 90)
CUT: Colour = (180, 0, 0)
HEAD = 14  # pixels of an arrow's point
STEP = 5  # grey levels to which the colours of pictures are rounded, which saves half of their bytes
COLOURS = 48  # of a drawing, which makes its file a third as large; plain fills and the edges of letters need no more


class Box(NamedTuple):
    """A filled rectangle, left, top, right, bottom in pixels, with lines of text in its middle."""

    left: float
    top: float
    right: float
    bottom: float
    lines: Sequence[str]
    fill: Colour
    ink: Colour = INK
    struck: bool = False
    bold_first: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class BoxDrawing(Drawing):
    """A drawing of boxes and of arrows, each from (x, y) to (x, y), beside the words and pictures of every drawing."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[Point, Point]] = field(default_factory=list)

    @cached_property
    def image(self) -> PIL.Image.Image:
        """The drawing as a PIL picture."""
        from PIL import Image, ImageDraw

        canvas = Image.new("RGB", self.size, "white")
        pen = ImageDraw.Draw(canvas)
        for start, end in self.arrows:
            _draw_arrow(pen, start, end)
        for box in self.boxes:
            _draw_box(pen, box)
        for text, x, y, ink, bold in self.words:
            draw_text(pen, (x, y), text, LETTERS, fill=ink, bold=bold)
        few = canvas.quantize(COLOURS, dither=Image.Dither.NONE)
        if not self.pictures:
            return few
        canvas = few.convert("RGB")
        for picture, (left, top, right, bottom) in self.pictures:
            shown = picture.convert("RGB").resize((right - left, bottom - top), Image.Resampling.NEAREST)
            canvas.paste(shown.point([round(level / STEP) * STEP for level in range(256)] * 3), (left, top))
        return canvas


def _draw_box(pen, box: Box) -> None:
    pen.rectangle((box.left, box.top, box.right, box.bottom), fill=box.fill, outline=EDGE, width=2)
    top = (box.top + box.bottom - LINE * len(box.lines)) / 2
    for number, line in enumerate(box.lines):
        bold = box.bold_first and number == 0
        x = (box.left + box.right - text_width(line, LETTERS, bold=bold)) / 2
        draw_text(pen, (x, top + number * LINE + LETTERS), line, LETTERS, fill=box.ink, bold=bold)
    if box.struck:
        middle = (box.top + box.bottom) / 2
        pen.line((box.left, middle, box.right, middle), fill=CUT, width=3)


def _draw_arrow(pen, start: Point, end: Point) -> None:
    """Draw a line with a point at its end; it runs across or down, so that no angle is needed."""
    pen.line((*start, *end), fill=ARROW, width=3)
    x, y = end
    along = 1 if x + y >= start[0] + start[1] else -1
    back = HEAD * along
    if start[1] == end[1]:
        pen.polygon([(x, y), (x - back, y - HEAD / 2), (x - back, y + HEAD / 2)], fill=ARROW)
    else:
        pen.polygon([(x, y), (x - HEAD / 2, y - back), (x + HEAD / 2, y - back)], fill=ARROW)
