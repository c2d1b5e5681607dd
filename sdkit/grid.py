"""Labelled comparison grids that never lose a picture."""

from __future__ import annotations

import io
from functools import cache
from math import ceil

from sdkit.shots import Shot, Shots

INCH = 1.25  # side of one picture in the drawn grid
DPI = 96


def draw_grid(shots, *, columns: int | None = None, labels=None):
    """Draw pictures in rows and columns, each with its label, and return the closed figure.

    `shots` are `Shots` of a sweep (two axes give a table with row and column heads), any list of
    shots, or a list of PIL pictures with `labels`. `columns` defaults to the last axis' length, or
    to at most 6. Every picture is drawn; left-over corners stay blank.

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
        columns = min(len(shots), 6)
    if columns < 1:
        raise ValueError(f"columns is {columns}; give 1 or more.")
    rows = ceil(len(shots) / columns)
    if labels is None:
        labels = _table_labels(shots, axes, columns) if table else [_label(shot) for shot in shots]
    size = (columns * INCH + (1.1 if table else 0.1), rows * (INCH + 0.28) + 0.05)
    figure = _grid_class()(figsize=size, dpi=DPI, layout="constrained")
    figure.describe(f"<Grid of {rows} x {columns}, {len(shots)} pictures: {_varied(axes)}>")
    places = figure.subplots(rows, columns, squeeze=False)
    for place in places.flat:
        place.set_axis_off()
    for place, shot, label in zip(places.flat, shots, labels):
        place.imshow(shot.image if isinstance(shot, Shot) else shot, interpolation="nearest")
        place.set_title(label, fontsize=8)
    if table:
        name, values = next(iter(axes.items()))
        for place, value in zip(places[:, 0], values):
            head = f"{name}\n= {_short(value)}"
            place.text(-0.08, 0.5, head, transform=place.transAxes, ha="right", va="center", fontsize=8)
    return figure


def _cells(axes):
    count = 1
    for values in axes.values():
        count *= len(values)
    return count


def _table_labels(shots, axes, columns):
    name = list(axes)[1]
    heads = [f"{name}\n= {_short(value)}" for value in axes[name]]
    return heads + [""] * (len(shots) - columns)


def _label(shot):
    if not isinstance(shot, Shot):
        return ""
    if not shot.label:
        return f"seed = {shot.settings.get('seed')}"
    return "\n".join(f"{name}\n= {_short(value)}" for name, value in shot.label.items())


def _short(value, limit=22):
    if hasattr(value, "shape"):
        return f"tensor {tuple(value.shape)}"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if len(text) <= limit:
        return text
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > limit:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


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

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    return Grid

