"""Build the lab into dist/browser: `python -m tools.browser_build`, or `make browser`.

Writes what is missing or older than what it is made from: the model (the extra `site`), npm's packages, the runtime;
then the pages and scripts. Builds wait for each other.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from sdkit.files import write_whole
from tools import browser_models

SOURCE = Path(__file__).parent.parent / "browser"
FOLDER = browser_models.FOLDER.parent
NODE = 20
NEEDED = ("onnx", "onnxscript")


class CannotBuildError(RuntimeError):
    """What the build needs is not there, or one of its programs failed."""


def missing(models: bool = True) -> str | None:
    """Return a sentence on what the build needs and does not find, None if all is there; `models` counts them in."""
    npm, node = shutil.which("npm"), shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"
    if npm is None or node is None or int(re.sub(r"\D.*", "", version[1:]) or 0) < NODE:
        have = "is not installed" if npm is None else f"is there, with Node.js {version}"
        return f"npm {have}; the lab needs Node.js {NODE} or newer, and npm comes with it."
    absent = [name for name in NEEDED if find_spec(name) is None]
    if models and absent and not browser_models.is_fresh(browser_models.FOLDER):
        return f'{" and ".join(absent)} missing: pip install -c constraints.txt -e ".[site]"'
    return None


def install() -> None:
    """Install the packages of browser/package-lock.json, unless that has been done. Raises CannotBuildError."""
    lock, done = (SOURCE / "package-lock.json").read_bytes(), SOURCE / "node_modules" / "installed"
    if not done.exists() or done.read_bytes() != lock:
        _call("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        write_whole(done, lock)


def build() -> Path:
    """Build what is not there or older than its source, and return the folder. Raises CannotBuildError."""
    problem = missing()
    if problem:
        raise CannotBuildError(problem)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER.parent / "browser.lock"):
        if not browser_models.is_fresh(browser_models.FOLDER):
            for _ in browser_models.write(browser_models.FOLDER):
                pass
        install()
        _call("node", "build.mjs", FOLDER)
    return FOLDER


def _call(*command):
    run = subprocess.run([*map(str, command)], cwd=SOURCE, capture_output=True, text=True)
    if run.returncode:
        raise CannotBuildError(f"`{' '.join(map(str, command))}` failed in {SOURCE}:\n{run.stderr.strip()}")


def main() -> int:
    try:
        folder = build()
    except CannotBuildError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB. To see it: python -m http.server --directory {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
