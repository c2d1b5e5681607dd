"""Progress of long work: shown late, on no stderr of a notebook, and gone at the end."""

import sys
import threading
import time
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from sdkit.show import progress
from sdkit.show.progress import shown_progress
from tools import notebooks


@pytest.fixture
def published(monkeypatch):
    """What a notebook would be sent: (data, display id, whether it is an update), as the list grows."""
    sent = []
    monkeypatch.setattr(progress, "_is_notebook", lambda: True)
    monkeypatch.setattr(
        "IPython.display.publish_display_data",
        lambda data, transient, update: sent.append((data, transient["display_id"], update)),
    )
    return sent


def until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_short_work_shows_nothing(published):
    with shown_progress(2, "sweep") as advance:
        advance(2, "2 of 2")
    assert not published


def test_long_work_shows_a_bar_in_one_output_and_takes_it_away(published, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0)
    with shown_progress(4, "0 of 4") as advance:
        until(lambda: len(published) == 2)  # before the first piece is done
        advance(3, "3 of 4 <")
    empty, first, third, gone = published
    assert empty[0] == gone[0] == {} and [update for _, _, update in published] == [False, True, True, True]
    assert len({display_id for _, display_id, _ in published}) == 1
    assert first[0]["text/plain"] == "0 of 4" and 'value="0" max="4"' in first[0]["text/html"]
    assert 'value="3" max="4"' in third[0]["text/html"] and "3 of 4 &lt;</span>" in third[0]["text/html"]


def test_a_bar_goes_when_the_work_fails(published, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0)
    with pytest.raises(ZeroDivisionError), shown_progress(1, "work"):
        until(lambda: published)
        _ = 1 / 0
    assert published[-1][0] == {}
    seen = len(published)
    time.sleep(0.05)
    assert len(published) == seen


def test_threads_show_nothing_for_panels_do(published, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0)

    def work():
        with shown_progress(1, "work") as advance:
            time.sleep(0.05)
            advance(1, "done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not published


class Terminal:
    """A standard error that people look at."""

    def __init__(self):
        self.written = ""

    def write(self, text):
        self.written += text

    def flush(self):
        """Do nothing."""

    def isatty(self):
        return True


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_gets_a_line_and_a_file_none(is_terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0)
    terminal = Terminal()
    monkeypatch.setattr(terminal, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    with shown_progress(4, "sweep") as advance:
        time.sleep(0.15)  # tqdm writes ten times a second at most
        advance(3, "pictures")
    assert ("3/4" in terminal.written and "pictures" in terminal.written) == is_terminal
    assert bool(terminal.written) == is_terminal


def test_a_kernel_is_a_notebook_and_a_terminal_is_not(monkeypatch):
    for shell, found in ((SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert progress._is_notebook() == found
    monkeypatch.delitem(sys.modules, "IPython")
    assert not progress._is_notebook()


def test_nothing_of_a_bar_is_stored_in_a_lesson(tmp_path):
    source = (
        "import sys, time\nfrom sdkit.show import progress\nprogress.PATIENCE = 0.1\n"
        "print('before')\n"
        "with progress.shown_progress(2, 'work') as advance:\n"
        "    time.sleep(0.5)\n    advance(1, 'half')\n    print(progress._is_notebook())"
    )
    path = tmp_path / "bar.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="last")]), path)
    assert notebooks.main(["run", str(path)]) == 0
    (cell,) = nbformat.read(path, as_version=4).cells
    assert [output.text for output in cell.outputs] == ["before\nTrue\n"]
