"""Fonts for labels in any language: where the usual one lacks letters, another one of this machine has them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sdkit.errors import warn_user

# Fonts with Japanese letters that come with Linux, macOS, Windows and Colab, the first tried first.
_PREFERRED = (
    "Noto Sans CJK JP", "Noto Sans JP", "IPAGothic", "IPAexGothic", "TakaoGothic", "VL Gothic", "Hiragino Sans",
    "Hiragino Maru Gothic Pro", "Yu Gothic", "Meiryo", "MS Gothic", "Arial Unicode MS",
)  # fmt: skip
# Fonts with these in their names: pictures in colour, which matplotlib and Pillow do not draw, unlike the outlines of
# Noto Emoji or Segoe UI Emoji; boxes for every letter.
_UNUSABLE = ("Color", "Last Resort", "LastResort")


class Font(NamedTuple):
    """A font of this machine: its family, as matplotlib takes it, and its file, as Pillow takes it."""

    family: str
    path: str


class Fitting(NamedTuple):
    """A text as it can be drawn, letters that no font has as question marks, and the font to add (None: no other)."""

    text: str
    font: Font | None


def fitting(text: str, lacking: frozenset[str]) -> Fitting:
    """Return what to draw for a text some of whose letters the usual font is `lacking`.

    The font that has most of them is added. Letters that even this one lacks are named in a warning.
    """
    text = re.sub("[\ufe00-\ufe0f]", "", text)  # these only choose between two forms of the letter before
    lacking = lacking & set(text)
    if not lacking:
        return Fitting(text, None)
    font = _font_for(lacking)
    missing = lacking_in(font.path, "".join(lacking)) if font else lacking
    if missing:
        warn_user(
            f"no font on this machine has {' '.join(sorted(missing)[:8])}; question marks stand for them. Install a "
            "font with these letters, for Japanese such as fonts-ipafont-gothic or Noto Sans CJK."
        )
    return Fitting("".join("?" if letter in missing else letter for letter in text), font)


@lru_cache(maxsize=1024)
def lacking_in(path: str, text: str) -> frozenset[str]:
    """Return the letters of a text that the font in a file lacks; a file that is gone or broken lacks all."""
    from matplotlib.ft2font import FT2Font

    letters = frozenset(letter for letter in text if letter.isprintable())
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return letters
    return frozenset(letter for letter in letters if not font.get_char_index(ord(letter)))


@lru_cache(maxsize=256)
def _font_for(lacking: frozenset[str]) -> Font | None:
    """Return the font of this machine that has most of the letters, a preferred one before others; None for none."""
    from matplotlib.font_manager import fontManager

    known = {
        entry.name: entry.fname
        for entry in reversed(fontManager.ttflist)
        if not any(part in entry.name for part in _UNUSABLE)
    }
    order = [*(name for name in _PREFERRED if name in known), *(name for name in known if name not in _PREFERRED)]
    text = "".join(sorted(lacking))
    best, fewest = None, len(text)
    for name in order:
        count = len(lacking_in(known[name], text))
        if count < fewest:
            best, fewest = Font(name, known[name]), count
        if not fewest:
            break
    return best
