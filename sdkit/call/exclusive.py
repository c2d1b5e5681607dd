"""One call at a time in a pipeline: two at once, from threads or a notebook's widgets, spoil each other's pictures.

Nor does a call depend on the one before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sdkit.loading.state import uncompiled

_guard = threading.Lock()
_locks: WeakKeyDictionary = WeakKeyDictionary()  # unet -> lock


@contextmanager
def exclusive(pipe) -> Iterator[None]:
    """Let no other thread call a pipeline with the same UNet inside the block; they wait for its end.

    The same thread may enter again, as a callback does that makes a picture.
    """
    unet = uncompiled(pipe.unet)
    with _guard:
        lock = _locks.setdefault(unet, threading.RLock())
    with lock:
        yield


@contextmanager
def calling(pipe, arguments: dict[str, Any]) -> Iterator[None]:
    """Be `exclusive` for a call with these arguments, and put the scheduler's configuration back after it.

    DPMSolverSinglestep changes its own as it plans some numbers of steps. Without this a call would depend on those
    before it, and no sweep would find its pictures again. What a callback makes of the configuration stays: that is a
    change on the way, which a record has to tell.
    """
    with exclusive(pipe):
        scheduler = pipe.scheduler
        before = vars(scheduler).get("_internal_dict")
        try:
            yield
        finally:
            if before is not None and arguments.get("callback_on_step_end") is None:
                scheduler._internal_dict = before
