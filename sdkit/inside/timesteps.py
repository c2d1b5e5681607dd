"""Lists of timesteps drawn on one line each, to see where they spend their steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.inside.dots import rows_of
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

WIDTH, ROW, EDGES = 8.5, 0.3, 0.95  # inches: of the figure, of one list, of what stands above and below all
NOISE = 1000  # the timestep of pure noise, where the axis begins


@plain_errors
def draw_timesteps(plans: Mapping[str, Iterable[float]]) -> ShownFigure:
    """Return a figure with a row of dots for each named list of timesteps, from 1000 (noise) at the left to 0 (clean).

    Raises ValueError for no list, an empty one, and a timestep that is not from 0 to 1000, TypeError for what is no
    dictionary of lists.
    """
    rows = rows_of("plans", plans, "{'own': [901, 601, 301]}")
    if not rows:
        raise ValueError("there are no lists to draw; give at least one, as in {'own': [901, 601, 301]}.")
    for name, moments in rows.items():
        if not moments or not all(0 <= moment <= NOISE for moment in moments):
            raise ValueError(f"{name} is {moments}; give at least one timestep, each from 0 to {NOISE}.")
    figure = new_figure((WIDTH, EDGES + ROW * len(rows)), f"Timesteps from noise to clean: {', '.join(rows)}")
    axes = figure.subplots()
    for place, moments in enumerate(rows.values()):
        axes.axhline(place, color="#dddddd", linewidth=1, zorder=0)
        axes.plot(moments, [place] * len(moments), "o", color="#346cd6", markersize=6, markeredgecolor="white")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlim=(NOISE + 20, -20), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlabel("timestep: noise at the left, the clean picture at the right")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
