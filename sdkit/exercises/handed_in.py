"""Reading a hand-in, which comes from a stranger: data of bounded size, checked whole, and never run.

No name in the file is used as a path, no entry is written anywhere, and what is not as `hand_in` writes it is refused.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdkit.exercises.hand_in import DATA, FORMAT, MOST_NAME, MOST_PICTURES, MOST_SOURCE, PAGE, picture_name

MOST_BYTES = 60 * 2**20  # of a file
_MOST_DATA, _MOST_PICTURE = 4 * 2**20, 16 * 2**20  # bytes of an entry, unpacked
_MOST_EXERCISES, _MOST_MARKS = 200, 100_000
_LESSON = re.compile(r"[a-z][a-z_0-9]{0,60}")
# What zipfile and zlib raise for damaged, encrypted or odd files.
_ODD_FILES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


@dataclass(frozen=True)
class Answered:
    """One exercise of a hand-in: what the file says. `answer` is packed, None if the file holds the code alone.

    `source` is the code of the answer's cell, text to read.
    """

    lesson: str
    exercise: str
    points: int
    answer: Any
    source: str


@dataclass(frozen=True)
class HandedIn:
    """A hand-in: whose it says it is, the exercises, and the bytes of the pictures, each to be read as a PNG."""

    name: str
    exercises: tuple[Answered, ...]
    pictures: dict[int, bytes]


def read_hand_in(path: Path) -> HandedIn:
    """Read a file that `hand_in` wrote. Raises ValueError, saying what is wrong, if it is none or damaged."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 2**20} MB.")
    try:
        with zipfile.ZipFile(path) as file:
            return _read(file)
    except _ODD_FILES as error:
        if type(error) is ValueError:
            raise
        raise ValueError(f"it is no readable zip: {error}") from error


def _read(file: zipfile.ZipFile) -> HandedIn:
    known = {picture_name(number): number for number in range(MOST_PICTURES)}
    names = [entry.filename for entry in file.infolist()]
    odd = [name for name in names if name not in (DATA, PAGE, *known)]
    if odd or len(set(names)) != len(names) or DATA not in names:
        raise ValueError(f"its entries are not those that hand_in writes: {(odd or names)[:3]}.")
    data = _parsed(_bytes(file, DATA, _MOST_DATA))
    pictures = {known[name]: _bytes(file, name, _MOST_PICTURE) for name in names if name in known}
    return HandedIn(data["name"], tuple(map(_answered, data["exercises"])), pictures)


def _bytes(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return an entry, of which no more is unpacked than it may have, whatever the file says of its size."""
    with file.open(name) as entry:
        data = entry.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} in it has more than {most // 2**20} MB.")
    return data


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
        if sum(map(text.count, "[{,")) > _MOST_MARKS:
            raise ValueError(f"it has more than {_MOST_MARKS:,} lists, tables and commas.")
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{DATA} in it is damaged: {error}"[:300]) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{DATA} in it is not of the format {FORMAT}, which this version reads.")
    name, exercises = found.get("name"), found.get("exercises")
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise ValueError("the name in it is none.")
    if not isinstance(exercises, list) or len(exercises) > _MOST_EXERCISES:
        raise ValueError(f"the exercises in it are no list of at most {_MOST_EXERCISES}.")
    return {"name": name, "exercises": exercises}


def _answered(row: Any) -> Answered:
    if not isinstance(row, dict):
        raise ValueError("an exercise in it is no table.")
    lesson, exercise, points, source = (row.get(key) for key in ("lesson", "exercise", "points", "source"))
    if not all(isinstance(name, str) and _LESSON.fullmatch(name) for name in (lesson, exercise)):
        raise ValueError("an exercise in it has no name.")
    if not isinstance(points, int) or isinstance(points, bool) or not 0 <= points <= 100:
        raise ValueError(f"the points of {exercise} in it are no number from 0 to 100.")
    if not isinstance(source, str) or len(source) > MOST_SOURCE:
        raise ValueError(f"the code of {exercise} in it is no text of at most {MOST_SOURCE:,} letters.")
    return Answered(str(lesson), str(exercise), points, row.get("answer"), source)
