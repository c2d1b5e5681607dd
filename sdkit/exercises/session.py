"""What was checked in this process, for the hand-in: the last answer to each exercise and what was found."""

from __future__ import annotations

from typing import Any, NamedTuple

from sdkit.exercises.checked import Checked


class Entry(NamedTuple):
    """The last answer to an exercise, and what was found."""

    checked: Checked
    answer: Any


_entries: dict[tuple[str, str], Entry] = {}


def remember(checked: Checked, answer: Any) -> None:
    """Keep the last answer to an exercise; one that is not answered takes nothing away."""
    if checked.answered:
        _entries[checked.lesson, checked.exercise] = Entry(checked, answer)


def entries() -> list[Entry]:
    """Return the last answer to each exercise that was answered."""
    return list(_entries.values())


def forget() -> None:
    """Forget all answers."""
    _entries.clear()
