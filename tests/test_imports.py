"""The package is light to import, its imports run one way, and it is the right sdkit."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sdkit

PACKAGE = Path(sdkit.__file__).parent
# A module may import only from those before it.
ORDER = [
    "parameters",
    "quiet",
    "files",
    "steps",
    "shots",
    "measure",
    "figure",
    "grid",
    "sheet",
    "checkpoint",
    "memory",
    "source",
    "loading",
    "judge",
    "words",
    "table",
    "plot",
    "page",
    "seeding",
    "effects",
    "inputs",
    "generation",
    "a1111",
    "variants",
    "planning",
    "batching",
    "record",
    "card",
    "store",
    "cluster",
    "sweeping",
    "plain",
    "markup",
    "picking",
    "controls",
    "following",
    "worker",
    "view",
    "panel",
    "check",
    "__init__",
]


def test_importing_sdkit_imports_nothing_heavy():
    heavy = ("torch", "diffusers", "transformers", "matplotlib", "ipywidgets")
    code = f"import sys, sdkit; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_order_lists_every_module():
    assert sorted(ORDER) == sorted(path.stem for path in PACKAGE.glob("*.py"))


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_module_level_imports_run_one_way(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = [
        node.module.split(".")[1]
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sdkit.")
    ]
    for name in ours:
        assert ORDER.index(name) < ORDER.index(path.stem), f"{path.stem} imports {name}"


@pytest.mark.parametrize("name", sdkit.__all__)
def test_every_public_name_resolves_and_is_documented(name):
    value = getattr(sdkit, name)
    if callable(value):
        assert value.__doc__ and value.__doc__.strip()[0].isupper()


def test_unknown_names_are_told():
    with pytest.raises(AttributeError, match="it has .*load_pipeline"):
        _ = sdkit.nothing


def test_names_do_not_turn_into_modules():
    code = "import sdkit.sweeping, sdkit.record, sdkit; print(callable(sdkit.sweep), callable(sdkit.rebuild))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True True\n"
    )
