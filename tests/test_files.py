"""Files appear whole or not at all."""

import errno
from concurrent.futures import ThreadPoolExecutor
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


def test_a_link_put_in_the_place_of_the_temporary_file_is_not_followed(tmp_path, monkeypatch):
    victim = write_whole(tmp_path / "victim", b"kept")
    monkeypatch.setattr("sdkit.files.secrets.token_hex", lambda count: "known")
    (tmp_path / ".known.part").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a.bin", b"second")
    assert victim.read_bytes() == b"kept" and not (tmp_path / "a.bin").exists()


def test_the_longest_name_that_a_folder_takes_can_be_written(tmp_path):
    path = tmp_path / f"{'a' * 251}.png"
    assert write_whole(path, b"there").read_bytes() == b"there"


def test_writers_of_the_same_file_at_once_never_mix(tmp_path):
    path, contents = tmp_path / "a.bin", [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda content: write_whole(path, content), contents * 5))
    assert path.read_bytes() in contents and list(tmp_path.iterdir()) == [path]


def test_a_name_with_a_zero_character_is_refused(tmp_path):
    with pytest.raises(ValueError, match="without a zero character"):
        write_whole(tmp_path / "a\0.html", b"")


def test_a_home_folder_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="there is no such home folder"):
        write_whole("~nobody-of-that-name/a.png", b"")
