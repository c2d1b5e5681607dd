"""Write the exercises as a course for nbgrader: python -m tools.course [FOLDER]

Each exercise notebook becomes an assignment: the cell for the answer, with the solution that nbgrader takes out of the
release; the check, which pupils see and run; and a hidden test that asks whether it passed, for the points. nbgrader
itself is needed only afterwards: docs/course.md.
"""

import argparse
import re
import sys
from pathlib import Path
from shutil import rmtree
from typing import Any

import nbformat

from sdkit.exercises.course import exercises_of
from sdkit.lessons.source import LINK
from tools.exercises import ANSWERS, HAND_IN, answers_of, lesson_name, notebooks, tasks_of
from tools.lesson import Lesson
from tools.notebooks import write

FOLDER = Path(__file__).resolve().parent.parent / "dist" / "course"
SCHEMA = 3  # of nbgrader's metadata, as 0.9 writes it
CONFIG = """c = get_config()
c.CourseDirectory.course_id = "sd"
c.ClearSolutions.code_stub = {"python": ""}  # what the exercise begins with stands above the solution
c.ExecutePreprocessor.timeout = 300  # seconds of a cell
"""
COLAB = re.compile(r"\n*<!-- colab -->.*?<!-- /colab -->", re.DOTALL)


def write_course(folder: Path = FOLDER) -> list[Path]:
    """Write the folder of a course afresh, `source/` with an assignment for each lesson, and return the notebooks."""
    rmtree(folder / "source", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    written = []
    for path in notebooks():
        place = folder / "source" / path.stem / path.name
        place.parent.mkdir(parents=True)
        write(assignment_of(Lesson.read(path)), place)
        written.append(place)
    return written


def assignment_of(book: Lesson) -> nbformat.NotebookNode:
    """Return an exercise notebook as nbgrader's instructor version, with solutions, hidden tests and points."""
    name = lesson_name(book.path)
    known = exercises_of(name)
    right = {
        answer.exercise: answer.source
        for answer in reversed(answers_of(ANSWERS / f"{book.path.stem}.py"))
        if not answer.missing
    }
    for cell in book.code:
        cell.outputs, cell.execution_count = [], None
        cell.metadata["nbgrader"] = _marks(cell.id, locked=True)  # the setup and what is given stay as they are
    for task in tasks_of(book):
        solution = f"### BEGIN SOLUTION\n{right[task.name].rstrip()}\n### END SOLUTION"
        task.answer.source = f"{task.answer.source}\n{solution}"
        task.answer.metadata["nbgrader"] = _marks(task.name, solution=True)
        task.check.source = (
            f"checked = {task.check.source}\nchecked\n"
            "### BEGIN HIDDEN TESTS\nassert checked.passed, checked\n### END HIDDEN TESTS"
        )
        task.check.metadata["nbgrader"] = _marks(task.check.id, locked=True, grade=True, points=known[task.name].points)
    # There is no lesson beside an assignment, and handing in is nbgrader's.
    cells = [cell for cell in book.cells if cell.id != HAND_IN]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(r"\1", COLAB.sub("", cell.source))
    book.book.cells = cells
    return book.book


def _marks(name: str, **more: Any) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell."""
    usual = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": SCHEMA}
    return {**usual, "grade_id": name, "cell_type": "code", **more}


def main(arguments: list[str] | None = None) -> int:
    """Write the course and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m tools.course", description="Write a course for nbgrader.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args(arguments).folder
    written = write_course(folder)
    print(f"{len(written)} assignments are in {folder / 'source'}; docs/course.md says how nbgrader takes them on.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
