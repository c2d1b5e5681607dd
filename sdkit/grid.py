"""Labelled comparison grids that never lose a picture."""

from __future__ import annotations

import io
from functools import cache
from math import ceil
from textwrap import wrap

from sdkit.shots import Shot, Shots

INCH = 1.3  # side of one picture in the drawn grid
DPI = 96
LETTERS = 20  # of a label that fit the width of a picture


def draw_grid(shots, *, columns: int | None = None, labels=None):
    """Draw pictures in rows and columns, each with its label, and return the closed figure.

    `shots` are `Shots` of a sweep (two axes give a table with row and column heads), any list of
    shots, or a list of PIL pictures with `labels`. `columns` defaults to the last axis' length, or
    to 8 at most. Every picture is drawn; left-over corners stay blank.

    Raises ValueError for an empty list or labels of another length.
    """
    shots = list(shots) if not isinstance(shots, Shots) else shots
    if not shots:
        raise ValueError("there are no pictures to draw; give at least one.")
    axes = getattr(shots, "axes", {})
    if labels is not None and len(labels) != len(shots):
        raise ValueError(f"there are {len(labels)} labels for {len(shots)} pictures; give one each.")
    table = len(axes) == 2 and labels is None and columns is None and len(shots) == _cells(axes)
    if table:
        columns = len(list(axes.values())[1])
    if columns is None:
        columns = len(shots) if len(shots) <= 8 else 6
    if columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more.")
    rows = ceil(len(shots) / columns)
    if labels is None:
        labels = _table_labels(shots, axes, columns) if table else [_label(shot) for shot in shots]
    # In a table only the first row has labels above it; the rows' own stand to the left.
    size = (columns * INCH + 1.1, rows * INCH + 0.4) if table else (columns * INCH + 0.1, rows * (INCH + 0.3))
    figure = _grid_class()(figsize=size, dpi=DPI, layout="constrained")
    figure.describe(f"<Grid of {rows} x {columns}, {len(shots)} pictures: {_varied(axes)}>")
    places = figure.subplots(rows, columns, squeeze=False)
    for place in places.flat:
        place.set_axis_off()
    for place, shot, label in zip(places.flat, shots, labels):
        place.imshow(_in_colour(shot.image if isinstance(shot, Shot) else shot), interpolation="nearest")
        place.set_title(label, fontsize=7)
    if table:
        name, values = next(iter(axes.items()))
        for place, value in zip(places[:, 0], values):
            place.text(-0.08, 0.5, _said(name, value), transform=place.transAxes, ha="right", va="center", fontsize=7)
    return figure


def _in_colour(picture):
    """Return a PIL picture in RGB; matplotlib would paint a grey one, such as a mask, in false colours."""
    return picture.convert("RGB") if hasattr(picture, "convert") else picture


def _cells(axes):
    count = 1
    for values in axes.values():
        count *= len(values)
    return count


def _table_labels(shots, axes, columns):
    name = list(axes)[1]
    return [_said(name, value) for value in axes[name]] + [""] * (len(shots) - columns)


def _label(shot):
    if not isinstance(shot, Shot):
        return ""
    label = shot.label or {"seed": shot.settings.get("seed")}
    return "\n".join(_said(name, value) for name, value in label.items())


def _said(name, value):
    """Write "name = value", wrapped to a picture's width; a text stands for itself."""
    if isinstance(value, str) and value:
        return "\n".join(wrap(value, LETTERS, break_long_words=False))
    if hasattr(value, "shape"):
        value = f"tensor {tuple(value.shape)}"
    elif isinstance(value, float):
        value = f"{value:g}"
    return f"{name}\n= {value!r}" if value == "" else f"{name}\n= {value}"


def _varied(axes):
    if not axes:
        return "one call"
    return ", ".join(f"{name} in {len(values)} values" for name, values in axes.items())


@cache
def _grid_class():
    """Return the figure class; matplotlib is imported only when a grid is drawn."""
    from matplotlib.figure import Figure

    class Grid(Figure):
        """A figure that shows itself in a notebook without pyplot, so no global state is touched."""

        _description = "<Grid>"

        def describe(self, text):
            """Set the text that stands for this grid where pictures cannot be shown."""
            self._description = text

        def __repr__(self):
            return self._description

        __str__ = __repr__

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    return Grid

