"""What tools.colab and tools.matrix share: commands run in another environment, and its test reports."""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


def call(*command: str | Path, **options) -> str:
    """Run a command and return what it printed; raise RuntimeError with its last lines if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[:5]))} ... failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def installed(python: str | Path) -> dict[str, str]:
    """Return {package: version} of an environment, named by its interpreter."""
    lines = call(python, "-m", "pip", "list", "--format=freeze").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


@dataclass(frozen=True)
class Case:
    """A test of a report: its name and file or class, how long it took, and (message, details) of what went wrong."""

    name: str
    place: str
    seconds: float
    skipped: bool
    problems: list[tuple[str, str]]


def cases(report: str) -> Iterator[Case]:
    """Yield each test of a JUnit report, given as text."""
    for case in ET.fromstring(report).iter("testcase"):
        problems = [*case.iter("failure"), *case.iter("error")]
        yield Case(
            name=case.get("name", ""),
            place=case.get("classname", ""),
            seconds=float(case.get("time", 0)),
            skipped=case.find("skipped") is not None,
            problems=[(problem.get("message", ""), problem.text or "") for problem in problems],
        )
