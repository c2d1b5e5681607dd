"""Write dist/classroom.zip: all that a laptop without a network needs, besides Python itself.

    python -m tools.bundle                                    for machines like this one
    python -m tools.bundle --for linux windows macos          for these, in one file
    python -m tools.bundle --python 3.11 3.13                 for these versions of Python

In the file: `wheels/`, with our own, which holds the model and the lessons; a script that starts them on each system;
and the site, if `make site` has built it.
Versions are those of constraints.txt. What was downloaded before, in .cache/bundle, is not downloaded again.
"""

import argparse
import os
import platform
import shutil
import sys
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from sdkit.language import language
from sdkit.lessons.copies import FOLDERS
from tools.environments import call
from tools.lesson import LESSONS

ROOT = LESSONS.parent.parent
CACHE = ROOT / ".cache" / "bundle"
START = Path(__file__).resolve().parent / "start"
SITE = ROOT / "dist" / "site"
# What README.txt says where the site is in the file.
ABOUT_SITE = {
    "en": """
To read the lessons and try the model in a browser, without setting anything up: in this folder

   python -m http.server --directory site

(on Linux and macOS python3), then open http://localhost:8000 in a browser. Other devices in the same room open
http://ADDRESS:8000, with the address of this machine.
""",
    "ja": """
何もインストールせずに、ブラウザーでレッスンを読み、モデルを試すには、このフォルダーで次を実行します
（LinuxとmacOSではpython3）。

   python -m http.server --directory site

続いて、ブラウザーでhttp://localhost:8000を開きます。同じ教室のほかの端末では、このコンピューターのアドレスを使って
http://アドレス:8000を開きます。
""",
}
DISTRIBUTION = "sd-one-parameter"
# Files of the site that get smaller; pictures and weights do not.
PACKED_WELL = (".html", ".css", ".js", ".mjs", ".json")
# Without these torch computes on a CPU, and the file has a quarter of the size.
FOR_CARDS = ("nvidia-", "cuda-", "triton")
# What pip takes 3.11 for; 3.11.0 is too old for some packages, and hardly anybody has it.
PATCH = 9
TORCH_CPU_INDEX = os.environ.get("TORCH_CPU_INDEX", "https://download.pytorch.org/whl/cpu")


@dataclass(frozen=True)
class System:
    """What pip calls a system, and what requirements ask about it."""

    tags: tuple[str, ...]
    script: str
    markers: dict[str, str]


SYSTEMS = {
    "linux": System(
        ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
        "start.sh",
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    ),
    "windows": System(
        ("win_amd64",),
        "start.bat",
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
    ),
    "macos": System(
        tuple(f"macosx_{version}_{kind}" for version in ("14_0", "12_0", "11_0") for kind in ("arm64", "universal2")),
        "start.command",
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    ),
}


def packages_for(system: System, python: str, first: str = f"{DISTRIBUTION}[notebooks]") -> set[str]:
    """Return the names of all packages that one needs on a system, read from what is installed here.

    pip itself would ask this machine, not that system, what is needed. A package that is not installed here, since
    only the other system needs it, counts as needing no more.
    """
    markers = {**system.markers, "python_version": python, "python_full_version": f"{python}.{PATCH}"}
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(first)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in found or name.startswith(FOR_CARDS):
                continue
            found.add((name, extra))
            for needed in map(Requirement, _requires(name)):
                if needed.marker is None or needed.marker.evaluate({**markers, "extra": extra}):
                    waiting.append(needed)
    return {name for name, _ in found}


def here() -> str | None:
    """Return which of the systems this machine is, None for another one, such as Linux on ARM."""
    found = platform.system(), platform.machine()
    asked = "platform_system", "platform_machine"
    return next((name for name, system in SYSTEMS.items() if found == tuple(map(system.markers.get, asked))), None)


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def pinned(names: Iterable[str], constraints: str) -> list[str]:
    """Return a requirement for each name, sorted, with the version that the text of constraints.txt has for it."""
    lines = [line.split("#")[0].strip() for line in constraints.splitlines()]
    versions = {canonicalize_name(Requirement(line).name): line for line in lines if line}
    return [versions.get(name, name) for name in sorted(names)]


def download(system: System, python: str, requirements: Sequence[str], folder: Path) -> None:
    """Download the wheels of requirements for a system; raise RuntimeError for one that has none.

    PyTorch comes from its own index of CPU builds first, on Linux only from there.
    """
    usual = [line for line in requirements if not line.startswith("torch==")]
    torch = [line for line in requirements if line.startswith("torch==")]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--python-version", f"{python}.{PATCH}", "--dest", str(folder)]
    for tag in system.tags:
        command += ["--platform", tag]
    call(*command, *usual)
    if torch:
        # Other systems' PyTorch on the package index is for CPUs too.
        from_cpu_index = system.markers["sys_platform"] == "linux"
        call(*command, *(["--index-url", TORCH_CPU_INDEX] if from_cpu_index else []), *torch)


def build_wheel(folder: Path) -> Path:
    """Build this tree's wheel and return it."""
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # setuptools would pack what an older version left there
    for old in folder.glob(f"{DISTRIBUTION.replace('-', '_')}-*.whl"):
        old.unlink()
    call(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob(f"{DISTRIBUTION.replace('-', '_')}-*.whl"))


def wanted(wheels: Iterable[Path], requirements: Sequence[str]) -> list[Path]:
    """Return the wheels that requirements ask for, and not what an earlier version of them left in the folder."""
    asked = {canonicalize_name(line.name): line.specifier for line in map(Requirement, requirements)}
    found = []
    for path in sorted(wheels):
        name, version, *_ = parse_wheel_filename(path.name)
        if name in asked and asked[name].contains(version, prereleases=True):
            found.append(path)
    return found


def scripts(systems: Sequence[System], pythons: Sequence[str], site: bool = False) -> dict[str, bytes]:
    """Return {name: content} of the start scripts, in the language of `sdkit.language`, and of the page about them.

    The page speaks of the site if it is there.
    """
    chosen = language()
    about = "README.txt" if chosen == "en" else f"README.{chosen}.txt"
    names = [about, *(system.script for system in systems)]
    texts = {name: (START / name).read_text(encoding="utf-8") for name in names}
    filled = {"@PYTHONS@": " ".join(pythons), "@LANGUAGE@": chosen, "@FOLDER@": FOLDERS[chosen]}
    for mark, value in filled.items():
        texts = {name: text.replace(mark, value) for name, text in texts.items()}
    texts["README.txt"] = texts.pop(about).replace("@SITE@\n", ABOUT_SITE[chosen] if site else "")
    ends = {".bat": "\r\n", ".txt": "\r\n"}
    # Windows takes a text without the mark for one in the system's own encoding.
    return {
        name: text.replace("\n", ends.get(Path(name).suffix, "\n")).encode("utf-8" if text.isascii() else "utf-8-sig")
        for name, text in texts.items()
    }


def write(path: Path, texts: dict[str, bytes], wheels: Iterable[Path], site: Path | None = None) -> None:
    """Write the zip file, whole or not at all; all of it lies in a folder `classroom`, the site in one in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        with zipfile.ZipFile(new, "w") as file:
            for name, data in texts.items():
                entry = zipfile.ZipInfo(f"classroom/{name}", time.localtime()[:6])
                entry.create_system = 3  # unix, so that the scripts may be run
                entry.external_attr = (0o100755 if name.startswith("start") else 0o100644) << 16
                file.writestr(entry, data)
            for wheel in wheels:
                file.write(wheel, f"classroom/wheels/{wheel.name}")  # as it is: wheels are compressed
            for page in sorted(site.rglob("*")) if site else ():
                name = f"classroom/site/{page.relative_to(site).as_posix()}"
                file.write(page, name, zipfile.ZIP_DEFLATED if page.suffix in PACKED_WELL else zipfile.ZIP_STORED)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    """Build the wheel, download the others, write the file, and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m tools.bundle", description="Write dist/classroom.zip.")
    parser.add_argument("--for", dest="systems", nargs="+", choices=SYSTEMS, default=[here()])
    parser.add_argument("--python", nargs="+", default=[f"{sys.version_info[0]}.{sys.version_info[1]}"])
    parser.add_argument("--to", type=Path, default=ROOT / "dist" / "classroom.zip")
    given = parser.parse_args(arguments)
    if given.systems == [None]:
        parser.error(
            f"this is {platform.system()} on {platform.machine()}; say for which of {', '.join(SYSTEMS)}: --for"
        )
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    own = build_wheel(CACHE / "own")
    wheels = {own}
    for name in given.systems:
        for python in given.python:
            requirements = pinned(packages_for(SYSTEMS[name], python) - {DISTRIBUTION}, constraints)
            folder = CACHE / f"{name}-{python}"
            began = time.perf_counter()
            try:
                download(SYSTEMS[name], python, requirements, folder)
            except RuntimeError as error:
                print(f"{name}, Python {python}: not every wheel could be had; nothing written.\n{error}")
                return 1
            found = wanted(folder.glob("*.whl"), requirements)
            wheels.update(found)
            size = sum(path.stat().st_size for path in found) / 1e6
            print(f"{name}, Python {python}: {len(found)} wheels, {size:.0f} MB, {time.perf_counter() - began:.0f} s")
    once = {path.name: path for path in sorted(wheels)}  # one that suits all systems is there once
    site = SITE if (SITE / "index.html").exists() else None
    texts = scripts([SYSTEMS[name] for name in given.systems], given.python, site is not None)
    write(given.to, texts, once.values(), site)
    with_site = "the site" if site else f"no site ({SITE} is not there; make site builds it)"
    print(f"{given.to}: {len(once)} wheels, {with_site}, {given.to.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
