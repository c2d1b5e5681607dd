"""Bars for a few amounts, such as the bytes of files and those in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

WIDTH, ROW, MARGIN = 7.5, 0.3, 0.9  # inches: of the figure, of one bar, above and below all


@plain_errors
def draw_bars(names: Sequence[str], amounts: Mapping[str, Sequence[float]], unit: str = "") -> ShownFigure:
    """Draw a group of bars for each of `names`, one bar for each entry of `amounts`, and write each amount beside it.

    `amounts` maps what is measured to one number, 0 or more, for each name; `unit` says what they are in. Raises
    ValueError for nothing to draw, for lists of other lengths, and for numbers below 0 or not finite.
    """
    if not names or not amounts:
        raise ValueError("there is nothing to draw; give names, and amounts for them.")
    for what, values in amounts.items():
        if len(values) != len(names):
            raise ValueError(f"{what} has {len(values)} amounts for {len(names)} names; give one for each.")
        for value in values:
            if not 0 <= value < inf:  # NaN is neither
                raise ValueError(
                    f"{what} has the amount {value:g}; bars begin at 0, so give a finite number of 0 or more."
                )
    count = len(amounts)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{what} {values[row]:.3g} {unit}".strip() for what, values in amounts.items())
        for row, name in enumerate(names)
    )
    figure = new_figure((WIDTH, ROW * (count + 0.5) * len(names) + MARGIN), f"bars. {told}")
    axes = figure.subplots()
    for place, (what, values) in enumerate(amounts.items()):
        rows = [row + (place - (count - 1) / 2) * 0.8 / count for row in range(len(names))]
        axes.bar_label(axes.barh(rows, values, 0.76 / count, label=what), fmt="%.3g", padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=count, frameon=False)
    return figure
