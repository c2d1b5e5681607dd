"""One to three things varied, everything else held: planned first, made in batches, resumed from a folder."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

from sdkit.batching import Texts, groups, is_out_of_memory, make
from sdkit.planning import Cell, Plan, duration, memory_of, plan_cells
from sdkit.shots import Shot, Shots
from sdkit.store import Store
from sdkit.variants import Parts, Variants

PATIENCE = 20  # seconds a sweep may take before a progress bar appears
CONSENT = 900  # seconds a sweep may take without being asked for
EXACT = 16  # up to so many pictures, each is made alone and equals the single call to the bit
BATCH = 8  # pictures in one call beyond that, memory allowing


class SweepStopped(RuntimeError):
    """A sweep failed on its way; `shots` holds every finished picture (in a notebook: `sys.last_value.shots`)."""

    shots: Shots


def sweep(
    pipe, prompt=None, *, seed=0, replace=None, folder: str | Path | None = None,
    batch_size: int | None = None, max_seconds: float = CONSENT, **arguments,
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

    Returns `Shots` whose `axes` name what was varied. Raises what `generate` raises and ValueError
    for no list, more than three, or an empty one, all before the first picture; `SweepStopped`
    with the finished pictures if something fails later.
    """
    # Plain text on stderr: a widget would stay in a notebook's stored outputs.
    from tqdm import tqdm

    if isinstance(max_seconds, bool) or not isinstance(max_seconds, Real) or not max_seconds >= 0:
        raise ValueError(f"max_seconds is {max_seconds!r}; give a number of seconds, or math.inf for no limit.")
    job = _prepare(pipe, {"prompt": prompt, **arguments, "seed": seed}, replace, folder, batch_size)
    job.check_consent(max_seconds)
    with tqdm(total=len(job.missing()), desc="sweep", unit="picture", delay=PATIENCE, leave=False) as bar:
        try:
            while job.missing():
                bar.update(job.make_some())
                job.check_consent(max_seconds)
        except KeyboardInterrupt:
            if not job.done:
                raise
            warnings.warn(f"interrupted: {job.state()}.", stacklevel=2)
        except Exception as error:
            if not job.done or isinstance(error, _NoConsent):
                raise
            stopped = SweepStopped(f"the sweep stopped: {error}; {job.state()}.")
            stopped.shots = job.shots()
            raise stopped from error
    return job.shots()


def plan_sweep(pipe, prompt=None, *, seed=0, replace=None, folder: str | Path | None = None, **arguments) -> Plan:
    """Say what a `sweep` with these arguments costs, after making at most one of its pictures.

    The seconds follow from the pictures already in `folder`, else from one that is made now (and
    kept in the folder, where one is given). Raises what `sweep` raises before its first picture.
    """
    job = _prepare(pipe, {"prompt": prompt, **arguments, "seed": seed}, replace, folder, 1)
    there = len(job.done)
    if job.missing() and job.rate() is None:
        job.make_some()
    return Plan(len(job.cells), there, job.seconds_left(), memory_of(pipe, job.cells))


class _NoConsent(ValueError):
    """The rest takes longer than was agreed to."""


@dataclass
class _Job:
    """A sweep on its way: its cells, and the shots that are finished."""

    axes: dict
    cells: list[Cell]
    variants: Variants
    store: Store | None
    size: int
    done: dict[Cell, Shot] = field(default_factory=dict)
    agreed: bool = False
    _current: tuple[Parts, Any, Texts] | None = None

    def missing(self) -> list[Cell]:
        return [cell for cell in self.cells if cell not in self.done]

    def shots(self) -> Shots:
        return Shots([self.done[cell] for cell in self.cells if cell in self.done], self.axes)

    def rate(self) -> float | None:
        """Return the seconds of one unit of work, measured on the finished pictures."""
        work = sum(cell.work for cell in self.done)
        return sum(shot.seconds for shot in self.done.values()) / work if work else None

    def seconds_left(self) -> float | None:
        rate = self.rate()
        return None if rate is None else rate * sum(cell.work for cell in self.missing())

    def state(self) -> str:
        where = f", and the same call goes on with those in {self.store.folder}" if self.store else ""
        return f"{len(self.done)} of {len(self.cells)} pictures are finished{where}"

    def check_consent(self, limit):
        """Raise ValueError if the rest will take longer than the limit; asked once, when a time is known."""
        left = self.seconds_left()
        if self.agreed or left is None:
            return
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
        """Make the next pictures, one to measure and then in batches; return how many more there are."""
        before = len(self.done)
        batch = groups(self.missing())[0][: 1 if self.rate() is None else self.size]
        self.find(batch)  # another process may have made some meanwhile
        batch = [cell for cell in batch if cell not in self.done]
        if batch:
            try:
                shots = self._make(batch)
            except (RuntimeError, MemoryError) as error:
                if len(batch) == 1 or not is_out_of_memory(error):
                    raise
                self.size = len(batch) // 2
                return 0
            self.done.update(zip(batch, shots))
            if self.store:
                for cell, shot in zip(batch, shots):
                    self.store.keep(cell, shot)
        return len(self.done) - before

    def _make(self, batch):
        parts = batch[0].parts
        if self._current is None or self._current[0] != parts:
            self._current = None  # frees the weights of the last variant
            pipe = self.variants[parts]
            self._current = parts, pipe, Texts(pipe)
        return make(self._current[1], batch, self._current[2])


def _prepare(pipe, arguments, words, folder, batch_size):
    if batch_size is not None and (isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(f"batch_size is {batch_size!r}; give a whole number of 1 or more.")
    variants = Variants(pipe)
    axes, cells = plan_cells(pipe, variants, arguments, words)
    store = None
    if folder is not None:
        if any(cell.settings["output_type"] != "pil" for cell in cells):
            raise ValueError('a folder keeps pictures as PNG; give output_type="pil", or no folder.')
        store = Store(folder)
    job = _Job(axes, cells, variants, store, batch_size or (1 if len(cells) <= EXACT else BATCH))
    job.find(cells)
    return job
