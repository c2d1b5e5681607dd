"""A report of the environment: is everything there, and is it the right `sdkit`?"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from sdkit.loading.device import best_device
from sdkit.text_table import text_table

DISTRIBUTION = "sd-one-parameter"


@dataclass(frozen=True)
class Report:
    """The versions found, as {package: version}, the device, and the problems in words; true when there are none."""

    versions: dict[str, str]
    device: str
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.problems

    def __repr__(self) -> str:
        rows = [*self.versions.items(), ("device", self.device)]
        verdict = [f"PROBLEM: {problem}" for problem in self.problems] or ["all is well"]
        return "\n".join([text_table(rows), *verdict])


def check_setup() -> Report:
    """Look at the installed versions, the device, and whether the imported `sdkit` is this project's.

    Another project is called sdkit on the package index; with both installed the wrong one may
    be imported.
    """
    import sdkit

    problems, versions = [], {"python": platform.python_version()}
    if not hasattr(sdkit, "load_pipeline"):
        problems.append("the imported sdkit is another project's; remove that one and install this again.")
    try:
        wanted = _requirements()
    except PackageNotFoundError:
        wanted = []
        problems.append(f"{DISTRIBUTION} is not installed; install it as README.md says.")
    for requirement in wanted:
        name, install = requirement.name, f"install {requirement.name}{requirement.specifier}"
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            problems.append(f"{name} is missing; {install}.")
            continue
        if not requirement.specifier.contains(versions[name], prereleases=True):
            problems.append(f"{name} is {versions[name]}; {install}.")
    return Report(versions, _device(), tuple(problems))


def _requirements():
    """Return what the installed package requires here, without its extras. Raises PackageNotFoundError if it is not."""
    from packaging.requirements import Requirement  # which takes as long to import as the rest of sdkit's base

    requirements = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    return [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]


def _device():
    try:
        import torch
    except ImportError:
        return "none: torch is missing"
    device = best_device()
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device
