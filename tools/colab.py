"""Run the lessons in an environment with the versions that Google Colab has.

    python -m tools.colab              all English lessons
    python -m tools.colab FILE ...     these notebooks

Makes .cache/colab (a virtual environment with Colab's packages), installs our wheel there as a
reader would, says which of Colab's packages that replaced, and runs the lessons with nbval. A cell
whose output differs from the stored one is listed; a cell that raises an error makes the exit 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.environments import call, cases, installed
from tools.lesson import LESSONS, Lesson

ROOT = LESSONS.parent.parent
Run = tuple[float, list[tuple[str, str]], list[tuple[str, str]]]  # seconds, cells that differ, cells that raise
PLACE = ROOT / ".cache" / "colab"
PYTHON = PLACE / "venv" / "bin" / "python"
# googlecolab/backend-info of 2026-08-19. Its torch has CUDA; here the same version for a CPU is enough.
COLAB = (
    "torch==2.11.0", "diffusers==0.39.0", "transformers==5.15.0", "accelerate==1.14.0", "huggingface_hub==1.27.0",
    "numpy==2.1.3", "pillow==11.3.0", "matplotlib==3.10.0", "scipy", "safetensors", "tqdm",
    "ipywidgets==7.7.1", "ipykernel==6.17.1", "ipython==7.34.0", "jupyter_client==7.4.9", "pytest==8.4.2",
)  # fmt: skip
NOT_ON_COLAB = ("nbval==0.11.*",)  # what runs and compares the cells


def make() -> Iterator[str]:
    """Build the environment unless it is there, and put this tree's wheel into it; yield what that changed."""
    if not (PLACE / "ready").exists():
        shutil.rmtree(PLACE, ignore_errors=True)
        call(sys.executable, "-m", "venv", PLACE / "venv")
        call(PYTHON, "-m", "pip", "install", *COLAB)
        (PLACE / "ready").touch()
    for name in ("build", "dist"):
        shutil.rmtree(PLACE / name, ignore_errors=True)
    left_out = shutil.ignore_patterns(".*", "my-lessons", "tests", "training", "build")
    shutil.copytree(ROOT, PLACE / "build", ignore=left_out)
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", PLACE / "dist", PLACE / "build")
    before = installed(PYTHON)
    wheel = next((PLACE / "dist").glob("*.whl"))
    call(PYTHON, "-m", "pip", "install", wheel)
    after = installed(PYTHON)
    # An older wheel of this tree has the same version, so pip would keep it.
    call(PYTHON, "-m", "pip", "install", "--force-reinstall", "--no-deps", wheel)
    call(PYTHON, "-m", "pip", "install", *NOT_ON_COLAB)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{name}: {before.get(name, 'not there')} -> {after.get(name, 'gone')}"


def run(path: Path) -> Run:
    """Run a copy of a notebook; return its seconds and, as (name, why), the cells that differ and those that raise."""
    # A copy outside the repository, so that the wheel's sdkit is imported and not the one beside it.
    copies = PLACE / "notebooks"
    shutil.rmtree(copies, ignore_errors=True)
    (copies / "en").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "conftest.py", copies)
    shutil.copy(path, copies / "en")
    report = PLACE / "report.xml"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [PYTHON, "-m", "pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "-q",
               "-p", "no:cacheprovider", f"--junitxml={report}", "--rootdir", copies, copies / "en"]  # fmt: skip
    # pytest fails where a cell differs; what failed is in the report.
    subprocess.run([str(part) for part in command], capture_output=True, cwd=copies, env=environment)
    names = [cell.id for cell in Lesson.read(path).code]
    return read(report.read_text(encoding="utf-8"), names)


def read(report: str, names: list[str]) -> Run:
    """Read nbval's JUnit report of one notebook, whose code cells have these names; return what `run` does."""
    seconds, differing, raising = 0.0, [], []
    for case in cases(report):
        seconds += case.seconds
        name = names[int(case.name.split()[-1])]  # as in "07_steps::ipynb::Cell 3"
        for message, details in case.problems:
            if "Cell outputs differ" in message:
                kinds = re.findall(r"mismatch '([^']+)'|outputs for key \"([^\"]+)\"", details)
                differing.append((name, ", ".join(dict.fromkeys(a or b for a, b in kinds))))
            else:
                raising.append((name, message.strip().splitlines()[-1]))
    return seconds, differing, raising


def main(arguments: list[str] | None = None) -> int:
    """Build, run, and print; return 1 if a cell raised."""
    parser = argparse.ArgumentParser(prog="python -m tools.colab", description="Run the lessons as on Colab.")
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; default: all English lessons")
    paths = parser.parse_args(arguments).files or sorted(LESSONS.glob("*.ipynb"))
    changed = list(make())
    print("installing our wheel changes:", *changed or ["nothing"], sep="\n  ")
    broken = False
    for path in paths:
        seconds, differing, raising = run(path)
        broken = broken or bool(raising)
        print(f"{path.stem}: {seconds:.0f} s", flush=True)
        for name, kinds in differing:
            print(f"  {name} differs: {kinds}", flush=True)
        for name, message in raising:
            print(f"  {name} RAISES: {message}", flush=True)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
