"""One to three things varied, everything else held: planned first, made in batches, resumed from a folder."""

from __future__ import annotations

import math
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.sweeping.batches import Texts, groups, is_out_of_memory, make
from sdkit.sweeping.plan import Cell, Plan, duration, memory_of, plan_cells
from sdkit.sweeping.store import Store
from sdkit.sweeping.variants import Variants

PATIENCE = 20  # seconds a sweep may take before a progress bar appears
CONSENT = 900  # seconds a sweep may take without being asked for
EXACT = 16  # up to so many pictures, each is made alone and equals the single call to the bit
BATCH = 8  # pictures in one call beyond that, memory allowing


class SweepError(RuntimeError):
    """A sweep failed on its way; `shots` holds every finished picture (in a notebook: `sys.last_value.shots`)."""

    shots: Shots


def sweep(
    pipe, prompt=None, *, seed=0, replace=None, folder: str | Path | None = None,
    batch_size: int | None = None, max_seconds: float = CONSENT, workers=None, **arguments,
) -> Shots:  # fmt: skip
    """Make one picture for each combination of the values of one to three arguments given as lists.

    `sweep(pipe, "a cat", guidance_scale=[1, 4, 8], seed=7)` varies guidance_scale and holds the
    rest, the seed first of all; every picture starts from the same noise. Two lists make a table,
    the first its rows, the second its columns; of three the first makes pages. `prompt` counts as
    first and `seed` as last. Lists, ranges and one-dimensional arrays are lists of values;
    arguments that are lists by nature (timesteps, sigmas) are varied by a list of lists.

    Besides the call's arguments, three parts of the pipeline can be given or varied by name:
    scheduler ("DDIM", "Euler a", ... or a class name), dtype ("float32", "bfloat16", ...), and
    model (as `load_pipeline` takes it). `replace={"cat": ["cat", "dog"]}` puts other texts in the
    place of a part of the prompt. `pipe` itself stays as it is.

    With `folder` each picture is written the moment it exists, and those already there are not
    made again. Up to 16 pictures are made one by one and equal single calls to the bit; more are
    made in batches of up to 8 (`batch_size` says otherwise), halved when memory runs out.

    The first picture is measured. If the rest will take more than `max_seconds`, that is said in
    a ValueError before it begins: a larger number, such as `math.inf`, agrees to it (`plan_sweep`
    tells it beforehand). An interrupt (KeyboardInterrupt) returns what is finished, with a warning.

    `workers` lets other processes make the pictures, by Dask (the extra `cluster`): a number starts
    so many on this machine, on a GPU one for each card; an address such as
    "tcp://192.168.1.5:8786", or a `distributed.Client`, means the workers of that scheduler. They
    load the model as `load_pipeline` loaded `pipe`, on the same kind of device; what else was done
    to it, such as hooks, does not reach them. Names, records, prediction and interrupts are the
    same, and a batch whose worker dies is made by another one. docs/cluster.md says more.

    Returns `Shots` whose `axes` name what was varied. Raises what `generate` raises and ValueError
    for no list, more than three, or an empty one, all before the first picture; `SweepError`
    with the finished pictures if something fails later. With workers also ImportError without Dask,
    OSError or TimeoutError if no scheduler answers or has workers, ValueError for what cannot be
    sent to them, and RuntimeError if one of them has another model or other versions.
    """
    # Plain text on stderr: a widget would stay in a notebook's stored outputs.
    from tqdm import tqdm

    if isinstance(max_seconds, bool) or not isinstance(max_seconds, Real) or not max_seconds >= 0:
        raise ValueError(f"max_seconds is {max_seconds!r}; give a number of seconds, or math.inf for no limit.")
    job = _prepare(pipe, {"prompt": prompt, **arguments, "seed": seed}, replace, folder, batch_size, workers)
    with _executor(job, pipe, workers) as job.executor:
        job.check_consent(max_seconds)
        with tqdm(total=len(job.missing()), desc="sweep", unit="picture", delay=PATIENCE, leave=False) as bar:
            try:
                while not job.is_finished():
                    bar.update(job.make_some())
                    job.check_consent(max_seconds)
            except KeyboardInterrupt:
                if not job.done:
                    raise
                warnings.warn(f"interrupted: {job.state()}.", stacklevel=2)
            except Exception as error:
                if not job.done or isinstance(error, _NoConsent):
                    raise
                stopped = SweepError(f"the sweep stopped: {error}; {job.state()}.")
                stopped.shots = job.shots()
                raise stopped from error
    return job.shots()


def plan_sweep(
    pipe, prompt=None, *, seed=0, replace=None, folder: str | Path | None = None, workers=None, **arguments
) -> Plan:
    """Say what a `sweep` with these arguments costs, after making at most one of its pictures.

    The seconds follow from the pictures already in `folder`, else from one that is made now (and
    kept in the folder, where one is given); `workers` share them. The memory is that of one
    process. Raises what `sweep` raises before its first picture.
    """
    job = _prepare(pipe, {"prompt": prompt, **arguments, "seed": seed}, replace, folder, 1, workers)
    there = len(job.done)
    with _executor(job, pipe, workers) as job.executor:
        if not job.done:
            job.make_some()
        return Plan(len(job.cells), there, job.seconds_left(), memory_of(pipe, job.cells))


class _NoConsent(ValueError):
    """The rest takes longer than was agreed to."""


class _Here:
    """Makes batches in this process, one after the other."""

    slots = limit = 1

    def __init__(self, variants):
        self._variants = variants
        self._parts = self._pipe = self._texts = self._batch = None

    def start(self, batch):
        self._batch = batch

    def wait(self):
        """Return the batch, and the function that makes its (shot, file) pairs or raises what goes wrong."""
        return self._batch, partial(self._make, self._batch)

    def _make(self, batch):
        if self._parts != batch[0].parts:
            self._parts = self._pipe = self._texts = None  # frees the weights of the last variant
            self._pipe = self._variants[batch[0].parts]
            self._parts, self._texts = batch[0].parts, Texts(self._pipe)
        return [(shot, None) for shot in make(self._pipe, batch, self._texts)]


@dataclass
class _Job:
    """A sweep on its way: its cells, and the shots that are finished.

    `waiting` holds, in groups that can share a call, the cells that `executor` has not been given:
    a `_Here`, or a `Cluster` with the same methods. It makes `slots` batches at the same time and
    takes `limit`; `out` counts those that it has.
    """

    axes: dict
    cells: list[Cell]
    store: Store | None
    size: int
    executor: Any
    done: dict[Cell, Shot] = field(default_factory=dict)
    waiting: list[list[Cell]] = field(default_factory=list)
    out: int = 0
    agreed: bool = False

    def __post_init__(self):
        self.find(self.cells)
        self.waiting = groups(self.missing())

    def missing(self) -> list[Cell]:
        return [cell for cell in self.cells if cell not in self.done]

    def is_finished(self) -> bool:
        return len(self.done) == len(self.cells)

    def shots(self) -> Shots:
        return Shots([self.done[cell] for cell in self.cells if cell in self.done], self.axes)

    def seconds_left(self) -> float | None:
        """Return the seconds that the rest takes, by the finished pictures; None while there are none."""
        if not self.done:
            return None
        rate = sum(shot.seconds for shot in self.done.values()) / sum(cell.work for cell in self.done)
        return rate * sum(cell.work for cell in self.missing()) / self.executor.slots

    def state(self) -> str:
        where = f", and the same call goes on with those in {self.store.folder}" if self.store else ""
        return f"{len(self.done)} of {len(self.cells)} pictures are finished{where}"

    def check_consent(self, limit):
        """Raise ValueError if the rest will take longer than the limit; asked once, when a time is known."""
        if self.agreed or not self.done:
            return
        left = self.seconds_left()
        if left > limit:
            raise _NoConsent(
                f"this takes about {duration(left)} more for {len(self.missing())} of {len(self.cells)} pictures, "
                f"and max_seconds is {limit:g}. Give max_seconds={math.ceil(left * 1.5)} or more to agree."
            )
        self.agreed = True

    def find(self, cells):
        """Take finished pictures from the folder."""
        if self.store:
            found = {cell: self.store.find(cell) for cell in cells}
            self.done.update({cell: shot for cell, shot in found.items() if shot})

    def make_some(self) -> int:
        """Hand out the next batches and take in the one that is finished first; return how many more there are."""
        before = len(self.done)
        while self.waiting and self.out < (self.executor.limit if self.done else 1):
            self._hand_out()
        if self.out:
            self._take_in()
        return len(self.done) - before

    def _hand_out(self):
        """Give the executor a batch: one picture, to measure, then as many as let all slots have work."""
        share = math.ceil(sum(map(len, self.waiting)) / self.executor.slots)
        size = min(self.size, share) if self.done else 1
        batch, rest = self.waiting[0][:size], self.waiting[0][size:]
        self.waiting[:1] = [rest] if rest else []
        self.find(batch)  # another process may have made some meanwhile
        batch = [cell for cell in batch if cell not in self.done]
        if batch:
            self.executor.start(batch)
            self.out += 1

    def _take_in(self):
        batch, pictures = self.executor.wait()
        self.out -= 1
        try:
            made = pictures()
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
            self.size = min(self.size, len(batch) // 2)
            self.waiting.insert(0, batch)
            return
        self.done.update({cell: shot for cell, (shot, _) in zip(batch, made)})
        if self.store:
            for cell, (shot, packed) in zip(batch, made):
                self.store.keep(cell, shot, packed)


def _prepare(pipe, arguments, words, folder, batch_size, workers):
    if batch_size is not None and (isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"batch_size is {batch_size!r}; give a whole number of 1 or more.")
    if workers is not None:
        from sdkit.sweeping.cluster import check_workers

        check_workers(workers)
    variants = Variants(pipe)
    axes, cells = plan_cells(pipe, variants, arguments, words)
    store = None
    if folder is not None:
        if any(cell.settings["output_type"] != "pil" for cell in cells):
            raise ValueError('a folder keeps pictures as PNG; give output_type="pil", or no folder.')
        store = Store(folder)
    return _Job(axes, cells, store, batch_size or (1 if len(cells) <= EXACT else BATCH), _Here(variants))


def _executor(job, pipe, workers):
    """Return a context that gives what makes the batches: workers, where they are asked for and there is something."""
    if workers is None or job.is_finished():
        return nullcontext(job.executor)
    from sdkit.sweeping.cluster import connected

    return connected(workers, pipe, job.missing(), job.store)
