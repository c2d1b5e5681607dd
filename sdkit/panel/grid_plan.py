"""A grid before and while it is made: its pictures, those that cannot be made, what it costs, the code for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from math import prod
from typing import Any

from sdkit.panel.axis_controls import REPLACE, size_of
from sdkit.parameters import OWN_NAMES, known_names
from sdkit.quiet import quiet
from sdkit.shot import Shot, SkippedCell, caption, is_picture, is_same
from sdkit.shots import Shots
from sdkit.sweeping.cost import predict_seconds
from sdkit.sweeping.executor import LocalExecutor
from sdkit.sweeping.job import Job
from sdkit.sweeping.plan import Cell, plan_cells
from sdkit.sweeping.sweep import BATCH_SIZE, MAX_SINGLE_PICTURES
from sdkit.sweeping.variants import Parts, Variants

MAX_PICTURES = 200  # that a page shows well; a sweep into a folder takes more
_SLOW_PARTS = ("model", "dtype")  # whose cells are checked by loading or copying weights


class GridPlan:
    """A sweep that a panel is asked for.

    `held` are the values that stay, `choices` what varies with its values, in the order pages, rows, columns;
    of the values of `REPLACE` the first is what is searched. `axes` has them by the names that `Shots.axes` has.
    Raises ValueError, in words, for choices that cannot go together.
    """

    def __init__(self, pipe: Any, held: Mapping[str, Any], choices: Iterable[tuple[str, list[Any]]]):
        self._pipe = pipe
        self._variants = Variants(pipe)
        self.words: dict[str, list[str]] = {}
        self.axes: dict[str, list[Any]] = {}
        for name, values in choices:
            axis = values[0] if name == REPLACE else name
            if axis in self.axes:
                raise ValueError(f"{axis} is chosen for two axes; choose another for one of them.")
            self.axes[axis] = values
            if name == REPLACE:
                self.words[axis] = values
        if not self.axes:
            raise ValueError("nothing is chosen to vary; choose the columns, the rows, or both.")
        self.held = {
            name: value for name, value in held.items() if name not in self.axes and not _is_empty(name, value)
        }
        self._complete_size()
        self.cells: list[Cell] = []
        self.skipped: list[SkippedCell] = []
        self.is_checked = False

    def _complete_size(self) -> None:
        """Hold the height where only the width is given, and the other way round: a call needs both."""
        given = {"height", "width"} & {*self.axes, *self.held}
        if len(given) == 1:
            self.held |= {name: side for name, side in size_of(self._pipe).items() if name not in given}

    @property
    def count(self) -> int:
        """Return the number of places in the grid, those that cannot be filled among them."""
        return prod(map(len, self.axes.values()))

    @property
    def is_slow_to_check(self) -> bool:
        """Say whether weights must be loaded or copied to find out which pictures can be made."""
        return any(name in self.axes or name in self.held for name in _SLOW_PARTS)

    def check(self) -> None:
        """Find out which pictures can be made, once. Raises what `sweep` raises if there are none."""
        if self.is_checked:
            return
        others = [name for name in self.axes if name not in ("prompt", "seed", *self.words)]
        call = {**self.held, **{name: self.axes[name] for name in others}}
        for name in ("prompt", "seed"):  # in the order of `sweep`: the seed is the last axis
            call[name] = self.axes.get(name, call.pop(name, 0 if name == "seed" else None))
        with quiet():  # what has no effect is said of the pictures
            _, self.cells, self.skipped = plan_cells(self._pipe, self._variants, call, self.words, skip=True)
        self.is_checked = True

    def take_over(self, other: GridPlan) -> None:
        """Take over what another plan with the same pictures has found out, and the weights that it has loaded."""
        self._variants, self.cells, self.skipped = other._variants, other.cells, other.skipped
        self.is_checked = other.is_checked

    def job(self, made: Iterable[Shot] = ()) -> Job:
        """Return what makes the pictures of a checked plan, but for those that are made already.

        As in `sweep`, few pictures are made one by one and equal single calls to the bit, many in batches.
        """
        known = {_key(shot.label): shot for shot in made}
        finished = {cell: known[_key(cell.label)] for cell in self.cells if _key(cell.label) in known}
        size = 1 if len(self.cells) <= MAX_SINGLE_PICTURES else BATCH_SIZE
        return Job(self.axes, self.cells, None, size, self.skipped, finished)

    def carry_out(self, job: Job, report: Callable[[list[Shot]], None], *, first_only: bool = False) -> None:
        """Make the pictures that a job lacks, or only the first; report each batch as it is finished."""
        before = set(job.finished)
        with closing(LocalExecutor(self._variants)) as executor:
            while not job.is_finished():
                job.advance(executor)
                report([shot for cell, shot in job.finished.items() if cell not in before])
                before = set(job.finished)
                if first_only:
                    return

    def shots(self, made: Iterable[Shot]) -> Shots:
        """Return the pictures made for this plan in the order of its axes."""
        return Shots(made, self.axes, self.skipped).by(*self.axes)

    def seconds(self, job: Job, measured: Mapping[Cell, float]) -> float | None:
        """Predict the seconds for the rest of a job from pictures made before; None where there are none."""
        known = {**measured, **{cell: shot.seconds for cell, shot in job.finished.items()}}
        return predict_seconds(job.missing(), known) if known else None

    def is_like(self, other: GridPlan) -> bool:
        """Say whether another plan holds the same values and varies the same: then its pictures serve this one."""
        same_axes = set(self.axes) == set(other.axes) and set(self.words) == set(other.words)
        return same_axes and _same_values(self.held, other.held)

    def is_same(self, other: GridPlan) -> bool:
        """Say whether another plan has the same pictures, in whatever order of the axes."""
        return self.is_like(other) and all(_same_values(self.axes[name], other.axes[name]) for name in self.axes)

    def where(self, shot: Shot) -> int:
        """Return the number of a picture's place, counted along the columns, then the rows, then the pages."""
        place = 0
        for name, values in self.axes.items():
            at = next(number for number, value in enumerate(values) if is_same(value, shot.label[name]))
            place = place * len(values) + at
        return place

    def values_of(self, shot: Shot) -> dict[str, Any]:
        """Return the arguments that make one picture of the grid alone, with texts put into its prompt."""
        values = {**self.held, **{name: value for name, value in shot.label.items() if name not in self.words}}
        if self.words:
            values["prompt"] = shot.settings["prompt"]
        return values

    def code(self) -> str:
        """Return Python code that makes and draws this grid; `pipe` is the pipeline, pictures are names."""
        known = {**known_names(self._pipe), **OWN_NAMES, **Parts()._asdict()}
        prompt = self.axes.get("prompt", self.held.get("prompt", ""))
        values: dict[str, Any] = {
            name: self.axes[name] for name in self._names_of_sweep() if name not in ("prompt", *self.words)
        }
        values |= {
            name: value for name, value in self.held.items() if name != "prompt" and not is_same(value, known.get(name))
        }
        seed = values.pop("seed", 0)
        more = {"replace": self.words} if self.words else {}
        if self.skipped:
            values["impossible"] = "skip"
        if self.count > MAX_PICTURES:
            values["folder"] = "grid"
        written = {**more, **values, "seed": seed}
        lines = ["    pipe,", f"    {prompt!r},", *(f"    {name}={_written(name, v)}," for name, v in written.items())]
        order = "" if self._names_of_sweep() == list(self.axes) else f".by({', '.join(map(repr, self.axes))})"
        head = "from sdkit import draw_grid, sweep\n\nshots = sweep(\n"
        return head + "\n".join(lines) + f"\n){order}\ndraw_grid(shots)\n"

    def _names_of_sweep(self) -> list[str]:
        """Return the axes in the order that `sweep` gives them: the prompt, texts in it, others, the seed."""
        rank = {"prompt": 0, **dict.fromkeys(self.words, 1), "seed": 3}
        return sorted(self.axes, key=lambda name: rank.get(name, 2))


def reasons(skipped: Iterable[SkippedCell]) -> list[str]:
    """Say why pictures cannot be made, each reason once, with how many there are or which one."""
    labels: dict[str, list[dict]] = {}
    for cell in skipped:
        labels.setdefault(cell.reason, []).append(cell.label)
    return [
        f"{len(found)} cells are left out: {reason}" if len(found) > 1 else f"{caption(found[0])} is left out: {reason}"
        for reason, found in labels.items()
    ]


def _is_empty(name: str, value: Any) -> bool:
    """Say whether a control gives nothing; an empty text is a prompt."""
    return value is None or (isinstance(value, str) and not value and name != "prompt")


def _key(label: Mapping[str, Any]) -> frozenset:
    return frozenset((name, repr(value)) for name, value in label.items())


def _same_values(some: Any, others: Any) -> bool:
    """Say whether two dictionaries or lists hold equal values; pictures are equal by their pixels."""
    if isinstance(some, dict):
        return some.keys() == others.keys() and all(_same(some[name], others[name]) for name in some)
    return len(some) == len(others) and all(map(_same, some, others))


def _same(a: Any, b: Any) -> bool:
    return a == b if is_picture(a) and is_picture(b) else is_same(a, b)


def _written(name: str, value: Any) -> str:
    """Write a value as code: what has no such form, such as a picture, is a name that the reader gives."""
    return repr(value) if isinstance(value, (str, int, float, list, tuple, dict)) else name
