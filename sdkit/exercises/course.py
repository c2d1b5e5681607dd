"""The exercises of all lessons, found by the lesson's name, which is that of its notebook without the number."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from sdkit.exercises import checks
from sdkit.exercises.exercise import Exercise
from sdkit.parameters import short


def lessons() -> list[str]:
    """Return the names of the lessons that have exercises."""
    return sorted(path.stem for path in Path(checks.__file__).parent.glob("[a-z]*.py"))


def exercises_of(lesson: str) -> dict[str, Exercise]:
    """Return {name: exercise} of a lesson, in order. Raises ValueError if there is no such lesson."""
    if not isinstance(lesson, str) or lesson not in lessons():
        raise ValueError(f"lesson is {short(lesson)}; {_meant(lesson, lessons())}")
    module = import_module(f"{checks.__name__}.{lesson}")
    return {value.name: value for value in vars(module).values() if isinstance(value, Exercise)}


def exercise_named(lesson: str, name: str) -> Exercise:
    """Return one exercise of a lesson. Raises ValueError if there is no such lesson or exercise."""
    found = exercises_of(lesson)
    if not isinstance(name, str) or name not in found:
        raise ValueError(f"exercise is {short(name)}; {_meant(name, list(found))}")
    return found[name]


def _meant(given: object, names: list[str]) -> str:
    close = get_close_matches(given, names, 1) if isinstance(given, str) else []
    return f"did you mean {close[0]!r}?" if close else f"give one of {', '.join(names)}."
