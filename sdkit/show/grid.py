"""Labelled comparison grids that never lose a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, prod
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from sdkit.shot import Shot, ShotList, SkippedCell, in_words, matching
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from numpy import ndarray

    from sdkit.show.figure import ShownFigure

PICTURE_INCHES = 1.3  # width of one picture in the drawn grid
LABEL_LETTERS = 20  # of a label that fit the width of a picture
LABEL_LINES = 8  # of a label at most; the rest is cut
MAX_SUBPLOTS = 100  # matplotlib's layout takes seconds beyond; larger tables are one picture with heads
GAP = 4  # pixels between the pictures of a large table


def draw_grid(shots: Sequence, *, columns: int | None = None, labels: Sequence[str] | None = None) -> ShownFigure:
    """Draw pictures in rows and columns, each with its label, and return the closed figure.

    `shots` are `Shots` of a sweep, any list of shots, or a list of PIL pictures with `labels`.
    Two axes give a table with row and column heads; three give one such table for each value of
    the first, below each other. Cells that an interrupted sweep lacks stay blank; one that was
    skipped because it is impossible says why. `columns`
    defaults to the last axis' length, or to 8 at most. Every picture is drawn; left-over corners
    stay blank.

    Raises ValueError for an empty list or labels of another length.
    """
    shots = list(shots) if not isinstance(shots, ShotList) else shots
    if not shots:
        raise ValueError("there are no pictures to draw; give at least one.")
    if labels is not None and len(labels) != len(shots):
        raise ValueError(f"there are {len(labels)} labels for {len(shots)} pictures; give one each.")
    axes = shots.axes if isinstance(shots, ShotList) else {}
    if isinstance(shots, ShotList) and len(axes) > 1 and labels is None and columns is None and is_table(shots):
        return _draw_tables(shots)
    cells: list = list(shots)
    if isinstance(shots, ShotList) and shots.skipped and labels is None and is_table(shots):
        cells = [cell for page in arrange(shots) for row in page for cell in row if cell is not None]
    if columns is None:
        columns = len(cells) if len(cells) <= 8 else 6
    if columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more.")
    rows = ceil(len(cells) / columns)
    size = columns * PICTURE_INCHES + 0.1, rows * (PICTURE_INCHES * _tallness(shots) + 0.3)
    figure = new_figure(size, f"<Grid of {rows} x {columns}, {len(shots)} pictures: {_varied(axes)}>")
    if labels is None:
        labels = [_label(cell) for cell in cells]
    for subplot, cell, label in zip(_subplots(figure, rows, columns).flat, cells, labels):
        _draw(subplot, cell)
        subplot.set_title(label, fontsize=7)
    return figure


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


def _draw_tables(shots: ShotList) -> ShownFigure:
    """Draw rows and columns with heads, once for each value of a third axis."""
    *page_axis, (row_name, row_values), (column_name, column_values) = shots.axes.items()
    titles = [_wrapped(name, value).replace("\n", " ") for name, values in page_axis for value in values]
    row_heads = [_wrapped(row_name, value) for value in row_values]
    column_heads = [_wrapped(column_name, value) for value in column_values]
    pages, rows, columns = arrange(shots), len(row_heads), len(column_heads)
    # Only the first row has labels above it; the rows' own stand to the left.
    height = rows * PICTURE_INCHES * _tallness(shots) + (0.75 if titles else 0.4)
    size = columns * PICTURE_INCHES + 1.1, len(pages) * height
    times = f"{len(pages)} times " if titles else ""
    figure = new_figure(size, f"<Grid of {times}{rows} x {columns}, {len(shots)} pictures: {_varied(shots.axes)}>")
    if not titles:
        _draw_table(figure, pages[0], row_heads, column_heads)
        return figure
    for part, page, title in zip(figure.subfigures(len(pages), 1, squeeze=False).flat, pages, titles):
        part.suptitle(title, fontsize=9, fontweight="bold")
        _draw_table(part, page, row_heads, column_heads)
    return figure


def _draw_table(part, page: list[list[Place]], row_heads: list[str], column_heads: list[str]) -> None:
    """Draw rows of pictures on a figure or subfigure, with heads above and to the left."""
    if len(row_heads) * len(column_heads) > MAX_SUBPLOTS:
        _draw_large_table(part, page, row_heads, column_heads)
        return
    subplots = _subplots(part, len(row_heads), len(column_heads))
    for subplot, head in zip(subplots[0], column_heads):
        subplot.set_title(head, fontsize=7)
    for subplot, head in zip(subplots[:, 0], row_heads):
        subplot.text(-0.08, 0.5, head, transform=subplot.transAxes, ha="right", va="center", fontsize=7)
    for subplot, cell in zip(subplots.flat, (cell for row in page for cell in row)):
        _draw(subplot, cell)


def _draw_large_table(part, page: list[list[Place]], row_heads: list[str], column_heads: list[str]) -> None:
    """Draw rows of pictures as a single picture, with heads above and to the left."""
    from PIL import Image

    pictures = [cell.image.convert("RGB") for row in page for cell in row if isinstance(cell, Shot)]
    width, height = max(picture.width for picture in pictures), max(picture.height for picture in pictures)
    across, down = width + GAP, height + GAP
    table = Image.new("RGB", (len(column_heads) * across, len(row_heads) * down), "white")
    for row, cells in enumerate(page):
        for column, cell in enumerate(cells):
            if isinstance(cell, Shot):
                table.paste(cell.image.convert("RGB"), (column * across, row * down))
    subplot = part.subplots()
    subplot.imshow(table, interpolation="nearest")
    style = {"length": 0, "labelsize": 7}
    subplot.set_xticks([column * across + width / 2 for column in range(len(column_heads))], column_heads)
    subplot.set_yticks([row * down + height / 2 for row in range(len(row_heads))], row_heads)
    subplot.tick_params(top=False, labeltop=True, bottom=False, labelbottom=False, **style)
    subplot.set_frame_on(False)


def _tallness(shots: Sequence) -> float:
    """Return the height of the tallest picture by its width; pictures are drawn with equal widths."""
    sizes = [getattr(getattr(shot, "image", shot), "size", None) for shot in shots]
    sides = [size for size in sizes if isinstance(size, tuple)]
    return max((height / width for width, height in sides), default=1.0)


def _subplots(part, rows: int, columns: int) -> ndarray:
    """Return subplots without axes on a figure or subfigure, shape (rows, columns)."""
    subplots = part.subplots(rows, columns, squeeze=False)
    for subplot in subplots.flat:
        subplot.set_axis_off()
    return subplots


def _draw(subplot, cell) -> None:
    """Draw a shot or a PIL picture; of a skipped cell the reason, of a missing one nothing."""
    if cell is None:
        return
    if isinstance(cell, SkippedCell):
        subplot.text(0.5, 0.5, _filled(cell.reason), ha="center", va="center", fontsize=5, color="0.35")
        return
    picture = cell.image if isinstance(cell, Shot) else cell
    if hasattr(picture, "convert"):  # matplotlib would paint a grey one, such as a mask, in false colours
        picture = picture.convert("RGB")
    subplot.imshow(picture, interpolation="nearest")


def _label(cell) -> str:
    if not isinstance(cell, (Shot, SkippedCell)):
        return ""
    label = cell.label if isinstance(cell, SkippedCell) or cell.label else {"seed": cell.settings.get("seed")}
    return "\n".join(_wrapped(name, value) for name, value in label.items())


def _wrapped(name: str, value: Any) -> str:
    """Write "name = value", wrapped to a picture's width; a text stands for itself."""
    if isinstance(value, str) and value:
        return _filled(value)
    return f"{name}\n= {in_words(value)}"


def _filled(text: str) -> str:
    """Wrap a text to a picture's width, and cut it where it gets too long for a label."""
    wide = sum(
        east_asian_width(letter) in "FW" for letter in text
    )  # such as Japanese ones: each takes more than the place of two
    letters = max(1, int(LABEL_LETTERS * len(text) / (len(text) + 1.2 * wide)))
    return "\n".join(wrap(text, letters, max_lines=LABEL_LINES, placeholder=" …"))


def _varied(axes: dict[str, list]) -> str:
    if not axes:
        return "one call"
    return ", ".join(f"{name} in {len(values)} values" for name, values in axes.items())
