"""The list of myths leads to the cells that disprove them."""

import re
from urllib.parse import unquote

import pytest

from tools.lesson import LESSONS, Lesson, anchor, headings_of, is_prose

MYTHS = 12  # at least
ROW = re.compile(r"^\| (\d+) \| .* \| \[(\d+), `([\w-]+)`\]\((\d\d_\w+\.ipynb)#(\S+)\) \|$", re.MULTILINE)
ROWS = [
    row for path in LESSONS.glob("26_*.ipynb") for cell in Lesson.read(path).cells for row in ROW.findall(cell.source)
]


def test_every_myth_has_its_row():
    assert len(ROWS) >= MYTHS
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize(("number", "lesson", "name", "file", "place"), ROWS, ids=[row[0] for row in ROWS])
def test_a_link_leads_to_the_section_of_a_cell_that_asserts(number, lesson, name, file, place):
    assert int(file[:2]) == int(lesson)
    heading, asserts = "", None
    for cell in Lesson.read(LESSONS / file).cells:
        if is_prose(cell):
            heading = [heading, *headings_of(cell.source)][-1]
        if cell.get("id") == name:
            asserts = "assert" in cell.source
            break
    assert asserts, f"{file} has no cell {name} that asserts something"
    assert unquote(place) == anchor(heading)
