"""Labelled comparison grids that never lose a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from typing import Any

from sdkit.errors import plain_errors
from sdkit.shot import Shot, ShotList, SkippedCell, in_words, listed, matching
from sdkit.show.drawing import Drawing, Section, lay_out
from sdkit.zoom import zoom

# Of pictures that are no table: the first if they fit in one row, else the second. Fewer where they are enlarged.
USUAL_COLUMNS, ROWS_COLUMNS = 8, 6
ALT_VALUES = 12  # values of an axis that the text for a grid names


@plain_errors
def draw_grid(shots: Sequence | Shot, *, columns: int | None = None, labels: Sequence[str] | None = None) -> Drawing:
    """Draw pictures in rows and columns, each with its label, and return the drawing.

    `shots` are `Shots` of a sweep, any list of shots, a list of PIL pictures with `labels`, or one of these alone.
    Two axes give a table with row and column heads; three give one such table for each value of
    the first, below each other. Cells that an interrupted sweep lacks stay blank; one that was
    skipped because it is impossible says why. `columns`
    defaults to the last axis' length, or to 8 at most, fewer where `sdkit.zoom` enlarges them. Every picture is
    drawn, all at the same scale; left-over corners stay blank. The drawing shows itself in a notebook; `save` writes
    it as PNG.

    Raises ValueError for an empty list or labels of another length, TypeError for what is no picture.
    """
    shots = listed("shots", shots) if not isinstance(shots, ShotList) else shots
    if not shots:
        raise ValueError("there are no pictures to draw; give at least one.")
    if labels is not None and len(labels) != len(shots):
        raise ValueError(f"there are {len(labels)} labels for {len(shots)} pictures; give one each.")
    labels = labels and [str(label) for label in labels]
    if columns is not None and columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more.")
    axes = shots.axes if isinstance(shots, ShotList) else {}
    if isinstance(shots, ShotList) and len(axes) > 1 and labels is None and columns is None and is_table(shots):
        return _draw_tables(shots)
    cells: list = list(shots)
    if isinstance(shots, ShotList) and shots.skipped and labels is None and is_table(shots):
        cells = [cell for page in arrange(shots) for row in page for cell in row if cell is not None]
    return _draw_rows(cells, len(shots), axes, columns, labels)


def is_table(shots: ShotList) -> bool:
    """Say whether every shot has its cell: all are there, or each is labelled with the axes."""
    whole = len(shots) == prod(map(len, shots.axes.values()))
    return bool(shots.axes) and (whole or all(set(shot.label) >= set(shots.axes) for shot in shots))


Place = Shot | SkippedCell | None  # what a table has in a cell; None where an interrupted sweep lacks it


def arrange(shots: ShotList) -> list[list[list[Place]]]:
    """Return the shots of one to three axes as pages of rows of cells; see `is_table`."""
    names, lengths = list(shots.axes), [len(values) for values in shots.axes.values()]
    cells: list[Place]
    if len(shots) == prod(lengths):
        cells = list(shots)
    else:
        labels = [dict(zip(names, values)) for values in product(*shots.axes.values())]
        known: list[Shot | SkippedCell] = [*shots, *shots.skipped]
        cells = [next(iter(matching(known, label)), None) for label in labels]
    pages, rows, columns = [1] * (3 - len(lengths)) + lengths
    in_rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return [in_rows[start : start + rows] for start in range(0, pages * rows, rows)]


def _draw_tables(shots: ShotList) -> Drawing:
    """Draw rows and columns with heads, once for each value of a third axis."""
    *page_axis, (row_name, row_values), (column_name, column_values) = shots.axes.items()
    titles = [f"{name} = {in_words(value)}" for name, values in page_axis for value in values]
    sections = [
        Section(
            [[_content(cell) for cell in row] for row in page],
            title=title,
            column_name=column_name,
            column_heads=[in_words(value) for value in column_values],
            row_name=row_name,
            row_heads=[in_words(value) for value in row_values],
        )
        for title, page in zip(titles or [""], arrange(shots))
    ]
    times = f"{len(sections)} times " if titles else ""
    size = f"{times}{len(row_values)} x {len(column_values)}"
    return lay_out(sections, _name(size, len(shots), shots.axes), alt_of(shots))


def _draw_rows(cells: list, count: int, axes: dict[str, list], columns: int | None, labels) -> Drawing:
    """Draw pictures one after another, each with its label above; what all labels name is said once."""
    if columns is None:
        in_a_row, in_rows = (max(1, int(number / zoom())) for number in (USUAL_COLUMNS, ROWS_COLUMNS))
        columns = len(cells) if len(cells) <= in_a_row else in_rows
    name, varied = "", {"": labels} if labels else axes
    if labels is None:
        values = [_label(cell) for cell in cells]
        names = {tuple(label) for label in values}
        if len(names) == 1 and len(values[0]) == 1:
            (name,) = values[0]
            labels = [in_words(label[name]) for label in values]
            varied = axes or {name: labels}
        else:
            labels = ["\n".join(f"{name} = {in_words(value)}" for name, value in label.items()) for label in values]
            varied = axes or {"": labels}
    rows = [range(start, min(start + columns, len(cells))) for start in range(0, len(cells), columns)]
    section = Section(
        [[_content(cells[number]) for number in row] for row in rows],
        column_name=name,
        labels=[[labels[number] for number in row] for row in rows] if any(labels) else [],
    )
    size = f"{ceil(len(cells) / columns)} x {columns}"
    return lay_out([section], _name(size, count, axes), _alt(count, varied))


def _content(cell) -> Any:
    """Return what stands in a cell: a picture, the reason of one that was skipped, None for a missing one."""
    if isinstance(cell, SkippedCell):
        return cell.reason
    return cell.image if isinstance(cell, Shot) else cell


def _label(cell) -> dict[str, Any]:
    """Return what a cell is called: its place in the sweep, else its seed; nothing for a picture alone."""
    if not isinstance(cell, (Shot, SkippedCell)):
        return {}
    return cell.label if isinstance(cell, SkippedCell) or cell.label else {"seed": cell.settings.get("seed")}


def _name(size: str, count: int, axes: dict[str, list]) -> str:
    """Return the name of a grid as lessons store it beside the picture."""
    varied = ", ".join(f"{name} in {len(values)} values" for name, values in axes.items()) or "one call"
    return f"<Grid of {size}, {_pictures(count)}: {varied}>"


def _pictures(count: int) -> str:
    return f"{count} picture{'s' * (count != 1)}"


def alt_of(shots: ShotList) -> str:
    """Return the text that stands for the pictures of a sweep where they cannot be seen: how many, and what varies."""
    return _alt(len(shots), shots.axes)


def _alt(count: int, varied: dict[str, list]) -> str:
    """Return the text for so many pictures; `varied` has labels that stand for themselves under an empty name."""
    said = [_some(name, values if name == "" else list(map(in_words, values))) for name, values in varied.items()]
    return ": ".join(filter(None, [_pictures(count), "; ".join(filter(None, said))]))


def _some(name: str, values: Sequence[str]) -> str:
    """Name values once each, the first of many; "" for none."""
    known = [value for value in dict.fromkeys(" ".join(value.split()) for value in values) if value]
    more = f", ... ({len(known)} in all)" if len(known) > ALT_VALUES else ""
    between = " | " if any("," in value for value in known) else ", "
    listed = between.join(known[:ALT_VALUES]) + more
    return f"{name} = {listed}" if name and listed else listed
