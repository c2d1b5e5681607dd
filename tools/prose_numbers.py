"""Numbers in a lesson's prose: where each of them comes from.

A Markdown cell's metadata says so: `"lesson": {"numbers": {"measure": ["26", "13.5"], "known": ["77"]}}`. Those under
the id of a code cell stand in that cell's output, which may have more decimals; those under `known` come from
elsewhere. A number that some code cell of the lesson holds needs no mark, nor does one of a single digit.
"""

import re
from collections.abc import Iterator

import nbformat

from tools.lesson import ARTICLE, REAL, Lesson, printed_by, says

KNOWN = "known"
NOT_PROSE = (
    re.compile(r"<!-- colab -->.*?<!-- /colab -->", re.DOTALL),  # written by tools.links
    re.compile(r"```.*?```|`[^`]*`|\$[^$]*\$", re.DOTALL),  # code and formulas
    re.compile(r"!?\[[^\]]*\]\([^)]*\)|<https?:[^>]*>|https?://\S+"),
    re.compile(r"<!--.*?-->|</?\w[^>]*>", re.DOTALL),
    re.compile(r"^# \d+ · .*$|^ *\d+\. |^[ *]*\d+ minutes\b|\b\d+ minutes\.", re.MULTILINE),  # title, items, head
    re.compile(r"\blessons? \d+(?:(?:, | and | to | or |, and )\d+)*", re.IGNORECASE),
)
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w|\.\d)")
IN_CODE = re.compile(r"\d+(?:[,_]\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+")


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a Markdown text as they are written, those of code, links and titles left out."""
    for pattern in NOT_PROSE:
        text = pattern.sub(" ", text)
    return NUMBER.findall(text)


def unmarked(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Yield (id, number) for each number of two digits or more in prose that is neither marked nor in the code."""
    code = {value(number) for cell in lesson.code for number in IN_CODE.findall(cell.source)}
    for cell in lesson.prose:
        if cell.get("id") in (REAL, ARTICLE):
            continue
        marked = {number for numbers in marks(cell).values() for number in numbers}
        for number in dict.fromkeys(numbers_in(cell.source)):
            if len(number) > 1 and number not in marked and value(number) not in code:
                yield cell.get("id"), number


def wrong(lesson: Lesson) -> Iterator[str]:
    """Yield what is wrong with the marked numbers."""
    for cell in lesson.prose:
        there = numbers_in(cell.source)
        for name, numbers in marks(cell).items():
            for number in numbers:
                if number not in there:
                    yield f"{cell.get('id')} does not say {number}, which it marks under {name}"
            source = lesson.cell(name)
            if name == KNOWN:
                continue
            if source is None or source.cell_type != "code":
                yield f"{cell.get('id')} marks numbers under {name}, which is no code cell"
                continue
            shown = [value(number) for number in IN_CODE.findall(printed_by(source))]
            for number in numbers:
                if not any(rounds_to(printed, number) for printed in shown):
                    yield f"{cell.get('id')} says {number}, but the output of {name} does not"


def marks(cell: nbformat.NotebookNode) -> dict[str, list[str]]:
    """Return {id of a code cell, or "known": numbers} of a Markdown cell."""
    return says(cell).get("numbers", {})


def value(number: str) -> float:
    """Return what a written number is worth; commas and underscores part thousands."""
    return float(re.sub("[,_]", "", number))


def rounds_to(exact: float, number: str) -> bool:
    """Say whether a value, rounded to the decimals written, is a number."""
    decimals = len(number.partition(".")[2])
    return abs(exact - value(number)) <= 0.5 * 10**-decimals * (1 + 1e-9)
