"""Measure what a sweep on a cluster costs besides the pictures, and how far it scales: `python -m benchmarks.cluster`.

The costs are measured with two idle Dask workers on this machine. From them follows, for more
workers than there are here, what bounds the pictures per second: the workers themselves, the tasks
that scheduler and client handle, what the client receives, reads and writes, or a network of
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
from sdkit.sweeping.cluster import Cluster, _portable, _recipe
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.store import Store, pack
from sdkit.sweeping.variants import Variants

SIDES = (64, 512, 1024)  # pixels
BATCH = 8  # pictures in a task
TASKS = 200
LINK = 125e6  # bytes per second of a network of 1 Gbit/s
WORKERS = (10, 100, 1000)
SECONDS = (0.5, 5, 60)  # of one picture: a fast card, a slow card, a processor


@dataclass(frozen=True)
class Costs:
    """Seconds and bytes that one task costs, and one picture of it, besides making it."""

    side: int
    task: float
    received: float
    kept: float
    packed: float
    size: int

    def limits(self, workers, seconds):
        """Return the most pictures per second that each part can handle."""
        return {
            "workers": workers / (seconds + self.packed),
            "tasks": BATCH / self.task,
            "client": 1 / (self.received + self.kept),
            "network": LINK / self.size,
        }


def photograph(side):
    """Return a picture with about as much in it as a photograph: soft shapes and a little noise."""
    random = np.random.default_rng(side)
    shapes = Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).resize((side, side), Image.BICUBIC)
    noise = random.normal(0, 2, (side, side, 3))
    return Image.fromarray((np.asarray(shapes) + noise).clip(0, 255).astype(np.uint8))


def stand_in(task, size):
    """Give what a worker would that makes a batch in no time."""
    return bytes(size)


def stream(client, task, size):
    """Return the seconds per task that takes and gives so many bytes, some always being out, as in a sweep."""
    out: deque = deque()
    began = time.perf_counter()
    for number in range(TASKS + 4):
        if number < TASKS:
            out.append(client.submit(stand_in, task, size, pure=False))
        if number >= 4:
            out.popleft().result()
    return (time.perf_counter() - began) / TASKS


def measure(client):
    """Return the bytes of a task, and the costs for each size of picture."""
    pipe = load_pipeline()
    cells = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": range(BATCH)})[1]
    task = pickle.dumps((_recipe(pipe, cells), [_portable(cell) for cell in cells], ["0" * 32] * BATCH))
    stream(client, task, 0)  # the first tasks are slower
    empty = stream(client, task, 0)
    found = []
    for side in SIDES:
        shot = Shot(photograph(side), cells[0].settings, cells[0].origin, {}, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            name = store.path(cells[0]).stem
            data = pack(shot, name)
            cluster = Cluster(client, None, store)

            def keep(cluster=cluster, store=store, data=data):
                store.keep(cells[0], *cluster._shot(cells[0], {}, data, 1.0))

            kept = median_seconds(keep, 20)
        packed = median_seconds(lambda shot=shot, name=name: pack(shot, name), 20)
        received = max(0.0, stream(client, task, BATCH * len(data)) - empty) / BATCH
        found.append(Costs(side, empty, received, kept, packed, len(data)))
    return len(task), found


def scale(found):
    """Return what follows from the costs for more workers than there are, as Markdown."""
    lines = ["| picture | made in | workers | pictures per second | workers busy | bound by |", "|-|-|-|-|-|-|"]
    for one in found:
        for seconds in SECONDS:
            for workers in WORKERS:
                limits = one.limits(workers, seconds)
                bound = min(limits, key=limits.get)
                rate = limits[bound]
                busy = rate / limits["workers"]
                lines.append(f"| {one.side} px | {seconds:g} s | {workers} | {rate:.3g} | {busy:.0%} | {bound} |")
    return "\n".join(lines)


def main(given=None):
    arguments = options("cluster", __doc__, given)
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", scheduler_kwargs=quiet) as two:
        with Client(two, set_as_default=False) as client:
            task, found = measure(client)
    columns = ["picture", "kB", "worker: encode, ms", "client: receive, ms", "client: read and write, ms"]
    rows = [[f"{one.side} px", round(one.size / 1000),
             *(round(1000 * value, 1) for value in (one.packed, one.received, one.kept))] for one in found]  # fmt: skip
    held = {"pictures in a task": BATCH, "kB of a task": round(task / 1000),
            "ms to handle a task": round(found[0].task * 1000, 1)}  # fmt: skip
    report(arguments, columns, rows, more=scale(found), **held)


if __name__ == "__main__":
    main()
