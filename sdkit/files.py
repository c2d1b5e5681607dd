"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path):
    """Yield a temporary path beside the given one, renamed to it at the end of the block unless that fails.

    Missing folders are made.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path, data: bytes) -> Path:
    """Write a file under a temporary name beside its place, then rename it; missing folders are made."""
    path = Path(path).expanduser()
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return path
