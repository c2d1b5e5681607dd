"""One call at a time in a pipeline: two at once, from threads or a notebook's widgets, spoil each other's pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
