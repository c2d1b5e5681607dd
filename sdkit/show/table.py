"""Measures of every shot of a sweep, and how much of them is only the seed; tables with heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import mean, stdev
from typing import Any

from sdkit.asked import right, wanted
from sdkit.errors import plain_errors
from sdkit.judge import judge
from sdkit.parameters import short
from sdkit.shot import Shot, ShotList, in_words, is_same, matching
from sdkit.show import html
from sdkit.text_table import text_table

MEASURES = {
    "distance": "distance to the baseline, grey levels",
    "prompt_match": "probability of the prompt's object",
    "saturation": "saturation, 0 to 1",
    "seconds": "seconds per picture",
    "right": "share right of what the prompt names",
    "clipped": "share of values at an end of the scale",
    "unevenness": "unevenness of the border, grey levels",
    "sharpness": "sharpness",
}
USUAL = ("distance", "prompt_match", "saturation", "seconds")  # those of a table that names none


class DrawnTable(ABC):
    """A table with a head that shows itself in a notebook, and as text elsewhere."""

    @abstractmethod
    def texts(self) -> list[list[str]]:
        """Return the rows as texts, without the head."""

    @property
    @abstractmethod
    def head(self) -> list[str]:
        """The names of the columns."""

    def __repr__(self):
        return text_table([self.head, *self.texts()])

    def _repr_html_(self) -> str:
        return html.table(self.head, self.texts())


class Table(DrawnTable, list[dict[str, Any]]):
    """A list of one dictionary per row: the axes' values and the measures; it shows itself.

    A measure that does not apply is None. `noise` maps each measure to its noise floor: for
    distance the mean distance of pictures that differ only in the seed, for the others the mean
    standard deviation over the seeds; None where no seed varies. A table of means has no noise (an empty dictionary).
    """

    def __init__(
        self, rows: Iterable[dict[str, Any]], axes: dict[str, list], noise: dict[str, float | None],
        measures: Sequence[str] = USUAL,
    ):  # fmt: skip
        super().__init__(rows)
        self.axes, self.noise, self.measures = axes, noise, tuple(measures)

    @property
    def head(self) -> list[str]:
        """The names of the axes and of the measures."""
        return [*self.axes, *self.measures]

    def texts(self) -> list[list[str]]:
        """Return a row of texts for each shot, first the axes' values, then the measures; the noise floor is last."""
        rows = [[_short(row[name]) for name in self.head] for row in self]
        if not self.noise:
            return rows
        blank = [""] * (len(self.axes) - 1)
        return [*rows, ["noise floor", *blank, *(_short(self.noise[name]) for name in self.measures)]]


class Columns(DrawnTable):
    """A table made of columns by name; see `draw_table`."""

    def __init__(self, columns: Mapping[str, Iterable]):
        self.columns = {str(name): list(values) for name, values in columns.items()}

    @property
    def head(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)

    def texts(self) -> list[list[str]]:
        """Return the rows as texts: numbers with three digits."""
        return [[_short(value) for value in row] for row in zip(*self.columns.values())]


@plain_errors
def draw_table(columns: Mapping[str, Iterable]) -> Columns:
    """Return a table that shows itself, as in `draw_table({"steps": [4, 8], "seconds": [0.21, 0.4]})`.

    Each column is a name and its values; numbers that are not whole get three digits. Raises ValueError for columns
    of different lengths, TypeError for no columns and for values that are no list.
    """
    if not isinstance(columns, Mapping) or not columns:
        raise TypeError(f'columns is {short(columns)}; give names and their values, such as {{"steps": [4, 8]}}.')
    for name, values in columns.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise TypeError(f"column {name!r} is {short(values)}; give a list of values.")
    made = Columns(columns)
    lengths = {name: len(values) for name, values in made.columns.items()}
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"the columns are of different lengths ({found}); give as many values in each.")
    return made


def measure_shots(shots: ShotList, *measures: str, by: str | None = None, **baseline: Any) -> Table:
    """Return the `Table` of a sweep.

    `measures` are names of `MEASURES`, the first four if none is given. `by` is an axis: the table then has one row
    for each of its values, with the means over all pictures that have it and, as `pictures`, how many these are.

    distance: root mean square of the difference to the baseline cell, 0 to 255. `baseline` gives
    values of axes, as in `measure_shots(shots, guidance_scale=7.5)`; each shot is compared with the one
    that has these values and is otherwise like it. Without it, the baseline has each axis' first
    value, but the same seed. prompt_match: the judge's probability of the one object that the
    prompt names, and right: how much of object, style and background that it names is there (`sdkit.asked.right`);
    both only for pictures of the built-in model. saturation: mean of HSV. clipped, unevenness, sharpness: see
    `sdkit.measure`. seconds: the share of the call's time.

    Raises ValueError for measures that are not known, and for axes or values that the sweep does not have.
    """
    if not shots.axes:
        raise ValueError("nothing was varied, so there is nothing to compare; use the functions of sdkit.measure.")
    for name in measures:
        if name not in MEASURES:
            raise ValueError(f"measure is {name!r}; give one of {', '.join(MEASURES)}.")
    chosen = measures or USUAL
    baseline = _checked(shots.axes, baseline)
    columns = {name: _measured(shots, name, baseline) for name in chosen}
    rows = [{**shot.label, **{name: columns[name][number] for name in chosen}} for number, shot in enumerate(shots)]
    if by is not None:
        return _means(shots, rows, by, chosen)
    return Table(rows, dict(shots.axes), _noise(shots, rows, chosen), chosen)


def seed_groups(shots: ShotList, others: Iterable[str] | None = None) -> list[list[int]]:
    """Return the indices of the shots in groups that have the same values of the axes in `others`.

    `others` defaults to every axis but the seed: the shots of a group then differ only in the seed.
    """
    names = [name for name in shots.axes if name != "seed"] if others is None else list(others)
    groups: list[list[int]] = []
    for index, shot in enumerate(shots):
        for group in groups:
            if all(is_same(shots[group[0]].label[name], shot.label[name]) for name in names):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


def _measured(shots: ShotList, name: str, baseline: dict[str, Any]) -> list[float | None]:
    """Return one measure of every shot."""
    from sdkit import measure

    if name == "distance":
        others = [next(iter(matching(shots, {**shot.label, **baseline})), None) for shot in shots]
        return [_distance(shot, other) for shot, other in zip(shots, others)]
    if name == "prompt_match":
        return _prompt_matches(shots)
    if name == "right":
        return right(shots)
    if name == "seconds":
        return [shot.seconds for shot in shots]
    function = getattr(measure, name)
    return [function(shot) for shot in shots]


def _means(shots: ShotList, rows: list[dict[str, Any]], by: str, measures: Sequence[str]) -> Table:
    """Return the table with one row for each value of an axis."""
    if by not in shots.axes:
        raise ValueError(f"{by} was not varied; the axes are {', '.join(shots.axes)}.")
    found = []
    for value in shots.axes[by]:
        same = [row for row in rows if is_same(row[by], value)]
        known = {name: [row[name] for row in same if row[name] is not None] for name in measures}
        means = {name: mean(values) if values else None for name, values in known.items()}
        found.append({by: value, "pictures": len(same), **means})
    return Table(found, {by: shots.axes[by]}, {}, ("pictures", *measures))


def _checked(axes: dict[str, list], baseline: dict[str, Any]) -> dict[str, Any]:
    """Return the baseline's values by axis: those given, or each axis' first but the seed's.

    Raises ValueError for axes or values that the sweep does not have.
    """
    for name, value in baseline.items():
        if name not in axes:
            raise ValueError(f"{name} was not varied; the axes are {', '.join(axes)}.")
        if not any(is_same(value, known) for known in axes[name]):
            there = ", ".join(map(in_words, axes[name]))
            raise ValueError(f"{name} = {in_words(value)} is not in the sweep; it has {there}.")
    if baseline:
        return baseline
    return {name: values[0] for name, values in axes.items() if name != "seed"} or {"seed": axes["seed"][0]}


def _distance(shot: Shot, other: Shot | None) -> float | None:
    """Return the distance of two pictures, None where one is missing or has another size."""
    from sdkit.measure import distance, pixels

    if other is None or pixels(shot).shape != pixels(other).shape:
        return None
    return distance(shot, other)


def _prompt_matches(shots: ShotList) -> list[float | None]:
    """Return for each shot the judge's probability of the object that its prompt names, None where it names none."""
    objects = [wanted(shot).get("object") for shot in shots]
    if not any(objects):
        return [None] * len(shots)
    judged = judge(list(shots))
    return [found["object"][name] if name else None for found, name in zip(judged, objects)]


def _noise(shots: ShotList, rows: list[dict[str, Any]], measures: Sequence[str]) -> dict[str, float | None]:
    """Return the noise floor of each measure; see `Table`."""
    groups = [group for group in seed_groups(shots) if len(group) > 1] if "seed" in shots.axes else []
    noise: dict[str, float | None] = {}
    for name in measures:
        if name == "distance":
            pairs = [pair for group in groups for pair in combinations(group, 2)]
            distances = [_distance(shots[a], shots[b]) for a, b in pairs]
            known = [value for value in distances if value is not None]
            noise[name] = mean(known) if known else None
        else:
            values = [[rows[index][name] for index in group] for group in groups]
            deviations = [stdev(group) for group in values if None not in group]
            noise[name] = mean(deviations) if deviations else None
    return noise


def _short(value: Any) -> str:
    """Return a value as a table shows it: a number as it is if that is short, else three digits or a whole one."""
    if value is None:
        return "-"
    if isinstance(value, float) and len(repr(value)) > 6:
        return f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return in_words(value)
