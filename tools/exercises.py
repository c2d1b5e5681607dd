"""Exercise notebooks and the answers to them, as they lie in their files."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tools.lesson import LESSONS, SETUP, Lesson

EXERCISES = LESSONS / "exercises"
ANSWERS = LESSONS.parent.parent / "course" / "answers"
HAND_IN = "hand-in"
TASK, GIVEN, CHECK = "-task", "-given", "-check"
CELL = re.compile(r"^# %% (\w+) (right|wrong: (.+))$", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """The cells of one exercise: its task, what is given, the answer and the check; None for what is not there."""

    name: str
    task: nbformat.NotebookNode | None
    given: nbformat.NotebookNode | None
    answer: nbformat.NotebookNode | None
    check: nbformat.NotebookNode | None


@dataclass(frozen=True)
class Answer:
    """An answer to an exercise: its code, and the name of the finding that must be missing; None for a right answer."""

    exercise: str
    missing: str | None
    source: str


def notebooks() -> list[Path]:
    """Return the paths of the English exercise notebooks."""
    return sorted(EXERCISES.glob("*.ipynb"))


def lesson_name(path: Path) -> str:
    """Return the name that a lesson has in `sd.check_answer`: "guidance_scale" of 06_guidance_scale.ipynb."""
    return path.stem.partition("_")[2]


def tasks_of(book: Lesson) -> list[Task]:
    """Return the exercises of a notebook, in order."""
    ids = [cell.get("id", "") for cell in book.cells]
    names = list(dict.fromkeys(name.removesuffix(TASK) for name in ids if name.endswith(TASK)))
    return [
        Task(
            name, *(book.cell(f"{name}{part}") for part in (TASK, GIVEN)), book.cell(name), book.cell(f"{name}{CHECK}")
        )
        for name in names
    ]


def answers_of(path: Path) -> list[Answer]:
    """Return the answers in a file of percent cells; raise ValueError for a cell that is named otherwise."""
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"^# %%.*$", text, re.MULTILINE):
        if not CELL.match(line):
            raise ValueError(
                f"{path.name}: {line!r} is not as in '# %% green_owl right' or '# %% green_owl wrong: style'"
            )
    parts = CELL.split(text)[1:]
    return [Answer(parts[i], parts[i + 2], parts[i + 3].strip() + "\n") for i in range(0, len(parts), 4)]


def namespace_of(book: Lesson) -> dict[str, Any]:
    """Run the setup of a notebook and return its names."""
    names: dict[str, Any] = {"__name__": "__main__"}
    run(book.cell(SETUP).source, names)
    return names


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell with names as its global ones, and return the value of its last line, as a notebook does."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
