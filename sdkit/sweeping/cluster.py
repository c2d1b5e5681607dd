"""A sweep's batches, made by the workers of a Dask cluster on this machine or on several.

Workers are told where the model is and load it themselves, once for each process
(sdkit/sweeping/cluster_worker.py), and send each picture back; only the caller's process writes
files. A batch whose worker dies is given to another one by Dask.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

from sdkit.loading.device import device_of
from sdkit.loading.provenance import origin_of, source_of
from sdkit.shot import caption, in_words
from sdkit.sweeping.cluster_local import local_client
from sdkit.sweeping.cluster_worker import PROCESS, Recipe, WorkerError, detached, make_batch, prepare
from sdkit.sweeping.executor import Result
from sdkit.sweeping.plan import Cell

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_TIMEOUT = 10  # seconds for a scheduler to answer, and then to have a worker
WORKER_TIMEOUT = 60  # seconds without any worker before a sweep gives up
POLL_SECONDS = 2  # between looks at which workers are there


def check_workers(workers: int | str | Client) -> None:
    """Raise ImportError without Dask; TypeError or ValueError unless workers is a number, an address or a client."""
    try:
        import cryptography  # noqa: F401  (for the keys of the workers on this machine)
        import distributed
    except ImportError as error:
        raise ImportError(
            f"workers needs Dask, and {error.name} is not installed; install this project's extra for it, in its "
            'folder: pip install -c constraints.txt -e ".[cluster]"'
        ) from error
    wanted = "give a number of processes, the address of a scheduler such as tcp://192.168.1.5:8786, or a Dask client"
    if isinstance(workers, distributed.Client):
        if workers.asynchronous or workers.status != "running":
            state = "asynchronous" if workers.asynchronous else workers.status
            raise ValueError(f"workers is a Dask client that is {state}; give a connected one, not asynchronous.")
    elif isinstance(workers, bool) or not isinstance(workers, (Integral, str)):
        raise TypeError(f"workers is a {type(workers).__name__}; {wanted}.")
    elif isinstance(workers, Integral) and workers < 1:
        raise ValueError(f"workers is {workers}; {wanted}.")
    elif isinstance(workers, str) and "://" not in workers:
        raise ValueError(f"workers is {workers!r}; {wanted}.")


def connect(workers: int | str | Client, pipe, cells: list[Cell]) -> DaskExecutor:
    """Return an executor whose workers have loaded the model and can make the cells.

    Raises ValueError for what no worker can do, OSError if no scheduler answers, TimeoutError if it
    has no workers, `WorkerError` if some of its workers cannot make the pictures.
    """
    recipe = recipe_for(pipe, cells)
    with ExitStack() as closing:
        if isinstance(workers, Integral):
            client = closing.enter_context(local_client(int(workers), device_of(pipe)))
        elif isinstance(workers, str):
            client = closing.enter_context(_client_at(workers))
        else:
            client = workers
        _check_ready(client, recipe, cells[0])
        return DaskExecutor(client, recipe, closing.pop_all())


class DaskExecutor:
    """Hands batches of cells to the workers of a Dask cluster; results come in the order in which they are finished.

    `opened` holds what is closed with it: what was started or connected for it.
    """

    def __init__(self, client: Client, recipe: Recipe, opened: ExitStack):
        self._client, self._recipe, self._opened = client, recipe, opened
        self._running: dict[str, tuple[list[Cell], Future]] = {}
        self._suspects: list[list[Cell]] = []  # batches that were with workers which died, to be made once more
        self._seconds: set[str] = set()  # keys of those that are made once more
        self._finished: queue.SimpleQueue[str] = queue.SimpleQueue()  # keys of `_running`
        self._seen_worker = time.monotonic()
        self._count_workers()

    def _count_workers(self):
        """See how many workers there are: some may have come, died or been started again."""
        count = len(self._client.nthreads())
        self._counted = time.monotonic()
        if count:
            self._seen_worker = self._counted
        self.workers = max(1, count)

    @property
    def capacity(self) -> int:
        """Two batches for each worker, so that it has one to go on with; while suspects wait, no more."""
        return 0 if self._suspects else 2 * self.workers

    def submit(self, batch: list[Cell]) -> None:
        """Give a batch to whichever worker is free first."""
        self._submit(batch)

    def _submit(self, batch):
        # Pickled here: Dask would look for tasks inside lists and dictionaries.
        task = pickle.dumps((self._recipe, [portable(cell) for cell in batch]))
        future = self._client.submit(make_batch, task, key=f"pictures-{uuid.uuid4().hex}", pure=False)
        self._running[future.key] = batch, future
        future.add_done_callback(lambda done: self._finished.put(done.key))
        return future.key

    def next_result(self) -> Result:
        """Wait for the batch that is finished next. Raises ConnectionError if all workers stay away."""
        from distributed import KilledWorker

        while True:
            if self._suspects and not self._running:
                self._seconds.add(self._submit(self._suspects.pop(0)))
            batch, future = self._next_finished()
            try:
                return self._collect(batch, future)
            except KilledWorker as error:
                # Dask also blames a batch that only waited where another one brought the worker down: each is tried
                # once more, alone.
                if future.key not in self._seconds:
                    self._suspects.append(batch)
                else:
                    return Result(batch, error=_too_much(batch, error))
            except Exception as error:  # the sweep decides which errors end it
                return Result(batch, error=error)

    def _next_finished(self):
        while True:
            if time.monotonic() - self._counted > POLL_SECONDS:
                self._count_workers()
            if self._counted - self._seen_worker > WORKER_TIMEOUT:
                raise ConnectionError(
                    f"no worker has been connected for {WORKER_TIMEOUT} s; start some, then sweep again"
                )
            try:
                return self._running.pop(self._finished.get(timeout=POLL_SECONDS))
            except queue.Empty:
                continue

    def _collect(self, batch, future):
        """Return what a worker made of a batch. Raises what it raised, or what kept it from an answer."""
        try:
            answer = future.result()
        except CancelledError as error:
            raise ConnectionError("the connection to the scheduler was lost; start it, then sweep again") from error
        finally:
            future.release()
        shots = [replace(shot, settings=cell.settings, label=cell.label) for cell, shot in zip(batch, answer.shots)]
        return Result(batch, shots, warnings=answer.warnings)

    def close(self) -> None:
        """Give up what is not finished, though a worker still ends the batch it is at; close what was opened."""
        futures = [future for _, future in self._running.values()]
        self._running.clear()
        with self._opened:
            if futures and self._client.status == "running":
                self._client.cancel(futures)
            for future in futures:
                future.release()


def _too_much(batch, error):
    """Return the error for a batch that brings workers down: memory is what most often kills them without a word."""
    labels = "; ".join(caption(cell.label) for cell in batch)
    made = MemoryError(
        f"{error.allowed_failures + 1} workers in turn died while they made the picture of {labels}; "
        "mostly that means that the memory did not suffice"
    )
    made.__cause__ = error
    return made


def recipe_for(pipe, cells: list[Cell]) -> Recipe:
    """Return what workers need to build a pipeline. Raises ValueError if they cannot, or cannot make the cells."""
    import diffusers

    source, kind = source_of(pipe), type(pipe)
    if source.call is None:
        raise ValueError(
            "workers load the model themselves, and it is not known where this pipeline came from; "
            "load it with load_pipeline, without a safety checker of your own."
        )
    if getattr(diffusers, kind.__name__, None) is not kind:
        raise ValueError(f"workers know diffusers' own pipelines only, not {kind.__module__}.{kind.__name__}.")
    for cell in cells:
        for name, value in cell.arguments.items():
            if callable(value):
                raise ValueError(
                    f"{name} is a function, and a worker's call of it would reach nothing here; leave out {name}, "
                    "or workers."
                )
    loading: dict[str, Any] = {**source.call, "revision": source.revision}
    loading = {name: value for name, value in loading.items() if value is not None}
    if pipe.safety_checker is None:
        loading["safety_checker"] = None  # leaves it out, where the default would load it
    return Recipe(loading, origin_of(pipe), uuid.uuid4().hex, PROCESS)


def portable(cell: Cell) -> Cell:
    """Return a cell to be sent: tensors alone and in main memory, a model's folder as an absolute path."""
    parts = cell.parts
    if parts.model is not None and os.path.isdir(os.path.expanduser(parts.model)):  # workers may be elsewhere
        parts = parts._replace(model=os.path.abspath(os.path.expanduser(parts.model)))
    return replace(
        cell,
        label={name: in_words(value) for name, value in cell.label.items()},
        parts=parts,
        arguments={name: detached(value) for name, value in cell.arguments.items()},
        settings={name: detached(value) for name, value in cell.settings.items()},
    )


def _check_ready(client, recipe, cell):
    """Let every worker load the model; raise `WorkerError` unless all can make the cell."""
    threads = {worker: count for worker, count in client.nthreads().items() if count > 1}
    if threads:
        worker, count = next(iter(threads.items()))
        raise WorkerError(
            f"the worker at {worker} has {count} threads, and a model makes one batch at a time; "
            "start workers with --nthreads 1, several for a machine that has room for more."
        )
    answers = client.run(prepare, pickle.dumps((recipe, portable(cell))), on_error="return")
    still_there = client.nthreads()
    errors = {worker: error for worker, error in answers.items() if error is not None and worker in still_there}
    if errors:
        by_reason: dict[str, list[str]] = {}
        for worker, error in errors.items():
            by_reason.setdefault(_reason(error), []).append(worker)
        reasons = "; ".join(f"{', '.join(workers)}: {reason}" for reason, workers in by_reason.items())
        first = next(iter(errors.values()))
        raise WorkerError(f"{len(errors)} of {len(answers)} workers cannot make these pictures. {reasons}") from first


def _reason(error):
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; install this package there as its README says, the extra cluster included."
    return f"{type(error).__name__}: {error}"


@contextmanager
def _client_at(address: str) -> Iterator[Client]:
    """Yield a client of the scheduler at an address, with at least one worker."""
    import distributed

    try:
        client = distributed.Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"no scheduler answers at {address}; start one, or check the address ({error}).") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except asyncio.TimeoutError as error:
            raise TimeoutError(f"the scheduler at {address} has no workers; start some.") from error
        yield client
