"""Measure what a sweep on a cluster costs besides the pictures, and how far it scales: `python -m benchmarks.cluster`.

The costs are measured with two idle Dask workers on this machine. From them follows, for more
workers than there are here, what bounds the pictures per second: the workers themselves, the tasks
that scheduler and client handle, what the client receives, encodes and writes, or a network of
1 Gbit/s. The scheduler runs in the client's process here, so in a lab, where it has its own, there
is somewhat more room. Takes about half a minute on two processor cores; nothing else should run.
"""

import pickle
import tempfile
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from distributed import Client, LocalCluster
from PIL import Image

from benchmarks.record import median_seconds, options, report
from sdkit import load_pipeline
from sdkit.shot import Shot
from sdkit.sweeping.cluster import portable, recipe_for
from sdkit.sweeping.cluster_worker import WorkerResult
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.store import Store
from sdkit.sweeping.variants import Variants
from tools.markdown import markdown_table

SIDES = (64, 512, 1024)  # pixels
BATCH_SIZE = 8  # pictures in a task
TASKS = 200
IN_PROGRESS = 4  # tasks that are always under way, as in a sweep by two workers
NETWORK = 125e6  # bytes per second: 1 Gbit/s
WORKERS = (10, 100, 1000)
SECONDS = (0.5, 5, 60)  # of one picture: a fast card, a slow card, a processor


@dataclass(frozen=True)
class Costs:
    """What a task costs in seconds, and one picture of it in seconds and bytes, besides making it."""

    side: int
    task: float
    received: float
    kept: float
    size: int

    def limits(self, workers: int, seconds: float) -> dict[str, float]:
        """Return the most pictures per second that each part can handle, if one takes a worker so many seconds."""
        return {
            "workers": workers / seconds,
            "tasks": BATCH_SIZE / self.task,
            "client": 1 / (self.received + self.kept),
            "network": NETWORK / self.size,
        }


def photograph(side: int) -> Image.Image:
    """Return a picture with about as much in it as a photograph: soft shapes and a little noise."""
    random = np.random.default_rng(side)
    shapes = Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).resize((side, side), Image.BICUBIC)
    noise = random.normal(0, 2, (side, side, 3))
    return Image.fromarray((np.asarray(shapes) + noise).clip(0, 255).astype(np.uint8))


def stand_in(task: bytes, side: int) -> WorkerResult:
    """Give what a worker would that makes a batch of pictures in no time; an empty batch for a side of 0."""
    recipe, cells = pickle.loads(task)
    return WorkerResult([Shot(Image.new("RGB", (side, side)), {}, recipe.origin) for _ in cells if side], [])


def seconds_per_task(client: Client, task: bytes, side: int) -> float:
    """Return the seconds of a task that gives pictures of so many pixels a side, some tasks always being under way."""
    futures: deque = deque()
    began = time.perf_counter()
    for number in range(TASKS + IN_PROGRESS):
        if number < TASKS:
            futures.append(client.submit(stand_in, task, side, pure=False))
        if number >= IN_PROGRESS:
            futures.popleft().result()
    return (time.perf_counter() - began) / TASKS


def measured(client: Client) -> tuple[int, list[Costs]]:
    """Return the bytes of a task, and the costs for each size of picture."""
    pipe = load_pipeline()
    cells = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": range(BATCH_SIZE)})[1]
    task = pickle.dumps((recipe_for(pipe, cells), [portable(cell) for cell in cells]))
    seconds_per_task(client, task, 0)  # the first tasks are slower
    empty = seconds_per_task(client, task, 0)
    costs = []
    for side in SIDES:
        shot = Shot(photograph(side), cells[0].settings, cells[0].origin, {}, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            kept = median_seconds(lambda store=store, shot=shot: store.keep(cells[0], shot), 20)
        received = max(0.0, seconds_per_task(client, task, side) - empty) / BATCH_SIZE
        costs.append(Costs(side, empty, received, kept, len(pickle.dumps(shot.image))))
    return len(task), costs


def scaled(costs: list[Costs]) -> str:
    """Return what follows from the costs for more workers than there are, as a table in Markdown."""
    rows = []
    for cost in costs:
        for seconds in SECONDS:
            for workers in WORKERS:
                limits = cost.limits(workers, seconds)
                bound = min(limits, key=limits.__getitem__)
                rate, busy = limits[bound], limits[bound] / limits["workers"]
                rows.append(
                    [f"{cost.side} px", f"{seconds:g} s", str(workers), f"{rate:.3g}", f"{busy:.0%}", bound],
                )
    return markdown_table(["picture", "made in", "workers", "pictures per second", "workers busy", "bound by"], rows)


def main(given: list[str] | None = None) -> None:
    """Measure with two workers, report the costs and what follows from them."""
    arguments = options("cluster", __doc__, given)
    no_dashboard = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", scheduler_kwargs=no_dashboard) as two,
        Client(two, set_as_default=False) as client,
    ):
        task, costs = measured(client)
    columns = ["picture", "kB", "client: receive, ms", "client: encode and write, ms"]
    rows = [
        [f"{cost.side} px", round(cost.size / 1000), round(1000 * cost.received, 1), round(1000 * cost.kept, 1)]
        for cost in costs
    ]
    held = {
        "pictures in a task": BATCH_SIZE,
        "kB of a task": round(task / 1000),
        "ms to handle a task": round(costs[0].task * 1000, 1),
    }
    report(arguments, columns, rows, more=scaled(costs), **held)


if __name__ == "__main__":
    main()
