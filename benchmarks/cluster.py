"""Measure what a sweep on a cluster costs besides the pictures, and how far it scales: `python -m benchmarks.cluster`.

The costs are measured with two idle Dask workers on this machine. From them follows, for more
workers than there are here, what bounds the pictures per second: the workers themselves, the tasks
that scheduler and client handle, what the client receives, reads and writes, or a network of
1 Gbit/s. The scheduler runs in the client's process here, so in a lab, where it has its own, there
is somewhat more room. Takes about half a minute on two processor cores; nothing else should run.

`--write` puts the tables into docs/cluster.md.
"""

import argparse
import pickle
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from distributed import Client, LocalCluster
from PIL import Image

from sdkit import load_pipeline
from sdkit.cluster import Cluster, _portable, _recipe
from sdkit.planning import plan_cells
from sdkit.shots import Shot
from sdkit.store import Store, pack
from sdkit.variants import Variants
from tools.blocks import replace_block

GUIDE = Path(__file__).parents[1] / "docs" / "cluster.md"
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


def timed(function, times):
    """Return the median seconds of a call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        taken.append(time.perf_counter() - began)
    return median(taken)


def result_of(task, size):
    """Stand in for a worker that makes a batch in no time."""
    return bytes(size)


def stream(client, task, size):
    """Return the seconds per task that takes and gives so many bytes, some always being out, as in a sweep."""
    out: deque = deque()
    began = time.perf_counter()
    for number in range(TASKS + 4):
        if number < TASKS:
            out.append(client.submit(result_of, task, size, pure=False))
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

            kept = timed(keep, 20)
        packed = timed(lambda shot=shot, name=name: pack(shot, name), 20)
        received = max(0.0, stream(client, task, BATCH * len(data)) - empty) / BATCH
        found.append(Costs(side, empty, received, kept, packed, len(data)))
    return len(task), found


def tables(task, found):
    """Return the measured costs, and what follows from them, as Markdown."""
    lines = [
        f"A task of {BATCH} pictures is {task / 1000:.0f} kB; handling it takes {found[0].task * 1000:.1f} ms.", "",
        "| picture | bytes | worker: encode | client: receive | client: read, write |", "|-|-|-|-|-|",
    ]  # fmt: skip
    for one in found:
        times = " | ".join(f"{1000 * seconds:.1f} ms" for seconds in (one.packed, one.received, one.kept))
        lines.append(f"| {one.side} px | {one.size / 1000:.0f} kB | {times} |")
    lines += [
        "", "| picture | made in | workers | pictures per second | workers busy | bound by |", "|-|-|-|-|-|-|",
    ]  # fmt: skip
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into docs/cluster.md")
    write = parser.parse_args(given).write
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", scheduler_kwargs=quiet) as two:
        with Client(two, set_as_default=False) as client:
            text = tables(*measure(client))
    print(text)
    if write:
        GUIDE.write_text(replace_block(GUIDE.read_text(encoding="utf-8"), "scale", text), encoding="utf-8")


if __name__ == "__main__":
    main()
