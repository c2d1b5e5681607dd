"""A sweep's batches, made by the workers of a Dask cluster on this machine or on several.

Workers are told where the model is and load it themselves, once for each process. They send each
picture back, as a finished PNG where there is a folder; only the caller's process writes to it. A
batch whose worker dies is given to another one by Dask.

What a worker runs is `_ready` and `_work`; everything else runs in the caller's process.
"""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import queue
import re
import subprocess
import sys
import threading
import time
import uuid
import warnings
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sdkit.call.generate import origin_of
from sdkit.loading.pipeline import device_of, load_pipeline
from sdkit.loading.provenance import loading_of
from sdkit.quiet import quiet
from sdkit.record.png import same_kind
from sdkit.shot import Shot, caption, in_words
from sdkit.sweeping.batches import Texts, make
from sdkit.sweeping.plan import Cell
from sdkit.sweeping.store import Store, opened, pack
from sdkit.sweeping.variants import Variants

LOOPBACK = "127.0.0.1"
ANSWER = 10  # seconds for a scheduler to answer, and then to have a worker
START = 120  # seconds for the processes of a local cluster to start
LOOK = 2  # seconds between looks at which workers are there
ABSENCE = 60  # seconds without any worker before a sweep gives up
DEATHS = 1  # workers of a local cluster that a batch may take down before the next one is blamed on it
LOGGERS = ("distributed", "distributed.client", "distributed.scheduler")


class WorkerError(RuntimeError):
    """A worker cannot make the pictures that were asked for."""


def check_workers(workers) -> None:
    """Raise ImportError without Dask; TypeError or ValueError unless workers is a number, an address or a client."""
    client = _distributed().Client
    wanted = "give a number of processes, the address of a scheduler such as tcp://192.168.1.5:8786, or a Dask client"
    if isinstance(workers, client):
        if workers.asynchronous or workers.status != "running":
            state = "asynchronous" if workers.asynchronous else workers.status
            raise ValueError(f"workers is a Dask client that is {state}; give a connected one, not asynchronous.")
    elif isinstance(workers, bool) or not isinstance(workers, (int, str)):
        raise TypeError(f"workers is a {type(workers).__name__}; {wanted}.")
    elif isinstance(workers, int) and workers < 1:
        raise ValueError(f"workers is {workers}; {wanted}.")
    elif isinstance(workers, str) and "://" not in workers:
        raise ValueError(f"workers is {workers!r}; {wanted}.")


@contextmanager
def connected(workers, pipe, cells: list[Cell], store: Store | None):
    """Yield a `Cluster` whose workers have loaded the model and can make the cells.

    What was started or connected here is closed again, and what is still being made is given up.
    Raises ValueError for what no worker can do, OSError if no scheduler answers, TimeoutError if it
    has no workers, `WorkerError` if some of its workers cannot make the pictures.
    """
    recipe = _recipe(pipe, cells)
    with ExitStack() as closing:
        if isinstance(workers, int):
            client = closing.enter_context(_local_client(workers, device_of(pipe)))
        elif isinstance(workers, str):
            client = closing.enter_context(_client_at(workers))
        else:
            client = workers
        _check_ready(client, recipe, cells[0])
        cluster = Cluster(client, recipe, store)
        closing.callback(cluster.cancel)
        yield cluster


class Cluster:
    """Hands batches of cells to the workers and takes in their pictures in the order in which they are finished."""

    def __init__(self, client, recipe, store):
        self._client, self._recipe, self._store = client, recipe, store
        self._running: dict = {}  # key -> (batch, future)
        self._finished: queue.SimpleQueue = queue.SimpleQueue()
        self._seen = time.monotonic()  # when there last was a worker
        self._look()

    def _look(self):
        """See how many workers there are: some may have come, died or been started again."""
        there = len(self._client.nthreads())
        self._looked = time.monotonic()
        if there:
            self._seen = self._looked
        self.slots = max(1, there)  # batches made at the same time
        self.limit = 2 * self.slots  # batches it takes: each worker has one to go on with

    def start(self, batch: list[Cell]) -> None:
        """Give a batch to whichever worker is free first."""
        names = [self._store.path(cell).stem for cell in batch] if self._store else None
        # Packed here: Dask would look for tasks inside lists and dictionaries.
        task = pickle.dumps((self._recipe, [_portable(cell) for cell in batch], names))
        future = self._client.submit(_work, task, key=f"pictures-{uuid.uuid4().hex}", pure=False)
        self._running[future.key] = batch, future
        future.add_done_callback(lambda done: self._finished.put(done.key))

    def wait(self):
        """Wait for the batch that is finished next; return it, and the function that gives its (shot, file) pairs.

        That function raises what went wrong instead. Raises ConnectionError if all workers stay away.
        """
        while True:
            if time.monotonic() - self._looked > LOOK:
                self._look()
            if self._looked - self._seen > ABSENCE:
                raise ConnectionError(f"no worker has been connected for {ABSENCE} s; start some, then sweep again")
            try:
                key = self._finished.get(timeout=LOOK)
            except queue.Empty:
                continue
            batch, future = self._running.pop(key)
            return batch, partial(self._collect, batch, future)

    def _collect(self, batch, future):
        from distributed import KilledWorker

        try:
            pictures, machine, told = future.result()
        except KilledWorker as error:
            labels = "; ".join(caption(cell.label) for cell in batch)
            raise MemoryError(  # what most often kills a process without a word
                f"{error.allowed_failures + 1} workers in turn died while they made the picture of {labels}; "
                "mostly that means that the memory did not suffice"
            ) from error
        except CancelledError as error:
            raise ConnectionError("the connection to the scheduler was lost; start it, then sweep again") from error
        finally:
            future.release()
        for text in told:
            warnings.warn(text, stacklevel=5)
        return [self._shot(cell, machine, *picture) for cell, picture in zip(batch, pictures)]

    def _shot(self, cell, machine, picture, seconds):
        image, packed = (opened(io.BytesIO(picture)), picture) if self._store else (picture, None)
        return Shot(image, cell.settings, {**cell.origin, "machine": machine}, cell.label, seconds), packed

    def cancel(self) -> None:
        """Give up what is not finished; a worker still ends the batch it is at."""
        futures = [future for _, future in self._running.values()]
        self._running.clear()
        if futures and self._client.status == "running":
            self._client.cancel(futures)
        for future in futures:
            future.release()


@dataclass(frozen=True)
class _Recipe:
    """What a worker needs to build the caller's pipeline: how to load the weights, and what was made of them."""

    loading: dict
    origin: dict
    sweep: str

    @property
    def weights(self):
        """Return what the weights in a worker's memory follow from."""
        return self.loading, self.origin["device"], self.origin["dtype"]

    def load(self):
        import torch

        dtype = getattr(torch, self.origin["dtype"].removeprefix("torch."))
        return load_pipeline(**self.loading, device=self.origin["device"], dtype=dtype)


def _recipe(pipe, cells):
    import diffusers

    loading, kind = loading_of(pipe), type(pipe)
    if loading is None:
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
    return _Recipe(loading, origin_of(pipe), uuid.uuid4().hex)


def _portable(cell):
    """Return a cell to be sent: tensors alone and from the processor's memory, where a slice would bring the whole."""
    label = {name: in_words(value) for name, value in cell.label.items()}
    parts = cell.parts
    if parts.model is not None and os.path.isdir(os.path.expanduser(parts.model)):  # workers may be elsewhere
        parts = parts._replace(model=os.path.abspath(os.path.expanduser(parts.model)))
    return replace(cell, label=label, parts=parts, arguments=_copied(cell.arguments), settings=_copied(cell.settings))


def _copied(values):
    return {name: one.detach().cpu().clone() if hasattr(one, "detach") else one for name, one in values.items()}


def _check_ready(client, recipe, cell):
    """Let every worker load the model; raise `WorkerError` unless all can make the cell."""
    threads = {worker: count for worker, count in client.nthreads().items() if count > 1}
    if threads:
        worker, count = next(iter(threads.items()))
        raise WorkerError(
            f"the worker at {worker} has {count} threads, and a model makes one batch at a time; "
            "start workers with --nthreads 1, several for a machine that has room for more."
        )
    answers = client.run(_ready, pickle.dumps((recipe, _portable(cell))), on_error="return")
    there = client.nthreads()
    refused = {worker: error for worker, error in answers.items() if error is not None and worker in there}
    if refused:
        reasons: dict = {}
        for worker, error in refused.items():
            reasons.setdefault(_reason(error), []).append(worker)
        told = "; ".join(f"{', '.join(ones)}: {reason}" for reason, ones in reasons.items())
        first = next(iter(refused.values()))
        raise WorkerError(f"{len(refused)} of {len(answers)} workers cannot make these pictures. {told}") from first


def _reason(error):
    if isinstance(error, ModuleNotFoundError):
        return f"{error}; install this package there as its README says, the extra cluster included."
    return f"{type(error).__name__}: {error}"


@contextmanager
def _client_at(address):
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"no scheduler answers at {address}; start one, or check the address ({error}).") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER)
        except asyncio.TimeoutError as error:
            raise TimeoutError(f"the scheduler at {address} has no workers; start some.") from error
        yield client


@contextmanager
def _local_client(count, device):
    """Start a scheduler in this process and workers in others, all on the loopback interface; yield a client."""
    distributed = _distributed()
    environments = _environments(count, device)
    with ExitStack() as closing:
        closing.enter_context(_silence())
        cluster = closing.enter_context(
            distributed.LocalCluster(
                n_workers=0, threads_per_worker=1, host=LOOPBACK, silence_logs=False,
                scheduler_kwargs={"allowed_failures": DEATHS, "dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
            )
        )  # fmt: skip
        client = closing.enter_context(distributed.Client(cluster, set_as_default=False))
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="sdkit-", ignore_cleanup_errors=True)))
        command = [
            sys.executable, "-m", "dask", "worker", cluster.scheduler_address, "--host", LOOPBACK, "--nthreads", "1",
            "--memory-limit", "0", "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0",
            "--death-timeout", str(START), "--local-directory", str(folder),
        ]  # fmt: skip
        # Not Dask's own local workers: those change this process's environment, and run its script once more.
        log = closing.enter_context((folder / "log").open("w+b"))
        options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
        workers = [subprocess.Popen(command, env=one, **options) for one in environments]
        closing.callback(_end, workers)
        _await(client, workers, folder / "log")
        yield client


def _environments(count, device):
    """Return the environment of each local worker: a card each, or its share of the processor's cores."""
    import torch

    if device.type == "cpu":
        cards, threads = [None] * count, max(1, torch.get_num_threads() // count)
    else:
        cards, threads = [None], torch.get_num_threads()
        if device.type == "cuda":
            shown = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(torch.cuda.device_count())))
            cards = shown.split(",")
    if count > len(cards):
        raise ValueError(f"workers is {count}, and this machine has {len(cards)} graphics cards: give one for each.")
    common = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),  # the same packages as here
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    return [common if card is None else {**common, "CUDA_VISIBLE_DEVICES": card} for card in cards[:count]]


def _await(client, workers, log):
    began = time.monotonic()
    while len(client.nthreads()) < len(workers):
        if any(worker.poll() is not None for worker in workers) or time.monotonic() - began > START:
            told = re.findall(r"^[\w.]*Error: .*", log.read_text(errors="replace"), re.MULTILINE)
            raise RuntimeError(f"the local workers did not start: {told[0] if told else 'they told no error'}.")
        time.sleep(0.05)


def _end(workers):
    """End the local workers at once: they hold nothing that is wanted, and asked to end they finish their batch."""
    for worker in workers:
        worker.kill()  # the process it watches over ends with it
    for worker in workers:
        worker.wait()


@contextmanager
def _silence():
    """Keep Dask's loggers from telling about workers that come, die or are given up; put back afterwards."""
    import logging

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)


def _distributed():
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "workers needs Dask's package distributed; install this project's extra for it, in its folder: "
            'pip install -c constraints.txt -e ".[cluster]"'
        ) from error
    return distributed


# What follows runs in the workers.

# Workers may be threads of one process, and two threads in one pipeline spoil each other's pictures.
_lock = threading.Lock()
_LEVELS = ("weights", "variants", "pipeline")
_kept: dict = {}  # level -> (what it was made for, what was made); each is made of the one before


async def _ready(task: bytes) -> None:
    """Load the model and check it, outside of the thread that answers the scheduler."""
    await asyncio.to_thread(_check, task)


def _check(task):
    recipe, cell = pickle.loads(task)
    with _lock:
        _pipeline(recipe, cell)


def _work(task: bytes):
    """Make a batch; return its pictures with their seconds, the machine, and what the caller is to be warned of."""
    recipe, cells, names = pickle.loads(task)
    told: list[str] = []
    with _lock:
        pipe, texts = _pipeline(recipe, cells[0])
        machine = origin_of(pipe)["machine"]
        cells = [replace(cell, origin={**cell.origin, "machine": machine}) for cell in cells]
        shots = make(pipe, cells, texts, tell=told.append)
    pictures = [pack(shot, name) for shot, name in zip(shots, names)] if names else [shot.image for shot in shots]
    return [(picture, shot.seconds) for picture, shot in zip(pictures, shots)], machine, told


def _pipeline(recipe, cell):
    """Return the pipeline that makes a cell, and the texts it has encoded; the weights stay from sweep to sweep."""
    weights = _last("weights", recipe.weights, recipe.load)
    variants = _last("variants", recipe.sweep, lambda: Variants(_same_kind(weights, recipe.origin)))
    return _last("pipeline", (recipe.sweep, cell.parts), lambda: _checked(variants[cell.parts], cell.origin))


def _last(level, key, make_it):
    if level not in _kept or _kept[level][0] != key:
        for one in _LEVELS[_LEVELS.index(level) :]:  # frees the weights before others are made
            _kept.pop(one, None)
        _kept[level] = key, make_it()
    return _kept[level][1]


def _same_kind(weights, origin):
    with quiet():
        return same_kind(weights, origin)


def _checked(pipe, wanted):
    differing = list(_differences(wanted, origin_of(pipe)))
    if differing:
        raise WorkerError(
            f"the pictures would not be those asked for: {', '.join(differing)}. Give the workers the same model "
            "and the same installation as the caller's."
        )
    return pipe, Texts(pipe)


def _differences(wanted, here, name=""):
    """Yield in words what differs between two origins, the machine left out."""
    for key in sorted({*wanted, *here} - ({"machine"} if not name else set())):
        one, other = wanted.get(key), here.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{name}{key} ")
        elif one != other:
            yield f"{name}{key} is {in_words(other)} here and {in_words(one)} at the caller's"
