"""A report of the environment: is everything there, and is it the right `sdkit`?"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from sdkit.loading.device import best_device
from sdkit.text_table import text_table

DISTRIBUTION = "sd-one-parameter"
# The Jupyter that shows a page, and the part of ipywidgets that draws controls in it.
DRAWN_BY = {"jupyterlab": "jupyterlab_widgets", "nbclassic": "widgetsnbextension"}
TEXT_ONLY = "controls are shown as a line of text"
AFTERWARDS = "then restart Jupyter and reload the page"


@dataclass(frozen=True)
class Report:
    """The versions found, as {package: version}, the device, and the problems in words; true when there are none.

    `notes` say what cannot be seen from here.
    """

    versions: dict[str, str]
    device: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.problems

    def __repr__(self) -> str:
        rows = [*self.versions.items(), ("device", self.device)]
        verdict = [f"PROBLEM: {problem}" for problem in self.problems] or ["all is well"]
        return "\n".join([text_table(rows), *verdict, *(f"note: {note}" for note in self.notes)])


def check_setup() -> Report:
    """Look at the installed versions, the device, whose `sdkit` is imported, and who draws controls.

    Another project is called sdkit on the package index; with both installed the wrong one may
    be imported. Controls are drawn by the page, which a kernel cannot see: a Jupyter in this environment is
    looked at, one in another environment is only noted, and a page that was open before ipywidgets was
    installed has to be reloaded.
    """
    import sdkit

    problems, versions = [], {"python": platform.python_version()}
    if not hasattr(sdkit, "load_pipeline"):
        problems.append("the imported sdkit is another project's; remove that one and install this again.")
    try:
        wanted = _requirements(DISTRIBUTION)
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
    pages = [name for name in DRAWN_BY if _installed(name)]
    problems += [problem for name in pages for problem in _drawing_problems(name)]
    notes = []
    if not pages and _in_a_kernel():
        notes.append(
            "the Jupyter of this page is not in this environment, so it cannot be seen from here. If "
            f"{TEXT_ONLY}, install ipywidgets where that Jupyter is, {AFTERWARDS}."
        )
    return Report(versions, _device(), tuple(problems), tuple(notes))


def _requirements(distribution):
    """Return what an installed package requires here, without its extras. Raises PackageNotFoundError if it is not."""
    from packaging.requirements import Requirement  # which takes as long to import as the rest of sdkit's base

    requirements = [Requirement(line) for line in requires(distribution) or ()]
    return [each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})]


def _drawing_problems(page):
    """Yield what keeps an installed Jupyter from drawing controls. Which version fits, ipywidgets itself says."""
    drawer = DRAWN_BY[page]
    try:
        wanted = _requirements("ipywidgets")
    except PackageNotFoundError:  # which is told already
        return
    for requirement in wanted:
        if requirement.name != drawer:
            continue
        found, install = _installed(drawer), f"install {drawer}{requirement.specifier}, {AFTERWARDS}"
        if found is None:
            yield f"{page} is here without {drawer}, so in its pages {TEXT_ONLY}; {install}."
        elif not requirement.specifier.contains(found, prereleases=True):
            yield f"{drawer} is {found}, which does not fit ipywidgets {version('ipywidgets')}; {install}."


def _installed(distribution):
    """Return the version of a package, or None if it is not there."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _in_a_kernel():
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _device():
    try:
        import torch
    except ImportError:
        return "none: torch is missing"
    device = best_device()
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device
