"""A program that is killed in the middle of its work, to see what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sdkit.errors import plain_errors
from sdkit.files import expanded

WAIT_S = 0.05  # seconds between two looks into the folder
PATIENCE_S = 300  # seconds for the files to appear


@plain_errors
def run_and_kill(program: str, folder: str | Path, *, files: int, seconds: float = PATIENCE_S) -> list[Path]:
    """Run Python code in another process, kill it when `folder` has so many PNG files, and return those there are then.

    The process gets no chance to tidy up, as when the power fails. Raises RuntimeError, with the last line of what the
    program wrote, if it ends by itself before, and TimeoutError if the files are not there after so many seconds; it is
    killed then, too.
    """
    path = expanded(folder)
    root = str(Path(__file__).resolve().parents[2])  # where this sdkit lies, installed or not
    found = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    end = time.monotonic() + seconds
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=said, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": found},
        )  # fmt: skip
        try:
            while len(_pictures(path)) < files:
                if process.poll() is not None:
                    said.seek(0)
                    lines = said.read().decode(errors="replace").strip().splitlines() or ["nothing"]
                    raise RuntimeError(
                        f"the program ended by itself with {len(_pictures(path))} files; it said: {lines[-1]}"
                    )
                if time.monotonic() > end:
                    raise TimeoutError(f"after {seconds:g} s there are {len(_pictures(path))} files, not {files}.")
                time.sleep(WAIT_S)
        finally:
            process.kill()
            process.wait()
    return _pictures(path)


def _pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))
