"""Check the form of the exercise notebooks: python -m tools.exercise_form [FILE ...]

Each exercise is a task, what is given (if anything), a cell for the answer, and a cell that checks it.
"""

import argparse
import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sdkit.exercises.course import exercises_of, lessons
from tools import form
from tools.exercises import ANSWERS, CHECK, GIVEN, HAND_IN, TASK, answers_of, lesson_name, notebooks, tasks_of
from tools.lesson import HEAD, SETUP, Lesson, lines_of

# These rules of lessons hold for exercises, too.
OF_LESSONS = (
    form.counts, form.no_empty_cells, form.no_stderr, form.no_errors, form.nothing_of_one_run, form.sizes, form.ids,
    form.setup_is_short, form.no_semicolons, form.no_language_in_code, form.links_lead_somewhere, form.model_by_name,
    form.not_the_other_sdkit,
)  # fmt: skip
HOW = (
    "Each has a task, a cell for your answer, which begins with the exercise's name, and a cell that checks it: it "
    "says what is right, what is missing, and gives a hint, never the solution."
)
HANDING_IN = (
    '## Handing in Somebody wants to see your answers? Put your own name into `sd.hand_in("Your Name")` and run that '
    "in a new cell: it writes them, with pictures and checks, into a zip file beside this notebook."
)
TITLE = re.compile(r"# (\d+) · (\S.*): exercises")
HEADING = re.compile(r"## (\d+) · (?:Make|Diagnose|Repair): \S")
WORTH = re.compile(r"\*(?:easy|medium|hard) · (\d+) points?\*")
FEWEST = 2

Problems = Iterator[str]
RULES: dict[str, Callable[[Lesson], Problems]] = {rule.__name__: rule for rule in OF_LESSONS}


def rule(function: Callable[[Lesson], Problems]) -> Callable[[Lesson], Problems]:
    """Add a function to the rules."""
    RULES[function.__name__] = function
    return function


def problems(path: str | Path) -> list[str]:
    """Return what is wrong with an exercise notebook, each with the name of the rule."""
    book = Lesson.read(path)
    return [f"{name}: {problem}" for name, check in RULES.items() for problem in check(book)]


@rule
def head(book: Lesson) -> Problems:
    """The head names the lesson, links to it, and says how exercises work."""
    first = book.cells[0].source if book.cells and book.cells[0].get("id") == HEAD else ""
    title = TITLE.match(first)
    if not title or int(title[1]) != int(book.path.name[:2]):
        yield f"the first line is not as in '# {int(book.path.name[:2])} · guidance_scale: exercises'"
    if f"](../{book.path.name})" not in first:
        yield f"the head has no link to ../{book.path.name}"
    if HOW not in one_line(first):
        yield f"the head does not say: {HOW}"


@rule
def cells(book: Lesson) -> Problems:
    """The cells of each exercise stand together, in order, between the setup and the one on handing in."""
    expected = [HEAD, SETUP]
    for task in tasks_of(book):
        given = [f"{task.name}{GIVEN}"] if task.given is not None else []
        expected += [f"{task.name}{TASK}", *given, task.name, f"{task.name}{CHECK}"]
    found = [cell.get("id") for cell in book.cells]
    if found != [*expected, HAND_IN]:
        yield f"the cells are {', '.join(map(str, found))}; expected are {', '.join([*expected, HAND_IN])}"
        return
    for cell in book.cells:
        is_text = cell.id in (HEAD, HAND_IN) or cell.id.endswith(TASK)
        if (cell.cell_type == "markdown") != is_text:
            yield f"{cell.id} is a {cell.cell_type} cell"
    if one_line(book.cells[-1].source) != HANDING_IN:
        yield f"{HAND_IN} is not: {HANDING_IN}"


@rule
def exercises(book: Lesson) -> Problems:
    """The exercises are those of the lesson's checks, with the same points."""
    name = lesson_name(book.path)
    known = exercises_of(name) if name in lessons() else {}
    tasks = tasks_of(book)
    if list(known) != [task.name for task in tasks] or len(tasks) < FEWEST:
        yield (
            f"the exercises are {', '.join(task.name for task in tasks)}; sdkit/exercises/checks/{name}.py has "
            f"{', '.join(known)}; {FEWEST} are expected at least"
        )
    for number, task in enumerate(tasks, 1):
        lines = lines_of(task.task)
        heading = HEADING.match(lines[0])
        if not heading or int(heading[1]) != number:
            yield f"the task of {task.name} does not begin as in '## {number} · Make: an owl'"
        worth = WORTH.fullmatch(lines[1]) if len(lines) > 1 else None
        if not worth:
            yield f"the second line of the task of {task.name} is not as in '*easy · 1 point*'"
        elif task.name in known and int(worth[1]) != known[task.name].points:
            yield f"the task of {task.name} says {worth[1]} points, its check {known[task.name].points}"


@rule
def answer_and_check(book: Lesson) -> Problems:
    """The cell for the answer begins with the exercise's name, and the cell below checks a name that it sets."""
    name = lesson_name(book.path)
    for task in tasks_of(book):
        if task.answer is None or task.check is None:
            continue  # told by `cells`
        if task.answer.source.splitlines()[:1] != [f"# {task.name}"]:
            yield f"{task.name} does not begin with '# {task.name}'"
        check = re.fullmatch(rf'sd\.check_answer\("{name}", "{task.name}", (\w+)\)', task.check.source)
        if not check:
            yield f'{task.name}{CHECK} is not as in: sd.check_answer("{name}", "{task.name}", picture)'
        elif check[1] not in names_set(task.answer.source):
            yield f"{task.name} does not set {check[1]}, which {task.name}{CHECK} checks"


@rule
def answers(book: Lesson) -> Problems:
    """There is a file with answers, of these exercises only."""
    path = ANSWERS / f"{book.path.stem}.py"
    if not path.exists():
        yield f"there is no course/answers/{path.name}"
        return
    try:
        found = {answer.exercise for answer in answers_of(path)}
    except ValueError as error:
        yield str(error)
        return
    names = {task.name for task in tasks_of(book)}
    for name in sorted(found ^ names):
        yield f"course/answers/{path.name} {'answers' if name in found else 'lacks'} {name}"


def names_set(source: str) -> set[str]:
    """Return the names that code sets, functions among them, at its outermost level."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
    return found


def one_line(text: str) -> str:
    """Return a text with each run of blanks and line ends as one blank."""
    return " ".join(text.split())


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong with the notebooks and return 1 if something is."""
    parser = argparse.ArgumentParser(prog="python -m tools.exercise_form", description="Check the exercise notebooks.")
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all English exercises if none is given")
    found = 0
    for path in parser.parse_args(arguments).files or notebooks():
        for problem in problems(path):
            found += 1
            print(f"{path.name}: {problem}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
