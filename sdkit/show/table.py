"""Measures of every shot of a sweep, and how much of them is only the seed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations
from statistics import mean, stdev
from typing import Any

from sdkit.judge import judge, load_judge
from sdkit.loading.pipeline import BUILT_IN
from sdkit.shot import Shot, ShotList, in_words, is_same, matching
from sdkit.text_table import text_table

MEASURES = {
    "distance": "distance to the baseline, grey levels",
    "prompt_match": "probability of the prompt's object",
    "saturation": "saturation, 0 to 1",
    "seconds": "seconds per picture",
}


class Table(list[dict[str, Any]]):
    """A list of one dictionary per shot: the axes' values and the `MEASURES`; it shows itself as text.

    A measure that does not apply is None. `noise` maps each measure to its noise floor: for
    distance the mean distance of pictures that differ only in the seed, for the others the mean
    standard deviation over the seeds; None where no seed varies.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], axes: dict[str, list], noise: dict[str, float | None]):
        super().__init__(rows)
        self.axes, self.noise = axes, noise

    def texts(self) -> list[list[str]]:
        """Return a row of texts for each shot, first the axes' values, then the measures; the noise floor is last."""
        rows = [[_short(row[name]) for name in (*self.axes, *MEASURES)] for row in self]
        blank = [""] * (len(self.axes) - 1)
        return [*rows, ["noise floor", *blank, *(_short(self.noise[name]) for name in MEASURES)]]

    def __repr__(self):
        return text_table([[*self.axes, *MEASURES], *self.texts()])


def measure_shots(shots: ShotList, **baseline: Any) -> Table:
    """Return the `Table` of a sweep.

    distance: root mean square of the difference to the baseline cell, 0 to 255. `baseline` gives
    values of axes, as in `measure_shots(shots, guidance_scale=7.5)`; each shot is compared with the one
    that has these values and is otherwise like it. Without it, the baseline has each axis' first
    value, but the same seed. prompt_match: the judge's probability of the one object that the
    prompt names; only for pictures of the built-in model. saturation: mean of HSV. seconds: the
    share of the call's time.

    Raises ValueError for axes or values that the sweep does not have.
    """
    from sdkit.measure import saturation

    if not shots.axes:
        raise ValueError("nothing was varied, so there is nothing to compare; use the functions of sdkit.measure.")
    baseline = _checked(shots.axes, baseline)
    matches = _prompt_matches(shots)
    rows = []
    for shot, match in zip(shots, matches):
        other = next(iter(matching(shots, {**shot.label, **baseline})), None)
        values = {
            "distance": _distance(shot, other), "prompt_match": match,
            "saturation": saturation(shot), "seconds": shot.seconds,
        }  # fmt: skip
        rows.append({**shot.label, **values})
    return Table(rows, dict(shots.axes), _noise(shots, rows))


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
    objects = [_object(shot) for shot in shots]
    if not any(objects):
        return [None] * len(shots)
    judged = judge(list(shots))
    return [found["object"][name] if name else None for found, name in zip(judged, objects)]


def _object(shot: Shot) -> str | None:
    """Return the one object of the built-in model that the prompt names."""
    prompt = shot.settings.get("prompt")
    if shot.origin.model != BUILT_IN or not isinstance(prompt, str):
        return None
    known = sorted(load_judge()[1]["heads"]["object"], key=len, reverse=True)
    found = set(re.findall(rf"\b(?:{'|'.join(map(re.escape, known))})\b", prompt.lower()))
    return found.pop() if len(found) == 1 else None


def _noise(shots: ShotList, rows: list[dict[str, Any]]) -> dict[str, float | None]:
    """Return the noise floor of each measure; see `Table`."""
    groups = [group for group in seed_groups(shots) if len(group) > 1] if "seed" in shots.axes else []
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    distances = [_distance(shots[a], shots[b]) for a, b in pairs]
    known = [value for value in distances if value is not None]
    noise = {"distance": mean(known) if known else None}
    for name in list(MEASURES)[1:]:
        values = [[rows[index][name] for index in group] for group in groups]
        deviations = [stdev(group) for group in values if None not in group]
        noise[name] = mean(deviations) if deviations else None
    return noise


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else in_words(value)
