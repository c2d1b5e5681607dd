"""The minutes of a lesson: what is read, run, looked at and done up to `deeper`."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.lesson import Lesson
from tools.minutes import minutes

PICTURE = new_output("display_data", {"image/png": "A"})


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (new_markdown_cell("word " * 130 + "<!-- none -->", id="a"), 1),
        (new_markdown_cell("<details><summary>word</summary>" + "word " * 129 + "</details>", id="a"), 1),
        (new_code_cell("x = 0\n\n" * 20, id="a"), 1),
        (new_code_cell("", id="a", outputs=[PICTURE]), 1 / 3),
        (new_code_cell("explore(f)", id="a", outputs=[PICTURE]), 1 + 1 / 20),
        (new_markdown_cell("1. a\n2. b", id="yours"), 2 + 4 / 130),
        (new_markdown_cell("1. a\n2. b", id="a"), 4 / 130),
    ],
)
def test_minutes_of_a_cell(cell, expected):
    after = [new_markdown_cell("## Deeper", id="deeper"), new_markdown_cell("word " * 130, id="b")]
    assert minutes(Lesson(None, new_notebook(cells=[cell, *after]))) == pytest.approx(expected)
