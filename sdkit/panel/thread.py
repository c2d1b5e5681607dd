"""Slow work in a thread of its own: one request at a time, and in turn with the cells of the notebook."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

# Held by the cell or the panel that is at work: two threads in one pipeline spoil each other's pictures.
_pipeline_lock = threading.RLock()
_cells = threading.local()  # its `depth` is how often this thread holds the lock for cells, which may be nested
_busy_threads: list[RequestThread] = []  # those at work or waiting for the lock


class RequestThread:
    """Works on one request at a time in a thread; a new one stops the running one and replaces the waiting one.

    `work(request)` does it and must not raise; `request.stop()` must make it end soon.
    """

    def __init__(self, work: Callable[[Any], None]):
        self._work = work
        self._lock = threading.Lock()
        self._running: Any = None
        self._waiting: Any = None
        self._thread: threading.Thread | None = None

    def start(self, request: Any) -> None:
        """Work on a request in the thread, as soon as the running one has stopped."""
        with self._lock:
            self._waiting = request
            if self._running is not None:
                self._running.stop()
            if self._thread is None:
                # The thread's messages to the front end belong to the message that started it.
                run = copy_context().run
                self._thread = threading.Thread(target=run, args=(self._loop,), name="sdkit panel", daemon=True)
                _busy_threads.append(self)
                self._thread.start()

    def work_here(self, request: Any) -> None:
        """Work on a request at once in the calling thread; what runs or waits is stopped."""
        self.stop()
        with _pipeline_lock:
            self._work(request)

    def stop(self) -> None:
        """Stop the running request at its next step and forget the waiting one."""
        with self._lock:
            self._waiting = None
            if self._running is not None:
                self._running.stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing runs or waits, at most so many seconds, and say whether that is so."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return self._thread is None

    def _loop(self) -> None:
        with _one_torch_thread():
            while self._next():
                with _pipeline_lock:
                    self._work(self._running)

    def _next(self) -> bool:
        """Make the waiting request the running one; end the thread and return False if there is none."""
        with self._lock:
            self._running, self._waiting = self._waiting, None
            if self._running is None:
                self._thread = None
                _busy_threads.remove(self)
            return self._running is not None


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Let torch compute with one thread here, if it would use two.

    Each Python thread that computes gets a team of torch's threads. Two teams are more threads than two
    cores, so OpenMP lets them sleep between operations, and a picture takes nearly three times as
    long, from then on in the cells as well. With more cores torch is left as it is: not measured.
    """
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    if before != 2:
        yield
        return
    torch.set_num_threads(1)  # of this thread; others that begin meanwhile take it over
    try:
        yield
    finally:
        torch.set_num_threads(before)


def from_front_end() -> bool:
    """Say whether a message of a front end's widget is being handled: then somebody watches, and nothing may block.

    False in a cell, in a test, and wherever there is no Jupyter kernel.
    """
    return _message_type() == "comm_msg"


def _message_type() -> str | None:
    """Return the type of the Jupyter message that is being handled, None outside of a kernel."""
    kernel: Any = getattr(shell(), "kernel", None)
    if not hasattr(kernel, "get_parent"):
        return None
    return kernel.get_parent().get("header", {}).get("msg_type")


def shell() -> Any:
    """Return IPython's shell, None where there is none."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def cells_run() -> int:
    """Return how many cells this notebook has run; a cell may change what a panel uses. 0 where there is none."""
    running = shell()
    return 0 if running is None else running.execution_count


def take_turns_with_cells() -> None:
    """Make the cells of this notebook wait while a panel works, and panels wait while a cell runs."""
    running = shell()
    if running is None or _before_cell in running.events.callbacks["pre_run_cell"]:
        return
    running.events.register("pre_run_cell", _before_cell)
    running.events.register("post_run_cell", _after_cell)
    if _message_type() == "execute_request":  # the cell that makes the first panel
        _before_cell()


def _before_cell(_: object = None) -> None:
    """Wait for what was asked of panels before the cell, then take the lock; IPython calls this before each cell."""
    depth = getattr(_cells, "depth", 0)
    try:
        for thread in list(_busy_threads) if not depth else ():
            thread.wait()
    except KeyboardInterrupt:  # whoever interrupts the waiting cell wants the work to end
        for thread in list(_busy_threads):
            thread.stop()
    _pipeline_lock.acquire()
    _cells.depth = depth + 1


def _after_cell(_: object = None) -> None:
    if getattr(_cells, "depth", 0):
        _cells.depth -= 1
        _pipeline_lock.release()
