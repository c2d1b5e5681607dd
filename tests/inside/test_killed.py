"""A program is killed once the files are there; one that ends or takes too long is told."""

import pytest

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


def test_it_finds_this_sdkit(tmp_path):
    program = f"import sdkit, pathlib; pathlib.Path({str(tmp_path)!r}, 'a.png').touch(); input()"
    with pytest.raises(RuntimeError, match="EOF"):
        run_and_kill(program.replace("input()", "raise EOFError('EOF')"), tmp_path, files=2)
    assert (tmp_path / "a.png").exists()


def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="ended by itself with 0 files; it said: ValueError: no paper"):
        run_and_kill("raise ValueError('no paper')", tmp_path, files=1)


def test_patience_ends(tmp_path):
    with pytest.raises(TimeoutError, match="there are 0 files, not 1"):
        run_and_kill("import time; time.sleep(60)", tmp_path, files=1, seconds=0.3)
