"""What a Dask worker does: load the caller's model once, check that it is the same, make batches of its cells.

The caller sends what these functions take, pickled; they run in the worker's process.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sdkit.loading.pipeline import load_pipeline
from sdkit.loading.provenance import origin_of
from sdkit.quiet import quiet
from sdkit.record.png import pipeline_of
from sdkit.shot import Origin, Shot, in_words
from sdkit.sweeping.executor import LocalExecutor
from sdkit.sweeping.plan import Cell
from sdkit.sweeping.variants import Parts, Variants

PROCESS = uuid.uuid4().hex  # a name of this process; workers may be threads of the caller's
_lock = threading.Lock()  # two threads in one pipeline spoil each other's pictures


class WorkerError(RuntimeError):
    """A worker cannot make the pictures that were asked for."""


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to build the caller's pipeline.

    `loading` holds the arguments of `load_pipeline` for the weights, `origin` what the caller made of them;
    `sweep` is a name that no other sweep has, `caller` the caller's `PROCESS`.
    """

    loading: dict[str, Any]
    origin: Origin
    sweep: str
    caller: str

    def weights_key(self) -> tuple:
        """Return what the weights in a worker's memory follow from."""
        return self.loading, self.origin.device, self.origin.dtype

    def load(self) -> Any:
        """Return the pipeline as `load_pipeline` loads it."""
        import torch

        dtype = getattr(torch, self.origin.dtype.removeprefix("torch."))
        return load_pipeline(**self.loading, device=self.origin.device, dtype=dtype)


@dataclass(frozen=True)
class WorkerResult:
    """A batch as a worker sends it: its shots, without the settings and labels that the caller has, and warnings."""

    shots: list[Shot]
    warnings: list[str]


async def prepare(task: bytes) -> None:
    """Load the model for a pickled (recipe, cell), outside of the thread that answers the scheduler.

    Raises what loading raises, and `WorkerError` if the picture would not be the one that is asked for.
    """
    recipe, cell = pickle.loads(task)
    await asyncio.to_thread(_load, recipe, cell)


def make_batch(task: bytes) -> WorkerResult:
    """Make the pictures of a pickled (recipe, cells). Raises what making them raises."""
    recipe, cells = pickle.loads(task)
    with _lock, _warnings_for(recipe) as caught:
        executor, machine = _cache.executor_for(recipe, cells[0])
        executor.submit(cells)
        result = executor.next_result()
    if result.error is not None:
        raise result.error
    texts = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    origin = replace(cells[0].origin, machine=machine)  # the cells of a batch have equal parts
    return WorkerResult(
        [replace(shot, image=detached(shot.image), settings={}, origin=origin, label={}) for shot in result.shots],
        texts,
    )


@contextmanager
def _warnings_for(recipe: Recipe) -> Iterator[list[warnings.WarningMessage]]:
    """Record the warnings in the block for a caller in another process; one in this process hears them itself."""
    if recipe.caller == PROCESS:
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield caught


def detached(value: Any) -> Any:
    """Return a tensor alone and in main memory, where a slice would bring the whole; anything else as it is."""
    return value.detach().cpu().clone() if hasattr(value, "detach") else value


class _Cache:
    """What this process keeps: weights from sweep to sweep, an executor for one sweep, and whether it was checked.

    Each is a pair: what it was made for, and what was made: (key, pipeline), (sweep, executor), (parts, machine).
    """

    def __init__(self):
        self.weights: tuple[tuple, Any] | None = None
        self.executor: tuple[str, LocalExecutor] | None = None
        self.checked: tuple[Parts, dict[str, Any]] | None = None

    def executor_for(self, recipe: Recipe, cell: Cell) -> tuple[LocalExecutor, dict[str, Any]]:
        """Return what makes a cell, and the machine; raise `WorkerError` if that would be another picture."""
        key = recipe.weights_key()
        if self.weights is None or self.weights[0] != key:
            self.weights = self.executor = None  # frees the weights before others are loaded
            self.weights = key, recipe.load()
        if self.executor is None or self.executor[0] != recipe.sweep:
            self.executor = self.checked = None
            with quiet():
                pipe = pipeline_of(recipe.origin, self.weights[1])
            self.executor = recipe.sweep, LocalExecutor(Variants(pipe))
        executor = self.executor[1]
        if self.checked is None or self.checked[0] != cell.parts:  # once, for it reads all weights
            pipe, _ = executor.pipeline(cell.parts)
            self.checked = cell.parts, _checked(origin_of(pipe), cell.origin).machine
        return executor, self.checked[1]


_cache = _Cache()


def _load(recipe, cell):
    with _lock:
        _cache.executor_for(recipe, cell)


def _checked(here: Origin, wanted: Origin) -> Origin:
    """Return the origin of pictures made here; raise `WorkerError` if those that are wanted have another one."""
    differing = list(_differences(_without_machine(wanted), _without_machine(here)))
    if differing:
        raise WorkerError(
            f"the pictures would not be those asked for: {', '.join(differing)}. Give the workers the same model "
            "and the same installation as the caller's."
        )
    return here


def _without_machine(origin: Origin) -> dict[str, Any]:
    return {name: value for name, value in origin.to_dict().items() if name != "machine"}


def _differences(wanted: dict[str, Any], here: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Say what differs between two records of an origin."""
    for name in sorted({*wanted, *here}):
        wanted_value, value = wanted.get(name), here.get(name)
        if isinstance(wanted_value, dict) and isinstance(value, dict):
            yield from _differences(wanted_value, value, f"{prefix}{name} ")
        elif wanted_value != value:
            yield f"{prefix}{name} is {in_words(value)} here and {in_words(wanted_value)} at the caller's"
