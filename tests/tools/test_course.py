"""The exercises as a course for nbgrader: what pupils get hides the solution, and nbgrader gives the points."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from tools import course, forked_kernel
from tools.exercises import ANSWERS, answers_of, notebooks

NAME = "06_guidance_scale"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a course."""
    folder = tmp_path_factory.mktemp("course")
    assert course.main([str(folder)]) == 0
    return folder


def cells(path):
    """Return the cells of a notebook by id."""
    return {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}


def test_every_exercise_notebook_is_an_assignment(folder):
    assert [path.name for path in sorted((folder / "source").iterdir())] == [path.stem for path in notebooks()]


def test_an_assignment_has_solutions_hidden_tests_and_points(folder):
    found = cells(folder / "source" / NAME / f"{NAME}.ipynb")
    begin, _, rest = found["formula"].source.partition("\n### BEGIN SOLUTION\n")
    assert (
        begin == "# formula\ndef guided(without, prompted, scale):\n    return prompted + scale * (prompted - without)"
    )
    assert "return without + scale * (prompted - without)" in rest and rest.endswith("\n### END SOLUTION")
    check, _, hidden = found["formula-check"].source.partition("\n### BEGIN HIDDEN TESTS\n")
    assert check == 'checked = sd.check_answer("guidance_scale", "formula", guided)\nchecked'
    assert hidden == "assert checked.passed, checked\n### END HIDDEN TESTS"
    marks = {name: cell.metadata.nbgrader for name, cell in found.items() if "nbgrader" in cell.metadata}
    assert {name: (mark.solution, mark.locked, mark.get("points")) for name, mark in marks.items()} == {
        "setup": (False, True, None),
        "green_owl": (True, False, None), "green_owl-check": (False, True, 1),
        "mystery-given": (False, True, None), "mystery": (True, False, None), "mystery-check": (False, True, 2),
        "formula": (True, False, None), "formula-check": (False, True, 2),
    }  # fmt: skip


def test_an_assignment_stands_alone_and_was_not_run(folder):
    for path in (folder / "source").glob("*/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert cell.id != "hand-in" and cell.get("outputs", []) == [] and cell.get("execution_count") is None
            assert cell.cell_type == "code" or not any(text in cell.source for text in ("](", "colab"))


def test_a_course_is_written_afresh_and_what_was_handed_in_stays(tmp_path):
    kept, old = tmp_path / "submitted" / "ada.txt", tmp_path / "source" / "old.ipynb"
    for path in (kept, old):
        path.parent.mkdir()
        path.touch()
    course.write_course(tmp_path)
    assert kept.exists() and not old.exists()


def nbgrader(folder, *arguments):
    """Run nbgrader in the folder of a course; it looks for a program of its own installation on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    home = str(Path(course.__file__).resolve().parent.parent)
    python_path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": python_path}
    if sys.platform == "linux":
        kernels = folder / "kernels"
        if not kernels.exists():
            forked_kernel.write_kernel(kernels)
        environment["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(kernels), os.environ.get("JUPYTER_PATH")]))
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def submit(folder, pupil, wrong):
    """Fill in the release, with wrong answers to the exercises that are named, and hand it in."""
    book = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    answers = answers_of(ANSWERS / f"{NAME}.py")
    for cell in book.cells:
        assert "SOLUTION" not in cell.source and "HIDDEN" not in cell.source
        if cell.metadata.get("nbgrader", {}).get("solution"):
            suits = [one for one in answers if one.exercise == cell.id and bool(one.missing) == (cell.id in wrong)]
            cell.source = f"# {cell.id}\n{suits[0].source}"
    place = folder / "submitted" / pupil / NAME
    place.mkdir(parents=True)
    nbformat.write(book, place / f"{NAME}.ipynb")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("nbgrader") is None, reason="nbgrader is not installed; it is the extra `course`")
def test_nbgrader_gives_the_points(folder):
    nbgrader(folder, "generate_assignment", NAME)
    submit(folder, "ada", wrong=())
    submit(folder, "bob", wrong=("green_owl", "formula"))
    nbgrader(folder, "autograde", NAME)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        found = {one.student.id: (one.score, one.max_score) for one in book.assignment_submissions(NAME)}
    assert found == {"ada": (5, 5), "bob": (2, 5)}
