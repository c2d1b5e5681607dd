"""Text tables: columns line up, and no line ends in spaces."""

import pytest

from sdkit.text_table import text_table


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([("a", "b"), ("longer", "c")], ["a       b", "longer  c"]),
        ([("a", "", "c"), ("", "bb", "")], ["a      c", "   bb"]),
        ([("name", "value"), ("noise",), ("a", "b", "c")], ["name   value", "noise", "a      b      c"]),
        ((cell for cell in [["only"]]), ["only"]),
        ([], [""]),
        ([("",), ("a",)], ["", "a"]),
    ],
)
def test_columns_line_up(rows, lines):
    assert text_table(rows) == "\n".join(lines)
