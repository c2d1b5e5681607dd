"""Handing in: one file with the answers, their pictures with records, and what the checks found."""

from __future__ import annotations

import inspect
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from sdkit.errors import plain_errors
from sdkit.exercises.messages import say
from sdkit.exercises.portable import NotPortable, pack
from sdkit.exercises.session import Entry, entries
from sdkit.files import expanded, write_whole
from sdkit.language import language
from sdkit.loading.provenance import library_versions
from sdkit.parameters import short
from sdkit.show.html import Html, document, element, image, join

# What a hand-in is: its number changes when what it holds does. `handed_in` reads it.
FORMAT = 1
DATA, PAGE = "hand_in.json", "hand_in.html"
PLACEHOLDER = "Your Name"  # what the exercise notebooks write
MOST_NAME, MOST_SOURCE = 100, 20_000  # letters
MOST_PICTURES = 60
_STYLE = "body { font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem; max-width: 50rem; } pre { background: #f4f4f4; }"


@plain_errors
def hand_in(name: str, folder: str | Path = ".") -> Path:
    """Write the answers that were checked in this notebook into one file, and return its path.

    `name` is yours, as the teacher is to read it, at most 100 letters. The file, a zip, is named after it and the
    lesson, lies in `folder` and replaces an earlier one. It holds your answers (the code of their cells, values, and
    pictures as `save_picture` writes them), what the checks found, and the versions of the libraries; a page in it
    shows them. It is written whole or not at all, and sent nowhere.

    Raises TypeError or ValueError for a name that is none, ValueError if nothing was checked yet.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {short(name)}; give your name as a text.")
    name = " ".join(name.split())
    if name.casefold() == PLACEHOLDER.casefold():
        raise ValueError(f"name is still {PLACEHOLDER!r}; give your own.")
    if not name or len(name) > MOST_NAME or not name.isprintable():
        raise ValueError(f"name is {short(name)}; give your name, at most {MOST_NAME} letters.")
    done = entries()
    if not done:
        raise ValueError(
            "nothing was checked in this notebook yet; answer an exercise and run the cell that checks it."
        )
    language()
    pictures: list[bytes] = []
    rows = [_row(entry, pictures) for entry in done]
    data = {"format": FORMAT, "name": name, "versions": library_versions(), "exercises": rows}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(DATA, json.dumps(data, ensure_ascii=False, indent=1))
        file.writestr(PAGE, _page(name, done, rows, pictures))
        for number, png in enumerate(pictures):
            file.writestr(picture_name(number), png)
    return write_whole(expanded(folder) / _file_name(name, done), packed.getvalue())


def picture_name(number: int) -> str:
    """Return the name of a picture in a hand-in."""
    return f"pictures/{number:02}.png"


def _row(entry: Entry, pictures: list[bytes]) -> dict[str, Any]:
    checked = entry.checked
    before = len(pictures)
    row: dict[str, Any] = {
        "lesson": checked.lesson,
        "exercise": checked.exercise,
        "points": checked.points,
        "worth": checked.worth,
        "findings": [
            {"name": finding.name, "passed": finding.passed, "text": finding.text} for finding in checked.findings
        ],
        "source": _source(checked.exercise, entry.answer)[:MOST_SOURCE],
    }
    try:
        row["answer"] = pack(entry.answer, pictures)
        if len(pictures) > MOST_PICTURES:
            raise NotPortable("there are too many pictures.")
    except ValueError:  # a function, or a picture whose record no file can hold: the code is there
        del pictures[before:]
    return row


def _source(exercise: str, answer: Any) -> str:
    """Return the code of the cell that answers an exercise: the last that was run and begins with its name."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    cells = shell.user_ns.get("In", []) if shell is not None else []
    for cell in reversed(cells):
        if cell.strip().splitlines()[:1] == [f"# {exercise}"]:
            return cell
    try:
        return inspect.getsource(answer)
    except (TypeError, OSError):  # no function, or one whose code is in no file
        return ""


def _file_name(name: str, done: list[Entry]) -> str:
    safe = re.sub(r"[^\w-]+", "_", name)
    lessons = "+".join(dict.fromkeys(entry.checked.lesson for entry in done))
    return f"{safe}-{lessons}"[:150] + ".zip"


def _page(name: str, done: list[Entry], rows: list[dict[str, Any]], pictures: list[bytes]) -> str:
    points = sum(row["points"] for row in rows)
    worth = sum(row["worth"] for row in rows)
    parts: list[str] = [
        element("h1", name),
        element("p", say("Points: {points} of {worth}.", points=points, worth=worth)),
    ]
    for entry, row in zip(done, rows):
        parts.append(element("h2", f"{row['lesson']}: {row['exercise']}"))
        if row["source"]:
            parts.append(element("pre", row["source"]))
        parts += [image(pictures[number], row["exercise"]) for number in _numbers(row.get("answer"))]
        parts.append(Html(entry.checked._repr_html_()))
    return document(name, join(parts, "\n"), style=_STYLE, language=language())


def _numbers(packed: Any) -> list[int]:
    """Return the numbers of the pictures in a packed answer."""
    if isinstance(packed, dict):
        return [packed["picture"]] if "picture" in packed else [n for value in packed.values() for n in _numbers(value)]
    return [number for value in packed for number in _numbers(value)] if isinstance(packed, list) else []
