"""The core of each lesson holds for other models than the built-in one."""

import json
import os
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import other_models
from tools.lesson import LESSONS, Lesson

MODEL = Path("a model")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return {name: folder} of the other models."""
    return other_models.write_models(tmp_path_factory.mktemp("models"))


@pytest.mark.slow
@pytest.mark.parametrize("name", other_models.MODELS)
@pytest.mark.parametrize("path", sorted(LESSONS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_core_holds_for_another_model(path, name, models, monkeypatch):
    # As if Dask were not installed: its workers load PyTorch for seconds, and lesson 24 itself is run with them.
    monkeypatch.setitem(sys.modules, "distributed", None)
    failure = other_models.run_core(Lesson.read(path), models[name])
    assert failure is None, str(failure)


def lesson(*cells, deeper="deeper"):
    """Return a lesson of code cells (id, source, metadata) and the cell that ends its core."""
    made = [new_code_cell(source, id=name, metadata=dict(*more)) for name, source, *more in cells]
    end = [new_markdown_cell("## Deeper", id=deeper), new_code_cell("1 / 0", id="proof")]
    return Lesson(Path("01_start.ipynb"), new_notebook(cells=made + end))


def failure_of(*cells):
    """Return the failure of a lesson of these cells as text, or None."""
    failure = other_models.run_core(lesson(*cells), MODEL)
    return failure and str(failure)


def test_cells_run_in_order_up_to_deeper_in_one_namespace():
    assert failure_of(("one", "x = 1"), ("two", "%time\nassert x == 1\nx"), ("three", "")) is None


def test_a_failure_names_its_cell():
    assert failure_of(("one", "x = 1"), ("two", "assert x == 2, 'no'")) == "two: AssertionError: no"


def test_a_failure_on_purpose_is_none():
    assert failure_of(("one", "1 / 0", {"tags": ["raises-exception"]}), ("two", "x = 1")) is None


def test_what_holds_only_for_the_built_in_model_is_left_out():
    assert failure_of(("one", "1 / 0", {"lesson": {"built_in": True}}), ("two", "x = 1")) is None


@pytest.mark.parametrize("name", other_models.REPRESENTATIONS)
@pytest.mark.parametrize("ending", ["Shown()", "display(1, Shown())\nx = 1"])
def test_what_a_cell_shows_is_asked_for(name, ending):
    source = f"class Shown:\n    def {name}(self):\n        raise ValueError('seen')\n\n\n"
    assert failure_of(("one", source + ending)) == "one: ValueError: seen"


def test_a_lesson_finds_the_model_in_a_folder_of_its_own(tmp_path):
    here, before = os.getcwd(), os.environ.get("SDKIT_MODEL")
    source = "import os\nfrom pathlib import Path\nassert os.environ['SDKIT_MODEL'] == 'a model'\n"
    assert failure_of(("one", source + f"assert os.getcwd() != {here!r}\nPath('made').touch()")) is None
    assert (os.getcwd(), os.environ.get("SDKIT_MODEL")) == (here, before) and not Path("made").exists()


def test_a_lesson_without_an_end_of_its_core_is_refused():
    with pytest.raises(ValueError, match="01_start.ipynb has no cell deeper"):
        other_models.run_core(lesson(deeper="more"), MODEL)


def test_the_models_are_of_factor_8_and_differ_in_the_scheduler(models):
    kinds = [
        json.loads((models[name] / "model_index.json").read_text())["scheduler"][1] for name in other_models.MODELS
    ]
    assert kinds == ["PNDMScheduler", "DPMSolverMultistepScheduler"]
    for folder in models.values():
        assert len(json.loads((folder / "vae" / "config.json").read_text())["block_out_channels"]) == 4
    assert json.loads((models["dpm-karras"] / "scheduler" / "scheduler_config.json").read_text())["use_karras_sigmas"]
