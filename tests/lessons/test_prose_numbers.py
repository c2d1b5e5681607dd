"""Numbers are found in prose, and held against the outputs that they come from."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import prose_numbers
from tools.lesson import Lesson


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It took 12 steps, 0.5 seconds and 1,500 tries: -3 is 4.", "12 0.5 1,500 3 4"),
        ("A share of 25% (25 of 100), 512 x 512 or 64×64.", "25 25 100 512 512 64 64"),
        ("`num=12`, $x_{12}$, [lesson 12](12_eta.ipynb), https://a.b/12, <img width=12> and <!-- 12 -->", ""),
        ("```python\nx = 12\n```\nand float16, fp16 and v1.5", ""),
        ("# 12 · eta\n\n12 minutes.\n\n1. One\n\n10. Ten", ""),
        ("As in lesson 12, and lessons 13, 14 and 15.", ""),
        ("<!-- colab -->\nUpload 12\n<!-- /colab -->", ""),
        ("| seed | 12 |\n| 13 | <details><summary>14</summary>15</details>", "12 13 14 15"),
    ],
)
def test_numbers_of_prose(text, numbers):
    assert prose_numbers.numbers_in(text) == numbers.split()


@pytest.mark.parametrize(
    ("exact", "number", "same"),
    [
        (26.53, "26.5", True), (26.53, "27", True), (26.53, "26", False), (26.53, "26.53", True),
        (26.56, "26.5", False), (1500, "1,500", True), (0.25, "0.3", True), (0.25, "0.2", True), (148, "150", False),
    ],
)  # fmt: skip
def test_rounding_to_the_decimals_written(exact, number, same):
    assert prose_numbers.rounds_to(exact, number) == same


TABLE = {"text/html": "<style>td {width: 99px}</style><table><tr><td>26.53</td></tr></table>", "text/plain": "<Table>"}


@pytest.mark.parametrize(
    "output",
    [
        new_output("stream", name="stdout", text="steps 12\nmean: 26.53\n"),
        new_output("execute_result", {"text/plain": "[12, -26.53]"}),
        new_output("display_data", TABLE),
    ],
    ids=["printed", "result", "table"],
)
def test_a_marked_number_stands_in_the_output_of_its_cell(output):
    def found(number):
        says = {"lesson": {"numbers": {"measure": [number]}}}
        cells = [new_code_cell("1", id="measure", outputs=[output])]
        cells.append(new_markdown_cell(f"The mean is {number}.", id="after", metadata=says))
        return list(prose_numbers.wrong(Lesson(None, new_notebook(cells=cells))))

    assert found("26.5") == []
    assert found("99") == ["after says 99, but the output of measure does not"]
