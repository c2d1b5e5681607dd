"""Labelled comparison grids that never lose a picture."""

from __future__ import annotations

from itertools import product
from math import ceil, prod
from textwrap import wrap

from sdkit.shot import Shot, ShotList, in_words, matching
from sdkit.show.figure import new_figure

INCH = 1.3  # side of one picture in the drawn grid
LETTERS = 20  # of a label that fit the width of a picture


def draw_grid(shots, *, columns: int | None = None, labels=None):
    """Draw pictures in rows and columns, each with its label, and return the closed figure.

    `shots` are `Shots` of a sweep, any list of shots, or a list of PIL pictures with `labels`.
    Two axes give a table with row and column heads; three give one such table for each value of
    the first, below each other. Cells that an interrupted sweep lacks stay blank. `columns`
    defaults to the last axis' length, or to 8 at most. Every picture is drawn; left-over corners
    stay blank.

    Raises ValueError for an empty list or labels of another length.
    """
    shots = list(shots) if not isinstance(shots, ShotList) else shots
    if not shots:
        raise ValueError("there are no pictures to draw; give at least one.")
    axes = getattr(shots, "axes", {})
    if labels is not None and len(labels) != len(shots):
        raise ValueError(f"there are {len(labels)} labels for {len(shots)} pictures; give one each.")
    if len(axes) > 1 and labels is None and columns is None and is_table(shots):
        return _draw_tables(shots)
    if columns is None:
        columns = len(shots) if len(shots) <= 8 else 6
    if columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more.")
    rows = ceil(len(shots) / columns)
    size = columns * INCH + 0.1, rows * (INCH * _tallness(shots) + 0.3)
    figure = new_figure(size, f"<Grid of {rows} x {columns}, {len(shots)} pictures: {_varied(axes)}>")
    if labels is None:
        labels = [_label(shot) for shot in shots]
    for place, shot, label in zip(_places(figure, rows, columns).flat, shots, labels):
        _draw(place, shot, label)
    return figure


def is_table(shots: ShotList) -> bool:
    """Say whether every shot has its cell: all are there, or each is labelled with the axes."""
    whole = len(shots) == prod(map(len, shots.axes.values()))
    return bool(shots.axes) and (whole or all(set(shot.label) >= set(shots.axes) for shot in shots))


def arrange(shots: ShotList) -> list[list[list[Shot | None]]]:
    """Return a sweep's shots as pages of rows of cells, None where one is missing; see `is_table`."""
    names, lengths = list(shots.axes), [len(values) for values in shots.axes.values()]
    if len(shots) == prod(lengths):
        cells = list(shots)
    else:
        wanted = [dict(zip(names, values)) for values in product(*shots.axes.values())]
        cells = [next(iter(matching(shots, one)), None) for one in wanted]
    pages, rows, columns = [1] * (3 - len(lengths)) + lengths
    in_rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return [in_rows[start : start + rows] for start in range(0, pages * rows, rows)]


def _draw_tables(shots):
    """Draw rows and columns with heads, once for each value of a third axis."""
    pages, heads = arrange(shots), list(shots.axes.items())
    (row_name, row_values), (column_name, column_values) = heads[-2:]
    rows, columns = len(row_values), len(column_values)
    paged = len(heads) == 3
    # Only the first row has labels above it; the rows' own stand to the left.
    height = rows * INCH * _tallness(shots) + (0.75 if paged else 0.4)
    size = columns * INCH + 1.1, len(pages) * height
    said_pages = f"{len(pages)} times " if paged else ""
    said_figure = f"<Grid of {said_pages}{rows} x {columns}, {len(shots)} pictures: {_varied(shots.axes)}>"
    figure = new_figure(size, said_figure)
    parts = figure.subfigures(len(pages), 1, squeeze=False).flat if paged else [figure]
    for number, (part, page) in enumerate(zip(parts, pages)):
        if paged:
            name, values = heads[0]
            part.suptitle(_said(name, values[number]).replace("\n", " "), fontsize=9, fontweight="bold")
        places = _places(part, rows, columns)
        for place, value in zip(places[0], column_values):
            place.set_title(_said(column_name, value), fontsize=7)
        for place, value in zip(places[:, 0], row_values):
            head = _said(row_name, value)
            place.text(-0.08, 0.5, head, transform=place.transAxes, ha="right", va="center", fontsize=7)
        for place, shot in zip(places.flat, (shot for row in page for shot in row)):
            if shot is not None:
                _draw(place, shot)
    return figure


def _tallness(shots):
    """Return the height of the tallest picture by its width; pictures are drawn with equal widths."""
    sizes = [getattr(getattr(shot, "image", shot), "size", None) for shot in shots]
    sides = [size for size in sizes if isinstance(size, tuple)]
    return max((height / width for width, height in sides), default=1.0)


def _places(figure, rows, columns):
    places = figure.subplots(rows, columns, squeeze=False)
    for place in places.flat:
        place.set_axis_off()
    return places


def _draw(place, shot, label=None):
    place.imshow(_in_colour(shot.image if isinstance(shot, Shot) else shot), interpolation="nearest")
    if label is not None:
        place.set_title(label, fontsize=7)


def _in_colour(picture):
    """Return a PIL picture in RGB; matplotlib would paint a grey one, such as a mask, in false colours."""
    return picture.convert("RGB") if hasattr(picture, "convert") else picture


def _label(shot):
    if not isinstance(shot, Shot):
        return ""
    label = shot.label or {"seed": shot.settings.get("seed")}
    return "\n".join(_said(name, value) for name, value in label.items())


def _said(name, value):
    """Write "name = value", wrapped to a picture's width; a text stands for itself."""
    if isinstance(value, str) and value:
        return "\n".join(wrap(value, LETTERS, break_long_words=False))
    return f"{name}\n= {in_words(value)}"


def _varied(axes):
    if not axes:
        return "one call"
    return ", ".join(f"{name} in {len(values)} values" for name, values in axes.items())
