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
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from sdkit.exercises.course import exercises_of, lessons
from sdkit.exercises.handed_in import read_hand_in
from sdkit.exercises.messages import say
from sdkit.exercises.verify import AGAIN, CLAIMED, NOT, Verified, verified
from sdkit.files import expanded, write_whole
from sdkit.language import language
from sdkit.show.html import document, element, join, table

COLUMNS = ("file", "name", "lesson", "exercise", "points", "of", "counts", "claimed", "how", "note")
TABLE, PAGE = "points.csv", "points.html"
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #bbb; text-align: left; vertical-align: top; }
td:last-child { min-width: 14rem; }
pre { padding: .5rem; background: #8882; overflow-x: auto; }
"""


def collect(folder: str | Path) -> list[tuple[str, Verified]]:
    """Read all hand-ins of a folder, write points.csv and points.html into it, and return (file, result) for each row.

    Folders in it are read as well. A file that is no hand-in has a row that says why. Raises NotADirectoryError for
    what is no folder, ValueError for one without zip files.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; give the one that holds the hand-ins.")
    ours = folder / TABLE, folder / PAGE
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path not in ours)
    paths = [path for path in paths if not _is_hidden(path.relative_to(folder))]
    if not any(map(_is_zip, paths)):
        raise ValueError(f"{folder} and the folders in it hold no .zip files; put what your pupils handed in there.")
    rows = [(path.relative_to(folder).as_posix(), result) for path in paths for result in _results(path)]
    write_whole(folder / TABLE, csv_of(rows).encode("utf-8-sig"))  # with the mark by which Excel knows UTF-8
    write_whole(folder / PAGE, page_of(rows).encode("utf-8"))
    return rows


def _is_hidden(path: Path) -> bool:
    """Say whether a program keeps a file for itself, such as .ipynb_checkpoints, or a spreadsheet's lock."""
    return any(part.startswith((".", "~$")) for part in path.parts) or path.name in ("desktop.ini", "Thumbs.db")


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _results(path: Path) -> list[Verified]:
    try:
        if not _is_zip(path):
            raise ValueError(say("it is no .zip file, as hand_in writes it."))
        return verified(read_hand_in(path))
    except ValueError as error:
        return [Verified("", "", "", 0, 0, 0, NOT, say("No hand-in: {error}", error=error)[:300])]


def csv_of(rows: Sequence[tuple[str, Verified]]) -> str:
    """Return the rows as CSV; a text that a spreadsheet would read as a formula has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in cells] for cells in _cells(rows))
    return text.getvalue()


def page_of(rows: Sequence[tuple[str, Verified]]) -> str:
    """Return the rows as an HTML page: the sums of each name, then all rows, and the code of functions to read."""
    handed_in = sorted({row.lesson for _, row in rows if row.lesson in lessons()})
    heads = say("name"), say("points"), say("of"), say("of them as claimed"), *handed_in
    notes = (
        say("Of an exercise that was handed in several times the best counts."),
        say(
            "Names are what the files say; capitals and repeated spaces make no difference, nor in Japanese any space."
        ),
        say("A dash stands for a lesson of which nothing was handed in; exercises left out stand behind the points."),
        say("Points as claimed are for functions: their code stands below."),
    )
    how = {AGAIN: say("checked again"), CLAIMED: say("as claimed"), NOT: say("not counted")}
    cells = [[how.get(cell, cell) for cell in row] for row in _cells(rows)]
    columns = (
        say("file"), say("name"), say("lesson"), say("exercise"), say("points"), say("of"), say("counts"),
        say("claimed"), say("how"), say("note"),
    )  # fmt: skip
    functions = [(file, row) for file, row in rows if row.how == CLAIMED]
    parts = [
        element("h1", say("Points")), table(heads, _sums(rows, handed_in)), *(element("p", note) for note in notes),
        element("h2", say("Each exercise")), table(columns, cells),
    ]  # fmt: skip
    if functions:
        parts.append(element("h2", say("Code to read")))
    for file, row in functions:
        title = f"{row.name}: {row.lesson}, {row.exercise} ({row.points}/{row.worth}; {file})"
        parts += [element("h3", title), element("pre", row.code)]
    return document(say("Points"), join(parts, "\n"), style=_STYLE, language=language())


def pupil_of(name: str) -> str:
    """Return what is the same for all ways to write a name: capitals, and how many spaces, make no difference.

    Where all letters are wide, as in Japanese, a space between family and given name is often left out.
    """
    words = unicodedata.normalize("NFKC", name).casefold().split()
    is_wide = all(unicodedata.east_asian_width(letter) in "WF" for word in words for letter in word)
    return ("" if is_wide else " ").join(words)


def _counting(rows: Sequence[tuple[str, Verified]]) -> dict[tuple[str, str, str], int]:
    """Return which row counts, its place, for each pupil, lesson and exercise: of several the best."""
    best: dict[tuple[str, str, str], int] = {}
    for place, (_, row) in enumerate(rows):
        key = pupil_of(row.name), row.lesson, row.exercise
        if key[0] and (key not in best or _rank(row) > _rank(rows[best[key]][1])):
            best[key] = place
    return best


def _rank(row: Verified) -> tuple[int, bool]:
    """Return what makes a row better than another: more points, and points that were seen."""
    return row.points, row.how != CLAIMED


def _sums(rows: Sequence[tuple[str, Verified]], handed_in: Sequence[str]) -> list[tuple[str, ...]]:
    """Return a row for each pupil: name, points, what there are, how many are as claimed, and points by lesson."""
    names: dict[str, str] = {}  # as each was written first
    for _, row in rows:
        if row.name:
            names.setdefault(pupil_of(row.name), " ".join(row.name.split()))
    of_pupil: dict[str, list[Verified]] = {key: [] for key in names}
    for (key, _, _), place in _counting(rows).items():
        of_pupil[key].append(rows[place][1])
    worth = {lesson: sum(found.points for found in exercises_of(lesson).values()) for lesson in handed_in}
    sums = []
    for key, mine in sorted(of_pupil.items()):
        claimed = sum(row.points for row in mine if row.how == CLAIMED)
        by_lesson = [_of_lesson(lesson, mine, worth[lesson]) for lesson in handed_in]
        numbers = (sum(row.points for row in mine), sum(worth.values()), claimed)
        sums.append((names[key], *map(str, numbers), *by_lesson))
    return sums


def _of_lesson(lesson: str, mine: Sequence[Verified], worth: int) -> str:
    """Return a pupil's points of a lesson, and which exercises are not there."""
    done = {row.exercise: row.points for row in mine if row.lesson == lesson}
    if not done:
        return "-"
    left_out = [name for name in exercises_of(lesson) if name not in done]
    points = f"{sum(done.values())}/{worth}"
    return say("{points}, without {names}", points=points, names=", ".join(left_out)) if left_out else points


def _cells(rows: Sequence[tuple[str, Verified]]) -> list[list[str]]:
    """Return the rows of the table with all exercises, with the points that count, 0 where another row is better."""
    counting = set(_counting(rows).values())
    cells = []
    for place, (file, row) in enumerate(rows):
        numbers = row.points, row.worth, row.points if place in counting else 0, row.claimed
        cells.append([file, row.name, row.lesson, row.exercise, *map(str, numbers), row.how, row.note])
    return cells


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
