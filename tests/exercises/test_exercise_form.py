"""The exercise notebooks keep their form."""

import nbformat
import pytest

from tools import exercise_form
from tools.exercises import ANSWERS, answers_of, notebooks

NAME = "06_guidance_scale.ipynb"


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_exercises_follow_the_rules(path):
    assert exercise_form.problems(path) == []


@pytest.fixture
def book():
    """Return the exercises of lesson 6, which a test may change."""
    (path,) = (path for path in notebooks() if path.name == NAME)
    return nbformat.read(path, as_version=4)


def problems(book, tmp_path):
    """Return what is wrong with a notebook that lies where exercises lie."""
    folder = tmp_path / "exercises"
    folder.mkdir()
    (tmp_path / NAME).touch()
    nbformat.write(book, folder / NAME)
    return exercise_form.problems(folder / NAME)


def cell(book, name):
    return next(cell for cell in book.cells if cell.id == name)


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("head", "# 6 ·", "# 7 ·", "head: the first line is not as in '# 6 · guidance_scale: exercises'"),
        ("head", "../06_guidance_scale.ipynb", "https://a.b", "head: the head has no link to ../06_guidance_scale"),
        ("head", "never the solution", "and the solution", "head: the head does not say: Each has a task"),
        ("hand-in", "sd.hand_in", "sd.send", "cells: hand-in is not: ## Handing in"),
        ("formula-task", "2 points", "3 points", "exercises: the task of formula says 3 points, its check 2"),
        ("formula-task", "*medium", "*fair", "exercises: the second line of the task of formula is not as in"),
        ("formula-task", "## 3 · Repair", "## 2 · Repair", "exercises: the task of formula does not begin as in"),
        ("green_owl", "# green_owl", "# owl", "answer_and_check: green_owl does not begin with '# green_owl'"),
        ("green_owl", "shot =", "picture =", "answer_and_check: green_owl does not set shot"),
        ("green_owl-check", "green_owl", "purple_owl", "answer_and_check: green_owl-check is not as in"),
        ("setup", "import sdkit as sd", "import sdkit as sd\n\n\n\n", "setup_is_short: setup has 9 lines; 6 are"),
    ],
)
def test_what_is_wrong_is_found(book, tmp_path, name, old, new, problem):
    assert old in cell(book, name).source
    cell(book, name).source = cell(book, name).source.replace(old, new)
    found = problems(book, tmp_path)
    assert any(one.startswith(problem) for one in found), found


def test_cells_that_are_lost_or_of_another_kind_are_found(book, tmp_path):
    book.cells = [one for one in book.cells if one.id != "mystery-check"]
    assert any(one.startswith("cells: the cells are head, setup") for one in problems(book, tmp_path))


def test_exercises_that_no_check_knows_are_found(book, tmp_path):
    cell(book, "formula-task").id = "other-task"
    assert any("sdkit/exercises/checks/guidance_scale.py has green_owl, mystery, formula" in one
               for one in problems(book, tmp_path))  # fmt: skip


def test_a_notebook_without_answers_is_found(tmp_path, monkeypatch, book):
    monkeypatch.setattr(exercise_form, "ANSWERS", tmp_path)
    assert "answers: there is no course/answers/06_guidance_scale.py" in problems(book, tmp_path)
    (tmp_path / "06_guidance_scale.py").write_text("# %% formula right\n1\n# %% lost wrong: a\n2\n")
    found = exercise_form.problems(tmp_path / "exercises" / NAME)
    assert {one for one in found if one.startswith("answers")} == {
        "answers: course/answers/06_guidance_scale.py lacks green_owl",
        "answers: course/answers/06_guidance_scale.py lacks mystery",
        "answers: course/answers/06_guidance_scale.py answers lost",
    }


def test_answers_are_read_from_percent_cells(tmp_path):
    path = tmp_path / "01_start.py"
    path.write_text("# About.\n\n# %% owl right\na = 1\n\n\n# %% owl wrong: 6 steps\nb = 2\n")
    first, second = answers_of(path)
    assert (first.exercise, first.missing, first.source) == ("owl", None, "a = 1\n")
    assert (second.exercise, second.missing, second.source) == ("owl", "6 steps", "b = 2\n")
    path.write_text("# %% owl maybe\n")
    with pytest.raises(ValueError, match="'# %% owl maybe' is not as in"):
        answers_of(path)


def test_there_are_no_answers_without_exercises():
    assert sorted(path.stem for path in ANSWERS.glob("*.py")) == [path.stem for path in notebooks()]
