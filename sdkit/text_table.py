"""Tables of plain text, as a terminal and `repr` show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest


def text_table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of texts as lines: columns left-aligned, two spaces apart, no spaces at a line's end.

    Rows may differ in length; a row with fewer cells ends early. No rows make an empty string.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows)
