"""A report of the environment: is everything there, and is it the right `sdkit`?"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version

DISTRIBUTION = "sd-one-parameter"
_WANTED = {
    "torch": "2.4",
    "diffusers": "0.40",
    "transformers": "5.0",
    "ipywidgets": "7.7.1",
    "matplotlib": "3.8",
    "Pillow": "10",
}


@dataclass(frozen=True)
class Report:
    """The versions found and the problems, in words; true when there are none."""

    versions: dict
    device: str
    problems: tuple[str, ...]

    def __bool__(self):
        return not self.problems

    def __repr__(self):
        lines = [f"{name:<14}{number}" for name, number in self.versions.items()]
        lines += [f"{'device':<14}{self.device}", *(f"PROBLEM: {one}" for one in self.problems)]
        return "\n".join(lines + ([] if self.problems else ["all is well"]))


def check_setup() -> Report:
    """Look at the installed versions, the device, and whether the imported `sdkit` is this project's.

    Another project is called sdkit on the package index; with both installed the wrong one may
    be imported.
    """
    import sdkit

    problems, versions = [], {"python": platform.python_version()}
    try:
        distribution(DISTRIBUTION)
    except PackageNotFoundError:
        problems.append(f"{DISTRIBUTION} is not installed; install it as README.md says.")
    if not hasattr(sdkit, "load_pipeline"):
        problems.append("the imported sdkit is another project's; remove that one and install this again.")
    for name, wanted in _WANTED.items():
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            problems.append(f"{name} is missing; install {name}>={wanted}.")
            continue
        if _number(versions[name]) < _number(wanted):
            problems.append(f"{name} is {versions[name]}; install {name}>={wanted}.")
    return Report(versions, _device(), tuple(problems))


def _number(text):
    parts = []
    for part in text.split("+")[0].split(".")[:3]:
        digits = "".join(c for c in part if c.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)


def _device():
    try:
        import torch
    except ImportError:
        return "none: torch is missing"
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return "mps" if torch.backends.mps.is_available() else "cpu"
