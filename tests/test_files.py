"""Files appear whole or not at all."""

import errno
from pathlib import Path

import pytest

from sdkit.files import whole, write_whole


def test_folders_are_made_and_a_file_is_replaced(tmp_path):
    path = tmp_path / "a" / "b.html"
    assert write_whole(path, b"first") == path
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.html"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "b.html", b"first")
    write = Path.write_bytes

    def full(self, data):
        write(self, data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.html"]


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = write_whole(tmp_path / "there" / "a.bin", b"first")
    with pytest.raises(KeyboardInterrupt), whole(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"first" and list(path.parent.iterdir()) == [path]
    with whole(path) as temporary:
        temporary.write_bytes(b"second")
    assert path.read_bytes() == b"second" and list(path.parent.iterdir()) == [path]
