"""A measure drawn against an axis of a sweep."""

from __future__ import annotations

from numbers import Real
from statistics import mean, stdev

from sdkit.shot import ShotList, in_words, is_same
from sdkit.show.figure import new_figure
from sdkit.show.table import MEASURES, measure_shots, seed_groups


def draw_plot(shots: ShotList, name: str, axis: str | None = None, **baseline):
    """Draw a measure of `sdkit.show.table` against an axis and return the closed figure.

    Points are means over the seeds, error bars their standard deviations; every combination of
    the other axes gets a line. A dotted line is the noise floor of the distance: what another
    seed alone does. `axis` defaults to the first that is not the seed; `baseline` is as in
    `measure_shots`. Raises ValueError for an unknown measure or axis.
    """
    if name not in MEASURES:
        raise ValueError(f"measure is {name!r}; give one of {', '.join(MEASURES)}.")
    if axis is None:
        axis = next((one for one in shots.axes if one != "seed"), "seed")
    if axis not in shots.axes:
        raise ValueError(f"{axis} was not varied; the axes are {', '.join(shots.axes) or 'none'}.")
    rows = measure_shots(shots, **baseline)
    values = shots.axes[axis]
    numbers = all(isinstance(one, Real) and not isinstance(one, bool) for one in values)
    others = [one for one in shots.axes if one not in (axis, "seed")]
    figure = new_figure((5, 3.2), f"<Plot of {name} against {axis}, {len(shots)} pictures>")
    place = figure.subplots()
    for group in seed_groups(shots, others):
        xs, means, errors = [], [], []
        for number, value in enumerate(values):
            found = [rows[one][name] for one in group if is_same(shots[one].label[axis], value)]
            found = [one for one in found if one is not None]
            if found:
                xs.append(value if numbers else number)
                means.append(mean(found))
                errors.append(stdev(found) if len(found) > 1 else 0)
        label = ", ".join(f"{other} = {in_words(shots[group[0]].label[other])}" for other in others)
        shown = {"yerr": errors if any(errors) else None, "label": label or None}
        # No line between values that have no order.
        place.errorbar(xs, means, marker="o", capsize=3, linestyle="-" if numbers else "", **shown)
    if name == "distance" and rows.noise[name] is not None:
        place.axhline(rows.noise[name], linestyle=":", color="grey", label="noise floor: another seed")
    if not numbers:
        place.set_xticks(range(len(values)), [in_words(one) for one in values])
    place.set_xlabel(axis)
    place.set_ylabel(MEASURES[name])
    if place.get_legend_handles_labels()[1]:
        place.legend(fontsize=7)
    return figure
