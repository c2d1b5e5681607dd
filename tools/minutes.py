"""How long the core of a lesson takes a class: an estimate that the minutes in its head are held against.

The core's prose, folded answers and exercises too, is read aloud at 130 words a minute. A line of code takes 3
seconds, a picture 20, the panels at its end and each exercise one minute. Starting the kernel is not counted.
"""

import re

from tools.lesson import YOURS, Lesson, is_prose, lines_of, pictures_of, words_of

WORDS_A_MINUTE = 130
LINE, PICTURE, PANEL, EXERCISE = 3 / 60, 20 / 60, 1, 1  # minutes
NUMBERED = re.compile(r"^\d+\. ", re.MULTILINE)


def minutes(lesson: Lesson) -> float:
    """Return how many minutes the cells before `deeper` take."""
    total = 0.0
    for cell in lesson.core:
        if is_prose(cell):
            total += len(words_of(cell.source)) / WORDS_A_MINUTE
            total += EXERCISE * len(NUMBERED.findall(cell.source)) * (cell.get("id") == YOURS)
        else:
            total += LINE * len(lines_of(cell))
            total += PICTURE * bool(pictures_of(cell)) * (cell not in lesson.panels)
    return total + PANEL * any(cell in lesson.panels for cell in lesson.core)
