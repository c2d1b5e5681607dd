"""A sweep on its way: what is finished, what is being made, what waits, and whether it takes too long."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sdkit.errors import warn_user
from sdkit.shot import Shot, SkippedCell
from sdkit.shots import Shots
from sdkit.sweeping.batches import groups, is_out_of_memory
from sdkit.sweeping.cost import duration, predict_seconds, work
from sdkit.sweeping.executor import Executor, Result
from sdkit.sweeping.plan import Cell
from sdkit.sweeping.store import Store

LATE = 2.0  # times the predicted seconds, beyond which a sweep warns


class ConsentError(ValueError):
    """The rest of a sweep takes longer than was agreed to."""


@dataclass
class Job:
    """The cells of a sweep, and the shots of those that are finished; `skipped` are impossible ones.

    `waiting` holds the cells that no executor has been given, in groups that can share a call; the one with the
    most work comes first, so that seconds are predicted for smaller pictures from a larger one. `batch_size` is
    halved when memory runs out. `unsaved` are cells whose shots are finished and not in the folder: those of a
    batch that is being written, and broken ones. `predicted` is (seconds, those of the pictures that were finished
    then) at the moment the sweep was agreed to.
    """

    axes: dict[str, list]
    cells: list[Cell]
    store: Store | None
    batch_size: int
    skipped: list[SkippedCell] = field(default_factory=list)
    finished: dict[Cell, Shot] = field(default_factory=dict)
    unsaved: set[Cell] = field(default_factory=set)
    waiting: list[list[Cell]] = field(default_factory=list)
    submitted: int = 0
    predicted: tuple[float, float] | None = None
    warned: bool = False

    def __post_init__(self):
        self._find(self.cells)
        missing = self.missing()
        if missing:
            first = max(missing, key=work)
            self.waiting = groups([first, *(cell for cell in missing if cell is not first)])

    def missing(self) -> list[Cell]:
        """Return the cells that are not finished."""
        return [cell for cell in self.cells if cell not in self.finished]

    def is_finished(self) -> bool:
        """Say whether all cells are finished."""
        return len(self.finished) == len(self.cells)

    def shots(self) -> Shots:
        """Return the finished shots in the order of the cells."""
        finished = [self.finished[cell] for cell in self.cells if cell in self.finished]
        return Shots(finished, self.axes, self.skipped)

    def state(self) -> str:
        """Say in words how much is finished, and where."""
        state = f"{len(self.finished)} of {len(self.cells)} pictures are finished"
        if not self.store:
            return state
        unsaved = len(self.unsaved & self.finished.keys())
        some = f", {unsaved} of them not written" if unsaved else ""
        return f"{state}{some}, and the same call goes on with those in {self.store.folder}"

    def progress(self, workers: int) -> str:
        """Say in a few words how many pictures are finished, and how long the rest will take."""
        left = self.seconds_left(workers)
        more = f", about {duration(left)} more" if left else ""
        return f"{len(self.finished)} of {len(self.cells)} pictures{more}"

    def seconds_left(self, workers: int) -> float | None:
        """Return the seconds that so many workers need for the rest; None while there is no finished picture."""
        if not self.finished:
            return None
        return predict_seconds(self.missing(), {cell: shot.seconds for cell, shot in self.finished.items()}) / workers

    def check_time(self, workers: int, max_seconds: float) -> None:
        """Compare the predicted seconds with those agreed to, as soon as there are any.

        Raises `ConsentError` if the rest will take longer when that is first known. Afterwards the sweep goes on
        in any case, and warns once if it takes longer than `max_seconds` and much longer than was predicted.
        """
        left = self.seconds_left(workers)
        if left is None:
            return
        spent = sum(shot.seconds for shot in self.finished.values())
        what = f"about {duration(left)} more for {len(self.missing())} of {len(self.cells)} pictures"
        if self.predicted is None:
            if left > max_seconds:
                raise ConsentError(
                    f"this takes {what}, and max_seconds is {max_seconds:g}. "
                    f"Give max_seconds={math.ceil(left * 1.5)} or more to agree."
                )
            self.predicted = left, spent
            return
        predicted, spent_before = self.predicted
        total = (spent - spent_before) / workers + left
        if not self.warned and total > max(max_seconds, LATE * predicted):
            self.warned = True
            warn_user(
                f"the sweep takes much longer than the {duration(predicted)} that were predicted: {what}, and "
                f"max_seconds is {max_seconds:g}. It goes on; an interrupt ends it and returns what is finished."
            )

    def advance(self, executor: Executor) -> int:
        """Hand out the next batches, take in the one that is finished first; return how many pictures came with it.

        The first batch is one picture, to be measured. Raises what making a picture raises.
        """
        before = len(self.finished)
        while self.waiting and self.submitted < (executor.capacity if self.finished else 1):
            self._submit_next(executor)
        if self.submitted:
            self._take_in(executor.next_result())
        return len(self.finished) - before

    def _submit_next(self, executor: Executor):
        """Submit a batch: one picture if none is finished, else as many as let all workers have something to do."""
        share = math.ceil(sum(map(len, self.waiting)) / executor.workers)
        size = min(self.batch_size, share) if self.finished else 1
        batch, rest = self.waiting[0][:size], self.waiting[0][size:]
        self.waiting[:1] = [rest] if rest else []
        self._find(batch)  # another process may have made some meanwhile
        batch = [cell for cell in batch if cell not in self.finished]
        if batch:
            executor.submit(batch)
            self.submitted += 1

    def _take_in(self, result: Result):
        """Take in the pictures of a batch; one that was too large for the memory waits again, to be halved."""
        self.submitted -= 1
        if result.error is not None:
            if len(result.batch) == 1 or not is_out_of_memory(result.error):
                raise result.error
            self.batch_size = min(self.batch_size, len(result.batch) // 2)
            self.waiting.insert(0, result.batch)
            return
        for text in result.warnings:
            warn_user(text)  # said of the call of `sweep`
        if self.store:
            self.unsaved.update(result.batch)  # first, so that an interrupt never finds one missing here
        self.finished.update(zip(result.batch, result.shots))
        if self.store:
            self._keep(self.store, result)

    def _keep(self, store: Store, result: Result):
        """Write the pictures of a batch to the folder, but for those that are broken, which the call has named."""
        for cell, shot in zip(result.batch, result.shots):
            if shot.problem is None:
                store.keep(cell, shot)
                self.unsaved.discard(cell)
        broken = sum(shot.problem is not None for shot in result.shots)
        if broken:
            what = "broken pictures are" if broken > 1 else "broken picture is"
            warn_user(f"{broken} {what} not kept in {store.folder}; the same call will try again.")

    def _find(self, cells):
        """Take finished pictures from the folder."""
        if self.store:
            found = {cell: self.store.find(cell) for cell in cells}
            self.finished.update({cell: shot for cell, shot in found.items() if shot})
