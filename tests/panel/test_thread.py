"""One request at a time, the newest wins, and cells and panels take turns."""

import sys
import threading
from types import SimpleNamespace

import pytest
import torch

from sdkit.panel import thread
from sdkit.panel.thread import RequestThread, from_front_end, take_turns_with_cells

TIMEOUT = 60  # seconds for what takes none


class Request:
    def __init__(self, name):
        self.name, self.begun, self.stopped = name, threading.Event(), threading.Event()

    def stop(self):
        self.stopped.set()


@pytest.fixture
def done():
    return []


@pytest.fixture
def slow(done):
    """Return a thread whose requests take until they are stopped."""

    def work(request):
        request.begun.set()
        assert request.stopped.wait(TIMEOUT)
        done.append((request.name, threading.current_thread() is threading.main_thread()))

    return RequestThread(work)


def test_the_newest_request_stops_the_running_one_and_replaces_the_waiting_one(slow, done):
    first, second, third = Request("first"), Request("second"), Request("third")
    slow.start(first)
    assert first.begun.wait(TIMEOUT) and not slow.wait(0.01)
    noticed = threading.Event()
    first.stop = noticed.set  # it goes on for a while
    slow.start(second)
    slow.start(third)
    assert noticed.is_set()
    first.stopped.set()
    assert third.begun.wait(TIMEOUT)
    slow.stop()
    assert slow.wait(TIMEOUT)
    assert done == [("first", False), ("third", False)] and not second.begun.is_set()


def test_stop_forgets_the_waiting_request(slow, done):
    first, second = Request("first"), Request("second")
    slow.start(first)
    assert first.begun.wait(TIMEOUT)
    first.stop = lambda: None
    slow.start(second)
    slow.stop()
    first.stopped.set()
    assert slow.wait(TIMEOUT) and done == [("first", False)]


def test_a_thread_can_be_started_again(slow, done):
    for name in ("first", "second"):
        request = Request(name)
        slow.start(request)
        assert request.begun.wait(TIMEOUT)
        slow.stop()
        assert slow.wait(TIMEOUT)
    assert [name for name, _ in done] == ["first", "second"] and thread._busy_threads == []


def test_work_done_here_and_now_stops_what_runs(slow, done):
    first, now = Request("first"), Request("now")
    slow.start(first)
    assert first.begun.wait(TIMEOUT)
    now.stopped.set()
    slow.work_here(now)
    assert done == [("first", False), ("now", True)]


def test_two_threads_take_turns(slow, done):
    other = RequestThread(lambda request: done.append((request.name, None)))
    first, second = Request("first"), Request("second")
    slow.start(first)
    assert first.begun.wait(TIMEOUT)
    other.start(second)
    assert not other.wait(0.05) and done == []
    first.stopped.set()
    assert other.wait(TIMEOUT) and done == [("first", False), ("second", None)]


@pytest.mark.parametrize(("threads", "wanted"), [(2, 1), (1, 1), (3, 3)])
def test_a_thread_takes_one_thread_of_two_and_leaves_the_others_as_they_were(threads, wanted):
    found, before = [], torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        busy = RequestThread(lambda request: found.append(torch.get_num_threads()))
        busy.start(Request("only"))
        assert busy.wait(TIMEOUT)
        assert found == [wanted] and torch.get_num_threads() == threads
        later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        later.start()
        later.join(TIMEOUT)
        assert found == [wanted, threads]
    finally:
        torch.set_num_threads(before)


class Shell:
    """What is used of IPython's shell."""

    def __init__(self, message):
        self.kernel = SimpleNamespace(get_parent=lambda: {"header": {"msg_type": message}} if message else {})
        self.events = self
        self.callbacks = {"pre_run_cell": [], "post_run_cell": []}

    def register(self, event, function):
        self.callbacks[event].append(function)

    def trigger(self, event):
        for function in self.callbacks[event]:
            function(None)


@pytest.fixture
def shell(monkeypatch):
    """Return a function that makes a notebook's shell, in which a message of a kind is being handled."""

    def make(message):
        shell = Shell(message)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        return shell

    return make


@pytest.mark.parametrize(("message", "answer"), [("comm_msg", True), ("execute_request", False), (None, False)])
def test_a_front_end_is_known_by_its_message(shell, message, answer):
    shell(message)
    assert from_front_end() is answer


def test_without_a_notebook_nobody_watches(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not from_front_end()
    take_turns_with_cells()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not from_front_end()


def test_a_panel_waits_for_the_running_cell(shell, done):
    notebook = shell("execute_request")
    take_turns_with_cells()  # in a cell
    take_turns_with_cells()
    assert [len(functions) for functions in notebook.callbacks.values()] == [1, 1]
    panel = RequestThread(lambda request: done.append(request))
    panel.start("work")
    assert not panel.wait(0.05) and done == []
    notebook.trigger("post_run_cell")
    assert panel.wait(TIMEOUT) and done == ["work"]
    notebook.trigger("post_run_cell")  # as after an empty cell, which has no beginning
    assert thread._pipeline_lock.acquire(blocking=False)
    thread._pipeline_lock.release()


def test_a_cell_waits_for_the_panel_and_its_interrupt_stops_it(shell, slow, done):
    notebook = shell("comm_msg")
    take_turns_with_cells()
    first, second = Request("first"), Request("second")
    slow.start(first)
    threading.Timer(0.1, first.stopped.set).start()
    notebook.trigger("pre_run_cell")
    assert done == [("first", False)]
    notebook.trigger("post_run_cell")

    def interrupted():
        raise KeyboardInterrupt

    slow.start(second)
    assert second.begun.wait(TIMEOUT)
    slow.wait = interrupted
    notebook.trigger("pre_run_cell")
    assert done == [("first", False), ("second", False)]
    notebook.trigger("post_run_cell")
