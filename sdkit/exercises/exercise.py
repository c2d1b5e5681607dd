"""One exercise: what it is worth, how an answer to it is checked, and the picture of its puzzle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sdkit.exercises.finding import Finding, Refused


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    `check` takes an answer and yields what it finds (`Finding`), or raises `Refused` for an answer that it cannot look
    at. `puzzle` returns what the reader is to find something out about, None for an exercise without.
    """

    name: str
    points: int
    check: Callable[[Any], Iterable[Finding]]
    puzzle: Callable[[], Any] | None = None

    def findings(self, answer: Any) -> tuple[Finding, ...]:
        """Return what the check finds in an answer; nothing for one that is still open, None or nothing but None.

        Numbers that it draws do not count for the caller's global generator.
        """
        if is_open(answer):
            return ()
        import torch

        found = []
        with torch.random.fork_rng(devices=[]):
            try:
                for finding in self.check(answer):
                    found.append(finding)
            except Refused as refused:
                found.append(refused.finding)
        return tuple(found)


def is_open(answer: Any) -> bool:
    """Say whether an answer is None, or a list or dictionary whose places all hold None."""
    places = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, (list, tuple)) else [answer]
    return bool(places) and all(place is None for place in places)


def exercise(*, points: int, puzzle: Callable[[], Any] | None = None) -> Callable[[Callable], Exercise]:
    """Make an exercise of a check; the function's name is the exercise's.

    @exercise(points=1)
    def owl(answer):
        yield shows(picture_of(answer), "object", "owl")
    """
    return lambda check: Exercise(check.__name__, points, check, puzzle)
