"""A kernel that is forked from a process with PyTorch in it is a kernel like any other, and ends as it should."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from tools import forked_kernel

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")]
ROOT = Path(__file__).parents[2]
WAIT_S = 60


class Specs(KernelSpecManager):
    """A kernel specification manager for forked kernels."""

    def get_kernel_spec(self, name):
        return KernelSpec(argv=forked_kernel.command(), language="python", display_name=name)


@contextmanager
def kernel(**options):
    """Yield a manager and a client of a forked kernel."""
    manager = KernelManager(kernel_spec_manager=Specs(), shutdown_wait_time=WAIT_S)
    manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=WAIT_S)
        yield manager, client
    finally:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel()


def printed(client, code):
    """Run code in a kernel and return what it prints, or the name of its error."""
    said = []

    def hear(message):
        said.append(message["content"].get("text") or message["content"].get("ename") or "")

    client.execute_interactive(code, timeout=WAIT_S, output_hook=hear)
    return "".join(said).strip()


def is_there(process):
    """Say whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(process):
    """Say whether a process ends within the time."""
    until = time.monotonic() + WAIT_S
    while is_there(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_there(process)


def test_it_has_torch_and_not_sdkit_and_is_where_it_was_asked_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("SAID", "here")
    with kernel(cwd=str(tmp_path)) as (_, client):
        loaded = "import sys; print([name in sys.modules for name in ('torch', 'diffusers', 'sdkit', 'matplotlib')])"
        assert printed(client, loaded) == "[True, True, False, False]"
        assert printed(client, "import os; print(os.getcwd(), os.environ['SAID'])") == f"{tmp_path} here"
        assert printed(client, "import subprocess; print(subprocess.run(['false']).returncode)") == "1"
        assert printed(client, "print('' in sys.path, any(p.endswith('tools') for p in sys.path))") == "True False"


def test_two_kernels_share_no_names_and_draw_other_random_numbers():
    with kernel() as (_, one), kernel() as (_, other):
        assert printed(one, "x = 1; print(x)") == "1" and printed(other, "x") == "NameError"
        assert printed(one, "import random; print(random.random())") != printed(
            other, "import random; print(random.random())"
        )


def test_it_is_interrupted_shut_down_and_killed():
    with kernel() as (manager, client):
        process = int(printed(client, "import os; print(os.getpid())"))
        asked = client.execute("import time; time.sleep(600)")
        time.sleep(0.5)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=WAIT_S)
        assert reply["parent_header"]["msg_id"] == asked and reply["content"]["ename"] == "KeyboardInterrupt"
        manager.shutdown_kernel()
        assert ends(process)
    with kernel() as (manager, client):
        process = int(printed(client, "import os; print(os.getpid())"))
        manager.shutdown_kernel(now=True)
        assert ends(process)


@pytest.mark.parametrize("is_ready", [False, True])
def test_nothing_is_left_when_the_process_that_started_it_is_killed(is_ready, tmp_path):
    program = """
import os, subprocess, sys, time
from tools.forked_kernel import command

ask = [*command()[:-1], sys.argv[1]]
subprocess.Popen(ask, env={**os.environ, "JPY_PARENT_PID": str(os.getpid())})  # as Jupyter does
time.sleep(600)
"""
    connection = tmp_path / "kernel.json"
    started = subprocess.Popen([sys.executable, "-c", program, connection], cwd=ROOT)

    def below():
        """Return the server, the program that asks it, and the kernel if there is one."""
        return {process.pid for process in psutil.Process(started.pid).children(recursive=True)}

    def is_far_enough():
        return len(below()) == 3 and connection.exists() if is_ready else len(below()) >= 2

    until = time.monotonic() + WAIT_S
    try:
        while not is_far_enough() and time.monotonic() < until:
            time.sleep(0.01)
        assert is_far_enough()
        left = below()
    finally:
        started.kill()
        started.wait()
    assert all(map(ends, left))
