"""How far long work is, shown from 2 s on and gone at its end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any
from uuid import uuid4

from sdkit.show import html

PATIENCE = 2.0  # seconds of work before it shows how far it is

Advance = Callable[[int, str], None]


@contextmanager
def shown_progress(of: int, text: str) -> Iterator[Advance]:
    """Show in the block how many of `of` pieces are done; yield `advance(count, text)`, to be called when more are.

    `of` is 0 where nobody knows how many there are, and `text` says what is being done. In a notebook it is an
    output of its own, a bar with the text; when the block ends, nothing of it is left to be stored. In a terminal
    it is a line on stderr; where stderr is a file, and in threads, which belong to panels with a progress of their
    own, nothing is shown.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda count, text: None
    elif _is_notebook():
        bar = NotebookBar(of, text)
        try:
            yield bar.advance
        finally:
            bar.close()
    else:
        from tqdm import tqdm

        with tqdm(total=of or None, desc=text, delay=PATIENCE, leave=False, disable=None) as line:

            def advance(count: int, text: str) -> None:
                line.set_description(text, refresh=False)
                line.update(count)

            yield advance


def _is_notebook() -> bool:
    """Say whether this process is a notebook's kernel."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


class NotebookBar:
    """A progress bar in an output of a notebook, shown when `PATIENCE` has run out."""

    def __init__(self, of: int, text: str):
        self._of, self._done, self._text = of, 0, text
        self._id: str | None = None  # of the output; None while there is none
        self._closed = False
        self._lock = threading.Lock()
        # In its own thread, for the first piece of work may take minutes; the context says which cell this is.
        self._timer = threading.Timer(PATIENCE, copy_context().run, (self._show,))
        self._timer.daemon = True
        self._timer.start()

    def advance(self, count: int, text: str) -> None:
        """Say that so many more are done."""
        with self._lock:
            self._done, self._text = self._done + count, text
            if self._id:
                self._publish(self._bar())

    def close(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        with self._lock:
            if self._id:
                self._publish({})
            self._id, self._closed = None, True

    def _show(self):
        with self._lock:
            if not self._closed:
                # Empty at first and at the end: an output that holds nothing is neither seen nor compared.
                self._id = uuid4().hex
                self._publish({}, first=True)
                self._publish(self._bar())

    def _bar(self) -> dict[str, Any]:
        return {"text/html": html.progress(self._done, self._of, self._text), "text/plain": self._text}

    def _publish(self, data, first=False):
        from IPython.display import publish_display_data

        publish_display_data(data, transient={"display_id": self._id}, update=not first)
