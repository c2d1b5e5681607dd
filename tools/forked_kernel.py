"""Kernels that begin with PyTorch and diffusers imported, so that not every lesson's test spends seconds on that.

`command()` gives the command that starts one. Behind it stands a server for this process, which has imported the
packages and forks for each kernel that is asked for. The command is a small program: it asks the server, passes signals
on, and ends as its kernel ends. sdkit is not among what is imported, for it is what the lessons test.

For Linux alone, and one thread: a process that has started threads must not fork.
"""

import atexit
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread

PACKAGES = {  # and classes of theirs that would be imported only when they are asked for
    "torch": (),
    "diffusers": ("StableDiffusionPipeline", "AutoencoderKL", "UNet2DConditionModel", "DDIMScheduler"),
    "transformers": ("CLIPTextModel", "CLIPTokenizer"),
    "ipykernel.kernelapp": ("IPKernelApp",),
}
LARGEST = 1 << 20  # bytes of a request
ALIVE_S = 1.0  # between two looks whether the process that asked for a kernel is still there


@cache
def command() -> list[str]:
    """Start this process's server and return the command that starts a kernel; the server ends with this process."""
    place = str(Path(tempfile.mkdtemp(prefix="kernels-")) / "socket")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # Bound here, it can be asked from the start, and whoever waits for an answer learns of the server's end.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        serving = [sys.executable, __file__, "serve", str(listener.fileno())]
        # The pipe is closed when this process ends, however it ends, and then the server ends.
        server = subprocess.Popen(serving, stdin=subprocess.PIPE, env=environment, pass_fds=[listener.fileno()])
    atexit.register(server.stdin.close)  # else Python warns at its end that nobody did
    return [sys.executable, __file__, "ask", place, "-f", "{connection_file}"]


def write_kernel(folder: Path) -> None:
    """Write a kernel `python3` that begins so, for whoever has this folder in JUPYTER_PATH."""
    path = folder / "kernels" / "python3" / "kernel.json"
    path.parent.mkdir(parents=True)
    told = {"argv": command(), "display_name": "Python 3 (ipykernel)", "language": "python"}
    path.write_text(json.dumps(told), encoding="utf-8")


def ask(place: str, *arguments: str) -> None:
    """Ask the server for a kernel with these arguments, and wait until it or whoever asked for it has ended."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    # Jupyter tells its own number, since it may have ended before this line.
    parent = int(os.environ.get("JPY_PARENT_PID", os.getppid()))
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(place)
            socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
            kernel = int(server.recv(100) or 0)
        except ConnectionError:
            kernel = 0
        if not kernel:
            sys.exit("no kernel: what forks them has ended")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: os.kill(kernel, number))
        while os.getppid() == parent and not select.select([server], [], [], ALIVE_S)[0]:
            pass  # the kernel holds the other end: this one can be read when it is gone


def serve(number: str) -> None:
    """Import the packages, then fork a kernel for each request at the socket with this file descriptor.

    It ends when the process that started it has ended.
    """
    sys.path.remove(str(Path(__file__).parent))
    for package, classes in PACKAGES.items():
        for name in classes:
            getattr(import_module(package), name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for kernels that have ended
    with socket.socket(fileno=int(number)) as listener:
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            asking, _ = listener.accept()
            with asking:
                if os.fork() == 0:
                    listener.close()
                    become_kernel(asking)


def become_kernel(asking: socket.socket) -> None:
    """Turn this process, fresh from a fork, into the kernel that was asked for; end with it."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files, _, _ = socket.recv_fds(asking, LARGEST, 3)
    told = json.loads(request)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    random.seed()
    asking.send(str(os.getpid()).encode())
    Thread(target=end_with, args=(asking,), daemon=True).start()
    IPKernelApp.launch_instance(argv=told["arguments"])
    sys.exit()


def end_with(asking: socket.socket) -> None:
    """Wait until whoever asked for this kernel is gone, and end it."""
    asking.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    {"ask": ask, "serve": serve}[sys.argv[1]](*sys.argv[2:])
