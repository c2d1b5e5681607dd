"""A teacher's second look at a hand-in: answers are checked again, and pictures made again from their records."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdkit.exercises.course import exercise_named
from sdkit.exercises.handed_in import Answered, HandedIn
from sdkit.exercises.looks import is_same
from sdkit.exercises.messages import say
from sdkit.exercises.own import own_pipe
from sdkit.exercises.portable import unpack
from sdkit.record.picture_file import read_picture
from sdkit.record.png import CHUNK, read_settings, rebuild

# A record may ask for a thousand steps of a giant picture; no exercise needs more than these.
MOST_STEPS, MOST_PIXELS = 100, 512**2
AGAIN, CLAIMED, NOT = "checked again", "as claimed", "not counted"


@dataclass(frozen=True)
class Verified:
    """What a second look found: `points` of `worth`, those that the file `claimed`, how they came about, and why.

    `how` is "checked again"; "as claimed" for functions, which are code of somebody else and are not run here; or "not
    counted" for a picture that is not what its record makes, and what cannot be read. `code` is the answer's cell.
    """

    name: str
    lesson: str
    exercise: str
    points: int
    worth: int
    claimed: int
    how: str
    note: str = ""
    code: str = ""


def verified(handed_in: HandedIn) -> list[Verified]:
    """Return what a second look at each exercise of a hand-in finds."""
    return [_verified(handed_in, answered) for answered in handed_in.exercises]


def _verified(handed_in: HandedIn, answered: Answered) -> Verified:
    def result(points: int, worth: int, how: str, note: str = "") -> Verified:
        return Verified(
            handed_in.name, answered.lesson, answered.exercise, points, worth, answered.points, how, note[:300],
            answered.source,
        )  # fmt: skip

    try:
        exercise = exercise_named(answered.lesson, answered.exercise)
    except ValueError as error:
        return result(0, 0, NOT, str(error))
    if answered.answer is None:
        points = min(answered.points, exercise.points)
        notes = [say("The answer is code, which is not run here: read it.")]
        if answered.points > points:
            notes.append(
                say("The file claims {claimed}, and there are {worth}.", claimed=answered.points, worth=exercise.points)
            )
        return result(points, exercise.points, CLAIMED, " ".join(notes))
    notes = []
    try:
        answer = unpack(answered.answer, lambda number: _picture(handed_in.pictures, number, notes))
        findings = exercise.findings(answer)
    except ValueError as error:  # `_picture` and `unpack` say what is wrong
        return result(0, exercise.points, NOT, str(error))
    except Exception as error:  # values that nobody thought of, from a file that somebody wrote
        text = f"{type(error).__name__}: {error}"
        return result(0, exercise.points, NOT, say("The check cannot look at this answer: {error}", error=text))
    passed = bool(findings) and all(finding.passed for finding in findings)
    points = exercise.points if passed else 0
    if points != answered.points:
        notes.append(say("The file claims {claimed}.", claimed=answered.points))
    return result(points, exercise.points, AGAIN, " ".join(notes))


def _picture(pictures: dict[int, bytes], number: int, notes: list[str]) -> Any:
    """Return a picture of a hand-in, or the shot that its record makes, which must look the same.

    Raises ValueError for a picture that is none or is not what its record makes.
    """
    if number not in pictures:
        raise ValueError(f"picture {number} is not in the file.")
    picture = read_picture(io.BytesIO(pictures[number]), "PNG", MOST_PIXELS)
    if CHUNK not in picture.info:
        notes.append(say("A picture without a record: it was looked at, not made again."))
        return picture
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"picture_{number}.png")
        path.write_bytes(pictures[number])
        steps = read_settings(path)["settings"].get("num_inference_steps")
        if isinstance(steps, int) and steps > MOST_STEPS:
            raise ValueError(f"picture {number} says {steps} steps; at most {MOST_STEPS} are made again.")
        made = rebuild(path, own_pipe()).shot
    if not is_same(picture, made):
        raise ValueError(say("Tampered: picture {number} is not what its record makes.", number=number))
    return made
