"""The files that install the project agree, and hold nothing that belongs to one machine."""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns, which

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from sdkit.lessons import source
from tools import colab, links

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

REQUIRED = {"jupyterlab", "ipywidgets", "diffusers", "torch", "transformers", "matplotlib", "pillow", "nbval", "pytest"}
COLAB = dict(pin.split("==") for pin in colab.COLAB if "==" in pin)  # our ranges must let Colab keep them
LARGEST_FILE = 30_000_000


def lines_of(name):
    """Return the lines of a file without comments and empty ones."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def declared(*extras):
    """Return the requirements of pyproject.toml by name, those of `extras` included."""
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def pinned():
    """Return the versions of constraints.txt by name."""
    return dict(line.split("==") for line in lines_of("constraints.txt"))


def repository_files():
    """Return the files that are in git or would be added by `git add`."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert ROOT / "pyproject.toml" in files
    return files


def texts():
    """Yield each text file of the repository with its content."""
    for path in repository_files():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_distribution_is_not_called_sdkit():
    assert canonicalize_name(PROJECT["name"]) != "sdkit"


def test_constraints_are_exact_versions():
    lines = lines_of("constraints.txt")
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line)] == []
    assert len({canonicalize_name(name) for name in pinned()}) == len(lines)


def test_constraints_leave_out_what_readers_do_not_install():
    names = {canonicalize_name(name) for name in pinned()}
    training = {canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"]["training"]}
    assert names & ({"pip", "setuptools", "wheel", "triton", canonicalize_name(PROJECT["name"])} | training) == set()
    assert [name for name in names if name.startswith(("nvidia-", "cuda-"))] == []


def test_constraints_pin_each_declared_requirement_within_its_range():
    versions = {canonicalize_name(name): version for name, version in pinned().items()}
    for name, requirement in declared("notebooks", "test", "cluster", "browser", "course", "japanese").items():
        assert name in versions, f"constraints.txt does not pin {name}"
        assert requirement.specifier.contains(versions[name]), f"{name}=={versions[name]} is not in {requirement}"


def test_requirements_name_the_required_packages_and_use_the_constraints():
    lines = lines_of("requirements.txt")
    options = {line for line in lines if line.startswith("-")}
    assert options == {"-c constraints.txt", "-e .[notebooks,test]"}
    named = {canonicalize_name(line) for line in lines if line not in options}
    assert named == REQUIRED
    assert named <= set(declared("notebooks", "test"))


def test_environment_reuses_the_requirements():
    python, pip, packages = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.txt"]}
    name, version = python.split("=")
    assert name == "python"
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


# diffusers is left out: Colab's own knows no `dtype=`, so ours must be newer.
@pytest.mark.parametrize("name", sorted(declared().keys() & COLAB.keys() - {"diffusers"}))
def test_ranges_admit_the_versions_on_colab(name):
    assert declared()[name].specifier.contains(COLAB[name])


def test_nothing_tells_to_install_the_other_sdkit():
    command = re.compile(r"\bpip3?\s+install\s+(?:-\S+\s+)*[\"']?" + "sdkit" + r"(?![\w/])")
    assert command.search("%pip install -q " + "sdkit")
    assert [path.name for path, text in texts() if command.search(text)] == []


def test_no_path_of_this_machine_is_in_the_repository():
    own = {ROOT, ROOT.parent, Path.home()} - {Path(ROOT.anchor), Path(tempfile.gettempdir())}
    path = re.compile(r"(?<![\w.-])(?:" + "|".join(re.escape(str(folder)) for folder in own) + r")(?![\w.-])")
    assert path.search(f"in {ROOT}/notebooks")
    assert [file.name for file, text in texts() if path.search(text)] == []


def test_no_file_is_too_large():
    assert [path.name for path in repository_files() if path.stat().st_size > LARGEST_FILE] == []


def test_wheel_holds_the_model_the_lessons_and_only_sdkit(tmp_path):
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        copy(ROOT / name, tmp_path)
    for package in ("sdkit", "tests", "tools", "training", "notebooks", "docs"):
        copytree(ROOT / package, tmp_path / package, ignore=ignore_patterns("node_modules"))
    # Without isolation nothing is downloaded: torch has already brought setuptools.
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", "."]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = set((ROOT / "sdkit").rglob("*.py"))
    model = {path for path in (ROOT / "sdkit/model").rglob("*") if path.is_file()}
    assert ROOT / "sdkit/model/model_index.json" in model
    japanese = set((ROOT / "sdkit/exercises/ja").glob("*.json"))
    examples = {ROOT / "sdkit/examples/README.md", *(ROOT / "sdkit/examples").glob("*.safetensors")}
    assert ROOT / "sdkit/examples/zib.safetensors" in examples
    both = {**source.project_files(), **source.project_files("ja")}
    lessons = {name for name in both if not name.startswith("sdkit/")}
    assert {"notebooks/en/exercises/01_start.ipynb", "notebooks/ja/01_start.ipynb", "docs/claims.md"} <= lessons
    files = {ROOT / "sdkit/py.typed", *code, *model, *japanese, *examples}
    package = {path.relative_to(ROOT).as_posix() for path in files}
    assert packed == package | {f"sdkit/lessons/packed/{name}" for name in lessons}


def made(*arguments, path=None):
    """Return what make would do in a fresh clone, with `path` first among the places where programs are looked for."""
    if which("make") is None:
        pytest.skip("there is no make")
    environment = {**os.environ, "PATH": os.pathsep.join([*map(str, [path] if path else []), os.environ["PATH"]])}
    command = ["make", "-n", "STAMP=not-there", "STAMP_ALL=not-there-either", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)


@pytest.fixture
def card(tmp_path):
    """Return a folder with a program that only machines with an NVIDIA card have."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="chooses the CPU build on Linux only")
CPU_INDEX = "--index-url https://download.pytorch.org/whl/cpu"


@ON_LINUX
def test_make_takes_the_pytorch_that_fits_the_machine(card):
    has_card = which("nvidia-smi") is not None or Path("/proc/driver/nvidia").exists()
    assert (CPU_INDEX in made("setup").stdout) != has_card
    assert CPU_INDEX not in made("setup", path=card).stdout
    assert "-m pip install -r requirements.txt" in made("setup", path=card).stdout


def test_make_takes_the_pytorch_that_is_asked_for(card):
    assert CPU_INDEX in made("setup", "TORCH=cpu", path=card).stdout
    for choice in ("cuda", "default"):
        assert CPU_INDEX not in made("setup", f"TORCH={choice}").stdout
    refused = made("setup", "TORCH=gpu")
    assert refused.returncode and 'TORCH is "gpu"; use TORCH=cpu, TORCH=cuda or TORCH=default' in refused.stderr


@pytest.mark.parametrize("reachable", [True, False])
def test_make_goes_on_where_pytorchs_index_is_not_reachable(tmp_path, reachable):
    if which("make") is None:
        pytest.skip("there is no make")
    python = tmp_path / "python"  # notes what it is asked to do, and cannot reach an index that is named
    python.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *--index-url*) exit {1 - reachable};; esac\n'
    )
    python.chmod(0o755)
    command = ["make", f"BIN={tmp_path}", f"STAMP={tmp_path}/installed", "TORCH=cpu", "setup"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "installed").exists()
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert CPU_INDEX in first and f" torch=={pinned()['torch']}" in first
    assert second == "-m pip install -r requirements.txt"
    told = [line for line in done.stdout.splitlines() if line.startswith("PyTorch's CPU build did not come from")]
    assert len(told) == (not reachable)


def test_make_opens_and_resets_the_readers_own_lessons():
    opened = made("lab", "OUTPUTS=keep", "LAB_FLAGS=--no-browser --port=9000").stdout
    assert "-m sdkit.lessons --outputs keep --lab --no-browser --port=9000\n" in opened
    assert "-m sdkit.lessons --outputs clear --lab" in made("lab").stdout
    assert "-m sdkit.lessons --outputs clear --reset 06\n" in made("reset", "LESSON=06").stdout
    assert "say which lesson, as in: make reset LESSON=06" in made("reset").stderr


def test_make_opens_the_japanese_lessons(tmp_path):
    told = tmp_path / "python"
    told.write_text('#!/bin/sh\necho "$SDKIT_LANGUAGE: $@"\n')
    told.chmod(0o755)
    if which("make") is None:
        pytest.skip("there is no make")
    installed = tmp_path / "installed"
    installed.touch()
    for given, language in ([], "en"), (["SDKIT_LANGUAGE=ja"], "ja"):
        command = ["make", "-s", "-o", str(installed), f"BIN={tmp_path}", f"STAMP={installed}", "lab", *given]
        environment = {name: value for name, value in os.environ.items() if name != "SDKIT_LANGUAGE"}
        environment |= {"LANGUAGE": "en_US:en", "LANG": "en_US.UTF-8"}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
        assert done.stdout.splitlines()[-1] == f"{language}: -m sdkit.lessons --outputs clear --lab", done.stderr


def test_binder_installs_what_we_test_with_and_copies_the_lessons():
    lines = lines_of("binder/requirements.txt")
    assert lines == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "-c ../constraints.txt",
        "-e .[notebooks]",
    ]
    assert SpecifierSet(PROJECT["requires-python"]).contains(lines_of("binder/runtime.txt")[0].removeprefix("python-"))
    after = ROOT / "binder" / "postBuild"
    assert "python -m sdkit.lessons" in lines_of("binder/postBuild") and os.access(after, os.X_OK)


def test_links_in_the_notebooks_are_up_to_date():
    assert links.main(["--check"]) == 0


@pytest.fixture
def small_project(tmp_path):
    """Return a folder with one notebook in each language and no address."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "sd-one-parameter"\nversion = "0.1.0"\n')
    for language in links.LANGUAGES:
        path = tmp_path / "notebooks" / language / "01_start.ipynb"
        path.parent.mkdir(parents=True)
        head = nbformat.v4.new_markdown_cell("# Start", id="head")
        nbformat.write(nbformat.v4.new_notebook(cells=[head]), path)
    return tmp_path


def head(project, language):
    """Return the text of a notebook's first cell."""
    return nbformat.read(project / "notebooks" / language / "01_start.ipynb", as_version=4).cells[0].source


def test_links_name_the_wheel_until_there_is_an_address(small_project):
    assert links.main(["--check"], small_project) == 1
    assert head(small_project, "en") == "# Start"
    assert links.main([], small_project) == 0
    assert links.main(["--check"], small_project) == 0
    for language in links.LANGUAGES:
        text = head(small_project, language)
        (line,) = text.removeprefix(f"# Start\n\n{links.START}\n").removesuffix(f"\n{links.END}").splitlines()
        assert "`%pip install sd_one_parameter-0.1.0-py3-none-any.whl`" in line and "**Shift+Enter**" in line


def test_links_follow_the_address(small_project):
    links.main([], small_project)
    with (small_project / "pyproject.toml").open("a") as file:
        file.write('[project.urls]\nRepository = "https://github.com/someone/lessons"\n')
    assert links.main(["--check"], small_project) == 1
    links.main([], small_project)
    for language in links.LANGUAGES:
        text = head(small_project, language)
        (line,) = text.removeprefix(f"# Start\n\n{links.START}\n").removesuffix(f"\n{links.END}").splitlines()
        assert f"/github/someone/lessons/blob/main/notebooks/{language}/01_start.ipynb)" in line
        assert "`%pip install git+https://github.com/someone/lessons`" in line
        assert "whl" not in line and "**Shift+Enter**" in line
