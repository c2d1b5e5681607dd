"""The values of an axis as people write them in a line of text: lists, ranges, steps, and words.

The notation is that of the X/Y/Z plot of AUTOMATIC1111's web UI (its wiki, "Features", X/Y/Z plot;
scripts/xyz_grid.py of stable-diffusion-webui):

    1, 2, 5             these values
    1-5                 1, 2, 3, 4, 5
    1-5 (+2)            1, 3, 5: every second one
    10-1 (-3)           10, 7, 4, 1
    0-1 (0.25)          0, 0.25, 0.5, 0.75, 1
    1-10 [5]            five values from 1 to 10; whole numbers are cut, as there: 1, 3, 5, 7, 10
    "red, blue", green  two texts, the first with a comma in it; "" is an empty text

Ranges are parts of lists: "1-3, 7, 10-30 (10)". Digits and signs may be the wide ones of a Japanese keyboard. Unlike
there a step needs no sign, ranges run downwards without one, and the last value is never beyond the end.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

MAX_VALUES = 1000  # of one text; more are a slip of the finger
# The wide signs of a Japanese keyboard, and what stands for a comma or a minus elsewhere. No more of NFKC: it would
# read "10\u00b2" as 102.
_NARROW = str.maketrans(
    {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
    | {"\u3000": " ", "\u3001": ","}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\u30fc", "-")
)
_ENTRY = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,"\s][^,]*|))(,|$)')
_NUMBER = r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?"
_RANGE = re.compile(rf"({_NUMBER})\s*-\s*({_NUMBER})\s*(?:\(\s*({_NUMBER})\s*\)|\[\s*(\d{{1,9}})\s*\])?")
_NOTATION = "write numbers with commas between them, such as 1, 2, 5, or a range: 1-5, 1-5 (+2), 1-10 [5]"


def narrow(text: str) -> str:
    """Return a text with ordinary digits, letters and signs in place of wide ones, for numbers and names."""
    return text.translate(_NARROW)


def read_texts(text: str) -> list[str]:
    """Return the texts of a list with commas between them; one in double quotes may hold commas, or be empty.

    Inside quotes two of them stand for one. Raises ValueError for quotes that do not close.
    """
    entries, place = [], 0
    while place < len(text):
        found = _ENTRY.match(text, place)
        if found is None:
            raise ValueError(
                f'{text[place:].strip()!r} has a quote that does not end before a comma; write "red, blue", green.'
            )
        quoted, plain, _ = found.groups()
        if quoted is not None:
            entries.append(quoted.replace('""', '"'))
        elif plain.strip():  # a comma too many is no value
            entries.append(plain.strip())
        place = found.end()
    return entries


def read_numbers(text: str, *, whole: bool = False) -> list[int | float]:
    """Return the numbers of a list of numbers and ranges; with `whole` only whole ones, as int.

    Raises ValueError, in words, for what is none, for a step that does not lead to the end, and for more
    than `MAX_VALUES` numbers.
    """
    values: list[int | float] = []
    for entry in read_texts(narrow(text)):
        if re.fullmatch(_NUMBER, entry):
            numbers = [_written(entry, whole)]
        elif found := _RANGE.fullmatch(entry):
            numbers = _range(entry, whole, *found.groups())
        else:
            raise ValueError(f"{entry!r} is not read; {_NOTATION}.")
        values += map(_plain, numbers)
        if len(values) > MAX_VALUES:
            raise ValueError(_too_many(len(values)))
    return values


def _range(entry: str, whole: bool, first: str, last: str, step: str | None, count: str | None) -> list[Fraction]:
    """Return the numbers of a range: in steps, or so many."""
    if count is not None:
        low, high = Fraction(first), Fraction(last)
        return _spread(entry, low, high, int(count), whole)
    low, high = _written(first, whole), _written(last, whole)
    towards = 1 if high >= low else -1
    by = Fraction(towards) if step is None else _written(step, whole)
    if step is not None and step[0] not in "+-":
        by *= towards
    if by * towards <= 0:
        problem = "its step is 0" if by == 0 else f"its step leads away from {last}"
        raise ValueError(f"{entry!r} has no end: {problem}; write {first}-{last} ({'+' if towards > 0 else '-'}1).")
    number = math.floor((high - low) / by) + 1
    if number > MAX_VALUES:
        raise ValueError(_too_many(number))
    return [low + by * place for place in range(number)]


def _spread(entry: str, low: Fraction, high: Fraction, count: int, whole: bool) -> list[Fraction]:
    """Return so many numbers from one to another, at equal distances before whole ones are cut."""
    if not 1 <= count <= MAX_VALUES:
        raise ValueError(f"{entry!r} asks for {count} values; write a number from 1 to {MAX_VALUES} in the brackets.")
    spread = [low + (high - low) * place / max(count - 1, 1) for place in range(count)]
    return [Fraction(math.trunc(number)) for number in spread] if whole else spread


def _written(text: str, whole: bool) -> Fraction:
    number = Fraction(text)
    if whole and number.denominator != 1:
        raise ValueError(f"{text} is no whole number, which this argument needs; write {math.trunc(number)}.")
    return number


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def _too_many(number: int) -> str:
    return f"these are {number:,} values or more; write at most {MAX_VALUES:,}."
