"""Contact sheets: hundreds of pictures, small, on one."""

from __future__ import annotations

from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from sdkit.files import write_whole
from sdkit.shot import Shot, ShotList, caption, check_pictures, png_bytes
from sdkit.show.labels import draw_text, shortened

if TYPE_CHECKING:
    import PIL.Image

PICTURE_SIDE = 96  # pixels of a picture on the sheet, less where there are thousands
MIN_SIDE = 8  # pixels
MARGIN = 4  # pixels
LINE_HEIGHT = 12  # pixels of a line of text
LETTERS = 10  # pixels
MAX_PIXELS = 40_000_000  # of a sheet: readers such as Pillow refuse far larger ones


def save_sheet(shots: ShotList, path: str | Path, *, columns: int | None = None, side: int | None = None) -> Path:
    """Write all pictures small on one PNG, each with its number and label, and return the path.

    Pictures are fitted into squares of `side` pixels, smaller where the sheet would get larger
    than common readers open. `columns` defaults to the last axis' length where that makes a usual
    shape. The file appears whole or not at all. Raises ValueError for no shots or bad sizes.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .png.")
    return write_whole(path, png_bytes(draw_sheet(shots, columns=columns, side=side)))


def draw_sheet(shots: ShotList, *, columns: int | None = None, side: int | None = None) -> PIL.Image.Image:
    """Return the contact sheet of at least one shot as a PIL picture. Raises ValueError for bad sizes."""
    from PIL import Image, ImageDraw, ImageOps

    check_pictures(shots, "sheet")
    columns = _columns(shots) if columns is None else columns
    side = PICTURE_SIDE if side is None else side
    if columns < 1 or side < MIN_SIDE:
        raise ValueError(f"columns is {columns} and side {side}; give 1 column or more, and 8 pixels or more.")
    rows, labels = ceil(len(shots) / columns), [_lines(number, shot) for number, shot in enumerate(shots)]
    below = LINE_HEIGHT * max(map(len, labels)) + MARGIN
    side = min(side, max(MIN_SIDE, int(sqrt(MAX_PIXELS / (rows * columns))) - below))
    width, height = side + MARGIN, side + below
    sheet = Image.new("RGB", (columns * width + MARGIN, rows * height + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (shot, lines) in enumerate(zip(shots, labels)):
        left, top = number % columns * width + MARGIN, number // columns * height + MARGIN
        sheet.paste(ImageOps.contain(shot.image.convert("RGB"), (side, side)), (left, top))
        for line, text in enumerate(lines):
            baseline = top + side + line * LINE_HEIGHT + LETTERS
            draw_text(pen, (left, baseline), shortened(text.replace("\n", " "), side, LETTERS), LETTERS)
    return sheet


def _lines(number: int, shot: Shot) -> list[str]:
    """Return a picture's number and its label, a line for each axis; texts stand for themselves."""
    label = shot.label or {"seed": shot.settings.get("seed")}
    lines = [value if isinstance(value, str) and value else caption({name: value}) for name, value in label.items()]
    return [f"{number}: {lines[0]}", *lines[1:]]


def _columns(shots: ShotList) -> int:
    """Return the last axis' length where the sheet gets neither very wide nor very tall, else a square's side."""
    square = ceil(sqrt(len(shots)))
    last = len(list(shots.axes.values())[-1]) if shots.axes else square
    return last if square / 2 <= last <= square * 2 else square
