"""Labels drawn with Pillow: measured, wrapped to a width, each letter in a font that has it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from sdkit.show.fonts import fitting, lacking_in

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

MAX_LINES = 8  # of a label; the rest is cut
CUT = "…"
_WITHIN_WORDS = re.compile("(?<=_)(?=[^_])|(?<=[a-z])(?=[A-Z])")  # num_inference_|steps, Euler|Discrete|Scheduler


def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Return how wide a line of text is drawn, in pixels; `size` is that of its letters, in pixels too."""
    return sum(_font(path, size).getlength(part) for part, path in _runs(text, bold))


def draw_text(
    pen: ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    *,
    fill: tuple[int, int, int] | int = 0,
    bold: bool = False,
) -> None:
    """Draw a line of text with its left end on `place`, (x, y) of its baseline in pixels.

    Letters that the usual font lacks are drawn in another one of this machine, and named in a warning where there is
    none (see `sdkit.show.fonts`).
    """
    x, y = place
    for part, path in _runs(text, bold):
        font = _font(path, size)
        pen.text((x, y), part, fill=fill, font=font, anchor="ls")
        x += font.getlength(part)


def wrapped(text: str, width: float, size: int) -> list[str]:
    """Return the lines of a text that is at most `width` pixels wide, cut after `MAX_LINES`.

    Lines break at blanks, before and after wide letters such as Japanese ones, and within words that
    are too long: names of arguments and classes between their parts.
    """
    lines = [line for paragraph in text.split("\n") for line in _lines(paragraph, width, size)]
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], shortened(f"{lines[MAX_LINES - 1]} {lines[MAX_LINES]}", width, size)]


def shortened(text: str, width: float, size: int) -> str:
    """Return as much of a line of text as fits `width` pixels, with an ellipsis where it is cut."""
    if text_width(text, size) <= width:
        return text
    return text[: _letters_that_fit(text, width - text_width(CUT, size), size)].rstrip() + CUT


def _lines(text: str, width: float, size: int) -> list[str]:
    """Return the lines of a text without line breaks; not many more than are needed of a long one."""
    lines, line = [], ""
    for part in _parts(text):
        if line and text_width(line + part, size) > width:
            lines.append(line.rstrip())
            line, part = "", part.lstrip()
        line += part
        while len(line) > 1 and text_width(line, size) > width:
            if len(lines) > MAX_LINES:
                return lines
            end = _letters_that_fit(line, width, size)
            end = max((found.start() for found in _WITHIN_WORDS.finditer(line) if found.start() <= end), default=end)
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line.rstrip()]


def _parts(text: str) -> list[str]:
    """Return the parts of a text between which a line may break: words with the blanks before them, wide letters."""
    marked = "".join(f"\0{letter}\0" if east_asian_width(letter) in "FW" else letter for letter in text)
    return [part for wide in marked.split("\0") for part in re.findall(r"\s*\S+|\s+$", wide)]


def _letters_that_fit(text: str, width: float, size: int) -> int:
    """Return how many letters of a text are at most `width` pixels wide; at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle], size) <= width else (low, middle - 1)
    return low


@lru_cache(maxsize=4096)
def _runs(text: str, bold: bool) -> tuple[tuple[str, str], ...]:
    """Return a text in parts with the file of the font for each."""
    usual = _usual(bold)
    if text.isascii():
        return ((text, usual),)
    lacking = lacking_in(usual, text)
    fit = fitting(text, lacking)
    runs: list[tuple[str, str]] = []
    for letter in fit.text:
        path = fit.font.path if fit.font and letter in lacking else usual
        if runs and runs[-1][1] == path:
            runs[-1] = runs[-1][0] + letter, path
        else:
            runs.append((letter, path))
    return tuple(runs)


@lru_cache(maxsize=2)
def _usual(bold: bool) -> str:
    """Return the file of the usual font, which comes with matplotlib: the same on every machine."""
    import matplotlib

    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf"))


@lru_cache(maxsize=16)
def _font(path: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
