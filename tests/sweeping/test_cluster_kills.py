"""Dask workers as processes of their own, killed in the middle of a sweep: nothing is lost, torn or made for ever."""

import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import torch
from PIL import Image

from sdkit import sweep
from sdkit.sweeping import cluster_local
from sdkit.sweeping.sweep import SweepError

distributed = pytest.importorskip("distributed", reason="sweeps on workers need the extra cluster")
psutil = pytest.importorskip("psutil", reason="comes with the extra cluster")

# A picture takes long enough that a worker dies while it makes one.
CALL = {"seed": range(16), "num_inference_steps": 8}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def dask(*words):
    """Run one of Dask's commands in a process, as docs/cluster.md tells to; end it afterwards."""
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "dask", *words], env=ENVIRONMENT, **silent)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def scheduler():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    with dask("scheduler", *options):
        yield f"tcp://127.0.0.1:{port}"


def worker(address):
    # Without a nanny, which would start it again: what is killed here stays away.
    options = ("--host", "127.0.0.1", "--nthreads", "1", "--memory-limit", "0", "--no-nanny")
    return dask("worker", address, *options, "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def wait_until(found, seconds=400):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "that takes too long"
        time.sleep(0.05)


def listening(processes):
    """Return the addresses at which processes can be reached."""
    found = [one for process in processes for one in process.net_connections("tcp")]
    return {one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN}


def kill_one_at_work(client, folder, processes, killed):
    """Kill a worker that has work to do, once three pictures are there."""
    wait_until(lambda: folder.is_dir() and len(list(folder.glob("*.png"))) >= 3)
    places = client.run(os.getpid)
    busy = next(pid for place, pid in places.items() if client.processing()[place])
    (victim,) = (one for one in processes if one.pid == busy)
    killed["there"] = len(list(folder.glob("*.png")))
    victim.send_signal(signal.SIGKILL)
    killed["code"] = victim.wait()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_worker_that_is_killed_loses_nothing(pipe, tmp_path):
    here = sweep(pipe, "a cat", folder=tmp_path / "here", **CALL)
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert len(names) == 16
    with ExitStack() as ending:
        address = ending.enter_context(scheduler())
        processes = [ending.enter_context(worker(address)) for _ in range(3)]
        client = ending.enter_context(distributed.Client(address, timeout=60, set_as_default=False))
        client.wait_for_workers(3, timeout=400)
        assert listening(psutil.Process(one.pid) for one in processes) == {"127.0.0.1"}
        for left in (2, 1):  # twice, since each time the kill comes at another moment
            killed: dict = {}
            folder = tmp_path / f"there {left}"
            killer = threading.Thread(target=kill_one_at_work, args=(client, folder, processes, killed))
            killer.start()
            there = sweep(pipe, "a cat", folder=folder, workers=address, **CALL)
            killer.join()
            assert killed["code"] == -signal.SIGKILL and 3 <= killed["there"] < 16
            assert len(client.nthreads()) == left
            assert sorted(path.name for path in folder.iterdir()) == names
            for path in folder.iterdir():
                Image.open(path).load()
            for shot, other in zip(here, there):
                assert (shot.settings, shot.label) == (other.settings, other.label)
                assert abs(np.asarray(shot.image, int) - np.asarray(other.image, int)).max() <= 2


@pytest.mark.slow
def test_a_picture_that_kills_every_worker_is_named_and_the_others_are_kept(pipe, tmp_path, monkeypatch):
    deadly = tmp_path / "deadly.py"
    deadly.write_text(
        "import os\n"
        "from sdkit.sweeping import batches, executor\n"
        "def die(pipe, cells, texts):\n"
        "    if any(cell.arguments['seed'] == 3 for cell in cells):\n"
        "        os._exit(9)\n"
        "    return batches.make(pipe, cells, texts)\n"
        "executor.make = die\n"
    )
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", str(deadly))
    words = "2 workers in turn died while they made the picture of seed = 3; "
    with pytest.raises(SweepError, match=words) as caught:
        sweep(pipe, "a cat", seed=range(6), num_inference_steps=1, workers=1, folder=tmp_path / "pictures")
    # 3 is handed out once two pictures are there; what is made then may be lost with the worker, and is made again.
    assert 2 <= len(caught.value.shots) == len(list((tmp_path / "pictures").iterdir())) < 6


def connects(address, security):
    """Say whether a client in another process can run code at a scheduler."""
    code = (
        "import distributed, os, sys\n"
        "security = distributed.Security(**eval(sys.stdin.read()))\n"
        "with distributed.Client(sys.argv[1], timeout=3, security=security) as client:\n"
        "    print(client.run_on_scheduler(os.getuid))\n"
    )
    names = ("tls_ca_file", "tls_client_key", "tls_client_cert")
    given = {} if security is None else {name: getattr(security, name) for name in names}
    done = subprocess.run([sys.executable, "-c", code, address], input=repr(given), capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == str(os.getuid())


def asks_for_a_certificate(address):
    """Say whether a listener ends a TLS connection that has no certificate to show."""
    context = ssl._create_unverified_context()
    host, port = address.removeprefix("tls://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        try:
            with context.wrap_socket(plain) as secure:
                return secure.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True


@pytest.mark.slow
def test_other_users_of_this_machine_cannot_reach_its_workers():
    with cluster_local.local_client(1, torch.device("cpu")) as client:
        address = client.scheduler.address
        assert listening([psutil.Process(), *psutil.Process().children(recursive=True)]) == {"127.0.0.1"}
        (place, worker_facts), *_ = client.scheduler_info()["workers"].items()
        assert all(map(asks_for_a_certificate, (address, place, worker_facts["nanny"])))
        assert connects(address, client.security)  # who has the key, and nobody else
        assert not connects(address, distributed.Security.temporary())
        assert not connects(address.replace("tls://", "tcp://"), None)


@pytest.mark.slow
def test_workers_of_this_machine_leave_nothing_changed(pipe, tmp_path, capfd):
    environment, loggers = dict(os.environ), [logging.getLogger(name) for name in cluster_local.LOGGERS]
    levels = [logger.level for logger in loggers]
    here = sweep(pipe, "a cat", seed=[1, 2, 3], num_inference_steps=2)
    there = sweep(pipe, "a cat", seed=[1, 2, 3], num_inference_steps=2, workers=2)
    for one, other in zip(here, there):
        assert abs(np.asarray(one.image, int) - np.asarray(other.image, int)).max() <= 2
    assert dict(os.environ) == environment and [logger.level for logger in loggers] == levels
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_workers_of_this_machine_are_reached_from_it_only(pipe):
    with cluster_local.local_client(2, pipe.device) as client:
        assert len(client.nthreads()) == 2
        ours = psutil.Process()
        assert listening([ours, *ours.children(recursive=True)]) == {"127.0.0.1"}


@pytest.mark.slow
def test_local_workers_that_do_not_start_say_why(pipe, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", "no_such_module")
    monkeypatch.setattr(cluster_local, "START_TIMEOUT", 20)
    with pytest.raises(RuntimeError, match="the local workers did not start: .*no_such_module"):
        sweep(pipe, "a cat", seed=[1], workers=1)
