"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside the given one, renamed to it at the end of the block unless that fails.

    Missing folders are made. Raises OSError where the folder cannot be written to.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write a file whole or not at all and return its path; missing folders are made."""
    path = Path(path).expanduser()
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return path
