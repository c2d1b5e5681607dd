"""Run the core tests with the oldest and the newest libraries, and on other Pythons; docs/versions.md gets the table.

    python -m tools.matrix               every environment that is not in the table yet
    python -m tools.matrix NAME ...      these again

An environment is made in .cache/matrix/, used and removed: one with torch takes gigabytes. A Python that is not
on this machine (looked for in the search path and in pyenv's folder) is told in the table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sdkit.files import write_whole
from tools.blocks import replace_block
from tools.environments import call, cases, installed
from tools.markdown import markdown_table

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".cache" / "matrix"
FOUND = ROOT / "tools" / "matrix.json"
PAGE = ROOT / "docs" / "versions.md"
OLD = {"diffusers": "0.40.0", "transformers": "5.0.0"}
NEW = {"diffusers": "0.42.1", "transformers": "5.24.0"}
ENVIRONMENTS: dict[
    str, tuple[str, dict[str, str]]
] = {  # name: Python, and the versions that are held; the others are the newest allowed
    "oldest": ("3.11", {**OLD, "torch": "2.13.0"}),
    "old diffusers": ("3.11", {**NEW, "diffusers": OLD["diffusers"], "torch": "2.13.0"}),
    "newest": ("3.11", {**NEW, "torch": "2.13.0"}),
    "Python 3.10": ("3.10", {}),  # diffusers 0.42 needs Python 3.11
    "Python 3.12": ("3.12", NEW),
    "Python 3.13": ("3.13", NEW),
}
# What needs drawings, notebooks or git has nothing to do with these versions; tools.colab runs the lessons.
LEFT_OUT = ("lessons", "tools", "training", "test_benchmarks.py", "test_docs.py", "test_judge.py",
            "test_packaging.py", "test_words.py")  # fmt: skip


def runs(python: str) -> bool:
    """Say whether an interpreter is really there and starts."""
    return subprocess.run([python, "--version"], capture_output=True).returncode == 0


def interpreter(version: str) -> str | None:
    """Return the path of a Python of this version on this machine, or None."""
    named = shutil.which(f"python{version}")  # pyenv leaves a stand-in there for versions that are not chosen
    candidates = list(map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))))
    return next((path for path in [*candidates, *([named] if named else [])] if runs(path)), None)


def run(python: str, held: dict[str, str]) -> dict:
    """Make an environment, run the tests in it and remove it; return versions, counts and what failed."""
    shutil.rmtree(PLACE, ignore_errors=True)
    call(python, "-m", "venv", PLACE)
    own = PLACE / "bin" / "python"
    try:
        exact = [f"{name}=={number}" for name, number in held.items()]
        call(own, "-m", "pip", "install", "-e", f"{ROOT}[test]", *exact)
        report = PLACE / "report.xml"
        left_out = [f"--ignore=tests/{name}" for name in LEFT_OUT]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        # pytest fails where a test does; which ones is in the report.
        command = [str(own), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *left_out, "tests"]
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
        versions = installed(own)
        return {
            "python": call(own, "-c", "import platform; print(platform.python_version())").strip(),
            **{name: versions[name] for name in ("torch", "diffusers", "transformers", "numpy")},
            **read(report.read_text(encoding="utf-8")),
        }
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)


def read(report: str) -> dict:
    """Return how many tests passed and were skipped, and which failed with what, of a JUnit report."""
    passed, skipped, failed = 0, 0, {}
    for case in cases(report):
        if case.problems:
            message, _ = case.problems[0]
            failed[f"{case.place.removeprefix('tests.')}::{case.name}"] = message.splitlines()[0]
        elif case.skipped:
            skipped += 1
        else:
            passed += 1
    return {"passed": passed, "skipped": skipped, "failed": failed}


def table(found: dict[str, dict]) -> str:
    """Return the results as Markdown."""
    columns = ("python", "torch", "diffusers", "transformers", "numpy", "passed", "skipped")
    rows = []
    for name in ENVIRONMENTS:
        row = found.get(name, {"why": "not run yet"})
        if "why" in row:
            rows.append((name, *[""] * len(columns), row["why"]))
            continue
        failed = "; ".join(f"`{test}`: {why}" for test, why in row["failed"].items()) or "none"
        rows.append((name, *(row[column] for column in columns), failed))
    return markdown_table(("environment", *columns, "failed"), rows)


def main(names: list[str] | None = None) -> int:
    """Run the environments asked for, keep what was found after each; return 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.matrix", description="Run the tests with other versions.")
    parser.add_argument(
        "names", nargs="*", help=f"environments to run again, of {', '.join(ENVIRONMENTS)}; default: those not run yet"
    )
    asked = parser.parse_args(names).names
    unknown = [name for name in asked if name not in ENVIRONMENTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(ENVIRONMENTS)}")
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    for name in asked or [name for name in ENVIRONMENTS if name not in found]:
        version, held = ENVIRONMENTS[name]
        python = interpreter(version)
        print(f"{name}: {python or 'no such Python here'}", flush=True)
        found[name] = run(python, held) if python else {"why": f"no Python {version} on the machine that ran this"}
        print(json.dumps(found[name], indent=1), flush=True)
        write_whole(FOUND, (json.dumps(found, indent=1) + "\n").encode())
        write_whole(PAGE, replace_block(PAGE.read_text(encoding="utf-8"), "matrix", table(found)).encode())
    return int(any(row.get("failed") for row in found.values()))


if __name__ == "__main__":
    sys.exit(main())
