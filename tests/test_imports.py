"""The package is light to import, its imports run one way, and it is the right sdkit."""

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sdkit

PACKAGE = Path(sdkit.__file__).parent
# A place, a folder or a module, may import only from itself and from those on the lines before it.
ORDER = (
    "errors",
    "zoom",
    "parameters schedulers shot measure files language quiet text_table examples",
    "loading",
    "judge words",
    "asked",
    "show",
    "shots",
    "call",
    "inside",
    "record",
    "sweeping",
    "panel",
    "check lessons exercises",
)
FLOORS = {place: floor for floor, places in enumerate(ORDER) for place in places.split()}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def modules_imported(source: str) -> set[str]:
    """Return the modules of sdkit that a file imports anywhere, in functions too, such as "call.watching"."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found.update(module_of(name.split(".")[1:]) for name in names if name.split(".")[0] == "sdkit")
    return found


def module_of(parts: list[str]) -> str:
    """Return the module in which an imported name lies; a folder stands for its `__init__`, the package for ""."""
    path = PACKAGE
    taken: list[str] = []
    for part in parts:
        if not (path / part).is_dir() and not (path / f"{part}.py").exists():
            break
        path, taken = path / part, [*taken, part]
    return ".".join(taken)


def backward(place: str, source: str) -> list[str]:
    """Return the imports of a file in `place` that go against the order."""
    targets = {name.split(".")[0] for name in modules_imported(source)} - {place}
    if place == "check":  # it looks at the whole package
        targets -= {""}
    return sorted(target for target in targets if not FLOORS.get(target, len(ORDER)) < FLOORS[place])


# What a new process has imported after each of these steps, and what public names are then.
IN_A_NEW_PROCESS = """
import json, sys

def imported(*names):
    return [name for name in names if name in sys.modules]

import sdkit
found = {"sdkit": imported("torch", "diffusers", "transformers", "matplotlib", "ipywidgets")}
from sdkit import *
found["every name"] = imported("torch", "diffusers", "transformers", "matplotlib")
import sdkit.judge
found["judge"] = imported("torch")
from sdkit.show.figure import new_figure
new_figure((1, 1), "a figure")._repr_png_()
found["figure"] = imported("matplotlib", "matplotlib.pyplot")
import sdkit.record.png, sdkit.sweeping.sweep
found["functions"] = [callable(sdkit.sweep), callable(sdkit.rebuild)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def fresh():
    """Return what IN_A_NEW_PROCESS finds."""
    command = [sys.executable, "-c", IN_A_NEW_PROCESS]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_importing_sdkit_imports_nothing_heavy(fresh):
    assert fresh["sdkit"] == fresh["every name"] == []


def test_the_judge_needs_torch_only_to_judge(fresh):
    assert fresh["judge"] == []


def test_figures_need_no_pyplot(fresh):
    assert fresh["figure"] == ["matplotlib"]


def test_order_lists_every_place():
    assert sorted(FLOORS) == sorted({path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path):
    place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert not backward(place, path.read_text(encoding="utf-8"))


def test_an_import_against_the_order_is_found_in_a_function_too():
    against = "def f():\n    from sdkit.panel.view import View\n    import sdkit.shots"
    assert backward("show", against) == ["panel", "shots"]
    assert backward("sweeping", "from sdkit.panel import explore") == ["panel"]
    assert not backward("panel", against)


def test_no_module_imports_itself_through_others():
    graph = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): modules_imported(
            path.read_text(encoding="utf-8")
        )
        for path in FILES
    }
    # An __init__ re-exports what its folder's modules define, and they may import their own neighbours only.
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_folder_is_called_like_a_public_function():
    assert not {path.name for path in PACKAGE.iterdir() if path.is_dir()} & set(sdkit.__all__)


@pytest.mark.parametrize("name", sdkit.__all__)
def test_every_public_name_resolves_and_is_documented(name):
    value = getattr(sdkit, name)
    if callable(value):
        assert value.__doc__ and value.__doc__.strip()[0].isupper()


def test_unknown_names_are_told():
    with pytest.raises(AttributeError, match="it has .*load_pipeline"):
        _ = sdkit.nothing


def test_names_do_not_turn_into_modules(fresh):
    assert fresh["functions"] == [True, True]
