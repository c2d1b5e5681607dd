"""Checking an answer, and the pictures of puzzles."""

from __future__ import annotations

from typing import Any

from sdkit.errors import plain_errors
from sdkit.exercises.checked import Checked
from sdkit.exercises.course import exercise_named
from sdkit.exercises.session import remember
from sdkit.language import language


@plain_errors
def check_answer(lesson: str, exercise: str, answer: Any) -> Checked:
    """Check an answer to an exercise, and say what is right, what is missing, and a hint; never the solution.

    `lesson` and `exercise` are names as in the exercise's notebook, such as "guidance_scale" and "green_owl". None
    means: not answered yet. A function is called; what it raises is part of the result. Nothing of yours is changed:
    where the check needs pictures it makes them with a pipeline of its own, of the built-in model. SDKIT_LANGUAGE=ja
    in the environment makes it speak Japanese.

    Raises ValueError if there is no such lesson or exercise.
    """
    found = exercise_named(lesson, exercise)
    language()  # before any work
    checked = Checked(lesson, found.name, found.points, found.findings(answer))
    remember(checked, answer)
    return checked


@plain_errors
def puzzle(lesson: str, exercise: str) -> Any:
    """Return the picture, or the list of pictures, that an exercise asks something about, without its settings.

    The built-in model makes it, the same each time. Raises ValueError if there is no such exercise, or if it has
    no puzzle.
    """
    found = exercise_named(lesson, exercise)
    if found.puzzle is None:
        raise ValueError(f"{found.name} of {lesson} has no puzzle; its task says what it is about.")
    return found.puzzle()
