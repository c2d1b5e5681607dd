"""Numbers by name, each a dot, so that one sees how far the cases of a name lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from statistics import mean
from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors
from sdkit.parameters import short
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

WIDTH, ROW_HEIGHT, REST_HEIGHT = 8.6, 0.36, 0.7  # inches; the rest is the axis below
DOT, LINE = "#c23b22", "#333333"


def rows_of(name: str, lists: Any, example: str) -> dict[str, list[float]]:
    """Return a dictionary of lists of numbers with its keys as texts.

    Raises TypeError, which says `name` and an `example` of one, for anything else.
    """
    if not isinstance(lists, Mapping):
        raise TypeError(f"{name} is {short(lists)}; give a dictionary such as {example}.")
    for key, values in lists.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise TypeError(f"{name} has {short(values)} for {short(key)}; give a list of numbers, as in {example}.")
    return {str(key): [float(value) for value in values] for key, values in lists.items()}


@plain_errors
def draw_dots(numbers: Mapping[str, Sequence[float]], name: str = "") -> ShownFigure:
    """Draw a row for each name: a dot for each of its numbers, a line at their mean; the largest mean is on top.

    `numbers` are as in `draw_dots({"seed": [34, 41], "eta": [23, 25]}, "distance")`, not necessarily as many in each
    row; `name` says below the axis what they are. The axis begins at 0. Raises ValueError for no rows, for an empty one
    and for a number that is not finite, TypeError for what is no dictionary of lists.
    """
    rows = rows_of("numbers", numbers, "{'seed': [34, 41]}")
    empty = [key for key, values in rows.items() if not values]
    if not rows or empty:
        raise ValueError(f"there are no numbers for {', '.join(empty) or 'any name'}; give one or more for each name.")
    for key, values in rows.items():
        if not all(map(isfinite, values)):
            raise ValueError(f"numbers has {short(values)} for {key}; give finite numbers.")
    ordered = sorted(rows, key=lambda key: mean(rows[key]))  # the axis runs upwards
    means = ", ".join(f"{key} {mean(rows[key]):.3g}" for key in reversed(ordered))
    figure = new_figure((WIDTH, ROW_HEIGHT * len(rows) + REST_HEIGHT), f"{name or 'numbers'} in dots, means: {means}")
    axis = figure.subplots()
    for place, key in enumerate(ordered):
        axis.axhline(place, color="#e0e0e0", linewidth=1, zorder=0)
        axis.plot(rows[key], [place] * len(rows[key]), "o", color=DOT, markersize=7, alpha=0.6, clip_on=False)
        axis.plot([mean(rows[key])] * 2, [place - 0.3, place + 0.3], color=LINE, linewidth=2)
    axis.set_yticks(range(len(ordered)), ordered)
    axis.set(ylim=(-0.6, len(ordered) - 0.4), xlabel=name)
    axis.set_xlim(min(0.0, *(min(values) for values in rows.values())), None)
    axis.tick_params(labelsize=10.5)
    axis.xaxis.label.set_fontsize(11)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
