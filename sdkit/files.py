"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with "~" read as the home folder. Raises ValueError for names that no file can have."""
    if "\0" in str(path):
        raise ValueError(f"path is {str(path)!r}; give a name without a zero character.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"path is {str(path)!r}, and there is no such home folder; give the whole path.") from error


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside the given one, renamed to it at the end of the block unless that fails.

    Missing folders are made. The temporary file has a name that nobody can guess and is there, empty, from the
    start: no link that somebody put in its place is followed. Raises OSError where the folder cannot be
    written to, ValueError for a name that no file can have.
    """
    path = expanded(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(temporary, flags, 0o666))
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write a file whole or not at all and return its path; missing folders are made."""
    path = expanded(path)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return path
