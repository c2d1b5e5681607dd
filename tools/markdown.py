"""Tables of generated Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence, rows: Iterable[Sequence]) -> str:
    """Return a Markdown table with the names of its columns and a line for each row; cells are written with `str`."""
    lines = [_line(columns), "|-" * len(columns) + "|", *map(_line, rows)]
    return "\n".join(lines)


def _line(cells):
    return f"| {' | '.join(map(str, cells))} |"
