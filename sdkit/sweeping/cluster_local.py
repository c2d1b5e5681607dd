"""Dask workers on this machine, started for one sweep and ended with it."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from distributed import Client

LOOPBACK = "127.0.0.1"
START_TIMEOUT = 120  # seconds for the workers to start
ALLOWED_FAILURES = 1  # workers that a batch may take down before the next one is blamed on it
LOGGERS = ("distributed", "distributed.client", "distributed.scheduler")


@contextmanager
def local_client(count: int, device: torch.device) -> Iterator[Client]:
    """Start a scheduler in this process and `count` workers in others, all on the loopback interface; yield a client.

    They talk by TLS with a key that is made for them: whoever reaches a scheduler can run code in its workers, and
    other users of the machine can reach the loopback interface. Raises ValueError for more workers than graphics
    cards, RuntimeError if they do not start.
    """
    import distributed

    environments = _environments(count, device)
    security = distributed.Security.temporary()
    with ExitStack() as closing:
        closing.enter_context(_silent_loggers())
        cluster = closing.enter_context(
            distributed.LocalCluster(
                n_workers=0,
                threads_per_worker=1,
                host=LOOPBACK,
                protocol="tls",
                security=security,
                silence_logs=False,
                scheduler_kwargs={
                    "allowed_failures": ALLOWED_FAILURES,
                    "dashboard": False,
                    "dashboard_address": f"{LOOPBACK}:0",
                },
            )
        )
        client = closing.enter_context(distributed.Client(cluster, set_as_default=False))
        # only this user can look into it
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="sdkit-", ignore_cleanup_errors=True)))
        workers = _start(cluster.scheduler_address, environments, folder, security)
        closing.callback(_end, workers)
        _wait_for(client, workers, folder / "log")
        yield client


def _environments(count, device):
    """Return the environment of each worker: a card each, or its share of the processor's cores."""
    import torch

    cards: list[str | None]
    if device.type == "cpu":
        cards, threads = [None] * count, max(1, torch.get_num_threads() // count)
    else:
        cards, threads = [None], torch.get_num_threads()
        if device.type == "cuda":
            shown = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(torch.cuda.device_count())))
            cards = [*shown.split(",")]
    if count > len(cards):
        raise ValueError(f"workers is {count}, and this machine has {len(cards)} graphics cards: give one for each.")
    common = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),  # the same packages as here
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    return [common if card is None else {**common, "CUDA_VISIBLE_DEVICES": card} for card in cards[:count]]


def _start(scheduler, environments, folder, security):
    """Start a worker in each environment; all write into `folder`, their messages into the file `log` there."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(security.tls_worker_cert)
    key.write_text(security.tls_worker_key)
    # Not Dask's own local workers: those change this process's environment, and run its script once more.
    command = [
        sys.executable, "-m", "dask", "worker", scheduler, "--host", LOOPBACK, "--nthreads", "1",
        "--memory-limit", "0", "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0",
        "--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key),
        "--death-timeout", str(START_TIMEOUT), "--local-directory", str(folder),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        return [
            subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            for environment in environments
        ]


def _wait_for(client, workers, log):
    """Wait until all workers are there. Raises RuntimeError, with what they wrote, if they do not come."""
    began = time.monotonic()
    while len(client.nthreads()) < len(workers):
        if any(worker.poll() is not None for worker in workers) or time.monotonic() - began > START_TIMEOUT:
            errors = re.findall(r"^[\w.]*Error: .*", log.read_text(errors="replace"), re.MULTILINE)
            raise RuntimeError(f"the local workers did not start: {errors[0] if errors else 'they told no error'}.")
        time.sleep(0.05)


def _end(workers):
    """End the workers at once: they hold nothing that is wanted, and asked to end they finish their batch."""
    for worker in workers:
        worker.kill()  # the process it watches over ends with it
    for worker in workers:
        worker.wait()


@contextmanager
def _silent_loggers():
    """Keep Dask's loggers from telling about workers that come, die or are given up; put back afterwards."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
