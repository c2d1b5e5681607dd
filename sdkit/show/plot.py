"""A measure drawn against an axis of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from sdkit.shot import ShotList, caption, in_words, is_same
from sdkit.show.figure import new_figure
from sdkit.show.table import MEASURES, measure_shots, seed_groups

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure


def draw_plot(shots: ShotList, name: str, axis: str | None = None, **baseline: Any) -> ShownFigure:
    """Draw a measure of `sdkit.show.table` against an axis and return the closed figure.

    Points are means over the seeds, error bars their standard deviations; every combination of
    the other axes gets a line. A dotted line is the noise floor of the distance: what another
    seed alone does. `axis` defaults to the first that is not the seed; `baseline` is as in
    `measure_shots`. Raises ValueError for an unknown measure or axis.
    """
    axis = _checked(shots, name, axis)
    rows = measure_shots(shots, name, **baseline)
    values = shots.axes[axis]
    ordered = _are_numbers(values)
    others = [other for other in shots.axes if other not in (axis, "seed")]
    figure = new_figure((5, 3.2), f"Plot of {name} against {axis}, {len(shots)} pictures")
    subplot = figure.subplots()
    for group in seed_groups(shots, others):
        measured = _by_value(values, [(shots[index].label[axis], rows[index][name]) for index in group])
        label = caption({other: shots[group[0]].label[other] for other in others})
        _draw_line(subplot, values if ordered else range(len(values)), measured, label, joined=ordered)
    noise = rows.noise[name]
    if name == "distance" and noise is not None:
        subplot.axhline(noise, linestyle=":", color="grey", label="noise floor: another seed")
    if not ordered:
        subplot.set_xticks(range(len(values)), [in_words(value) for value in values])
    subplot.set_xlabel(axis)
    subplot.set_ylabel(MEASURES[name])
    if subplot.get_legend_handles_labels()[1]:
        subplot.legend(fontsize=9)
    return figure


def _checked(shots: ShotList, name: str, axis: str | None) -> str:
    """Return the axis to draw against. Raises ValueError for an unknown measure or axis."""
    if name not in MEASURES:
        raise ValueError(f"measure is {name!r}; give one of {', '.join(MEASURES)}.")
    if axis is None:
        axis = next((other for other in shots.axes if other != "seed"), "seed")
    if axis not in shots.axes:
        raise ValueError(f"{axis} was not varied; the axes are {', '.join(shots.axes) or 'none'}.")
    return axis


def _are_numbers(values: Sequence) -> bool:
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def _by_value(values: Sequence, points: list[tuple[Any, float | None]]) -> list[list[float]]:
    """Return for each of the axis' values the measures of the points (value, measure) that have it."""
    return [[measure for other, measure in points if is_same(other, value) and measure is not None] for value in values]


def _draw_line(subplot, places: Sequence, measured: list[list[float]], label: str, *, joined: bool) -> None:
    """Draw the mean of the measures at each place with its standard deviation; a place without measures is left out.

    `joined` says whether a line connects the points: values that have no order get none.
    """
    known = [(place, measures) for place, measures in zip(places, measured) if measures]
    deviations = [stdev(measures) if len(measures) > 1 else 0 for _, measures in known]
    subplot.errorbar(
        [place for place, _ in known],
        [mean(measures) for _, measures in known],
        yerr=deviations if any(deviations) else None,
        label=label or None,
        marker="o",
        capsize=3,
        linestyle="-" if joined else "",
    )
