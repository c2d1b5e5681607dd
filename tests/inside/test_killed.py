"""A program is killed once the files are there; one that ends or takes too long is told."""

import pytest

import sdkit
from sdkit.inside.killed import run_and_kill

WRITING = """
import time
from pathlib import Path
for number in range(1000):
    Path({folder!r}, f"{{number}}.png").touch()
    time.sleep(0.05)
Path({folder!r}, "end").touch()
"""


def test_a_program_is_killed_when_the_files_are_there(tmp_path):
    left = run_and_kill(WRITING.format(folder=str(tmp_path)), tmp_path, files=3)
    assert 3 <= len(left) < 1000
    assert sorted(tmp_path.glob("*.png")) == left and not (tmp_path / "end").exists()


def test_it_finds_this_sdkit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(RuntimeError) as told:
        run_and_kill("import sdkit; print(sdkit.__file__)", tmp_path, files=1)
    assert str(told.value).endswith(f"it said: {sdkit.__file__}")


def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="ended by itself with 0 files; it said: ValueError: no paper"):
        run_and_kill("raise ValueError('no paper')", tmp_path, files=1)


def test_patience_ends(tmp_path):
    with pytest.raises(TimeoutError, match="there are 0 files, not 1"):
        run_and_kill("import time; time.sleep(60)", tmp_path, files=1, seconds=0.3)
