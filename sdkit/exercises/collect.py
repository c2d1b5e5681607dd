"""For teachers: read a folder of hand-ins and write a table, points.csv and points.html, into it.

python -m sdkit.exercises.collect FOLDER

Answers are checked again, and pictures made again from their records and compared. Nothing in a hand-in is run:
of a function the table has the points that its file claims, and says so.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from sdkit.exercises.handed_in import read_hand_in
from sdkit.exercises.verify import CLAIMED, NOT, Verified, verified
from sdkit.files import expanded, write_whole
from sdkit.show.html import document, element, join, table

COLUMNS = ("file", "name", "lesson", "exercise", "points", "of", "claimed", "how", "note")
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #bbb; text-align: left; vertical-align: top; }
td:last-child { min-width: 14rem; }
pre { padding: .5rem; background: #8882; overflow-x: auto; }
"""


def collect(folder: str | Path) -> list[tuple[str, Verified]]:
    """Read all hand-ins of a folder, write points.csv and points.html into it, and return (file, result) for each row.

    A file that is no hand-in has a row that says why. Raises NotADirectoryError for what is no folder, ValueError for
    one without zip files.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; give the one that holds the hand-ins.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".zip" and path.is_file())
    if not paths:
        raise ValueError(f"{folder} holds no .zip files; put what your pupils handed in there.")
    rows = [(path.name, result) for path in paths for result in _results(path)]
    write_whole(folder / "points.csv", csv_of(rows).encode("utf-8-sig"))  # with the mark by which Excel knows UTF-8
    write_whole(folder / "points.html", page_of(rows).encode("utf-8"))
    return rows


def _results(path: Path) -> list[Verified]:
    try:
        return verified(read_hand_in(path))
    except ValueError as error:
        return [Verified("", "", "", 0, 0, 0, NOT, f"No hand-in: {error}"[:300])]


def csv_of(rows: Iterable[tuple[str, Verified]]) -> str:
    """Return the rows as CSV; a text that a spreadsheet would read as a formula has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in _cells(file, row)] for file, row in rows)
    return text.getvalue()


def page_of(rows: Iterable[tuple[str, Verified]]) -> str:
    """Return the rows as an HTML page: the sum for each name, then all of them, and the code of functions to read."""
    rows = list(rows)
    names: dict[str, str] = {}  # how each was written first
    best: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
    for _, row in rows:
        name = " ".join(row.name.split())
        key = name.casefold()
        names.setdefault(key, name)
        mine = best.setdefault(key, {}) if key else {}
        counted = row.points, row.points if row.how == CLAIMED else 0
        before = mine.get((row.lesson, row.exercise), (0, 0))
        mine[row.lesson, row.exercise] = max(before, counted, key=lambda points: (points[0], -points[1]))
    sums = [(names[key], *map(str, map(sum, zip(*points.values())))) for key, points in sorted(best.items())]
    note = (
        "Of an exercise that was handed in several times the best counts. Names are what the files say; capitals and "
        "spaces make no difference. Points as claimed are for functions: their code stands below."
    )
    functions = [(file, row) for file, row in rows if row.how == CLAIMED]
    parts = [
        element("h1", "Points"), table(("name", "points", "of them as claimed"), sums), element("p", note),
        element("h2", "Each exercise"), table(COLUMNS, [_cells(file, row) for file, row in rows]),
    ]  # fmt: skip
    if functions:
        parts.append(element("h2", "Code to read"))
    for file, row in functions:
        title = f"{row.name}: {row.lesson}, {row.exercise} ({row.points} of {row.worth}; {file})"
        parts += [element("h3", title), element("pre", row.code)]
    return document("Points", join(parts, "\n"), style=_STYLE)


def _cells(file: str, row: Verified) -> list[str]:
    numbers = (str(number) for number in (row.points, row.worth, row.claimed))
    return [file, row.name, row.lesson, row.exercise, *numbers, row.how, row.note]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def main(arguments: list[str] | None = None) -> int:
    """Write the table of a folder, say what is in it, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sdkit.exercises.collect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", help="the folder with the files that were handed in")
    folder = parser.parse_args(arguments).folder
    try:
        rows = collect(folder)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for file, row in rows:
        if row.how == NOT:
            print(f"{file}: {row.exercise or 'not read'}: {row.note}")
    files = len({file for file, _ in rows})
    print(f"{files} files, {len(rows)} rows: points.csv and points.html are in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
