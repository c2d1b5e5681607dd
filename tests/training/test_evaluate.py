"""The evaluation from the model's folder to its card, and what the card and the gates say of results."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sdkit import model_path
from tools.blocks import replace_block
from training import card, curves, drawings, evaluate, nearest, pictures, scenes
from training.gates import DEFAULTS, gates
from training.world import BACKGROUNDS, LARGE


@pytest.fixture
def results():
    """Return the results that are kept of the shipped model."""
    return json.loads((Path(evaluate.__file__).parent / "results.json").read_text(encoding="utf-8"))


def test_the_model_card_shows_the_kept_results(results):
    text = (model_path() / "README.md").read_text(encoding="utf-8")
    assert text == replace_block(text, "table", card.results_as_markdown(results))


def test_each_table_of_the_card_says_how_much_it_rests_on(results):
    parts = card.results_as_markdown(results).split("\n\n")
    tables = [(part, after) for part, after in pairwise([*parts, ""]) if part.startswith("|")]
    assert len(tables) == 8
    for table, after in tables:
        assert "| n |" in table.splitlines()[0] or re.match(r"n = \d+ ", after), table


def test_a_gate_fails_where_its_number_does(results):
    before = gates(results)
    results["rows"][DEFAULTS]["object"]["share"] = 0.95
    results["megabytes"]["total"] = 28.01
    results["curves"]["eta"]["0"] = 0.01
    after = gates(results)
    failed = {name for name in before if before[name][0] and not after[name][0]}
    assert failed >= {"object", "files", "eta 0 is exact, and the spread grows"}
    assert after["object"] == (False, "95.0%, wanted 96%") and after["files"][1] == "28.01 MB, at most 28 wanted"


@pytest.fixture
def stand_ins(monkeypatch):
    """Draw circles for all things, and squares for what the model makes, so that an evaluation takes seconds."""

    def circle(thing, style, side):
        return drawings.shape("circle", (200, 30, 30), side)

    def generate(pipe, prompts, seeds, height=LARGE, width=LARGE, **arguments):
        made = np.zeros((len(prompts), height, width, 3), np.uint8)
        made[:] = np.array([list(BACKGROUNDS.values())[seed % len(BACKGROUNDS)][0] for seed in seeds])[:, None, None]
        made[:, 16:48, 16:48] = 127
        return made

    monkeypatch.setattr(scenes, "sprite", circle)
    monkeypatch.setattr(nearest, "master", lambda thing, style: Image.new("RGBA", (40, 40), (200, 30, 30, 255)))
    for module in (evaluate, curves):
        monkeypatch.setattr(module, "generate", generate)
        monkeypatch.setattr(module, "through_vae", lambda vae, drawn: pictures.as_bytes(drawn / 127.5 - 0.99))


@pytest.mark.slow
def test_an_evaluation_writes_results_and_card_and_fails_for_bad_pictures(stand_ins, tmp_path, capsys, monkeypatch):
    model = tmp_path / "model"
    shutil.copytree(model_path(), model)
    arguments = SimpleNamespace(
        model=model, results=tmp_path / "results.json", prompts=10, seeds=1, check=True, only=None
    )
    with pytest.raises(SystemExit, match="1"):
        evaluate.main(arguments)
    found = json.loads(arguments.results.read_text(encoding="utf-8"))
    assert found["rows"]["real drawings"]["background"]["share"] == 1
    assert found["rows"]["model"]["object"]["share"] < 0.5
    assert found["size"]["real drawings"]["share"] == found["place"]["real drawings"]["share"] == 1
    assert found["megabytes"]["total"] < 28 and found["nearest"]["pictures"] == 10
    text = (model / "README.md").read_text(encoding="utf-8")
    assert text == replace_block(text, "table", card.results_as_markdown(found))
    assert "gate object: FAILS" in capsys.readouterr().out
    assert Image.open(model / "contact_sheet.png").size == (10 * LARGE, LARGE)
    monkeypatch.setattr(evaluate, "seconds_per_picture", lambda pipe: {"median": 9.9, "shortest": 9.8, "pictures": 15})
    arguments.only = "time"
    with pytest.raises(SystemExit, match="1"):
        evaluate.main(arguments)
    again = json.loads(arguments.results.read_text(encoding="utf-8"))
    assert again.pop("seconds_per_picture")["median"] == 9.9 and found.pop("seconds_per_picture")["median"] != 9.9
    assert again == found and "9.9 s" in (model / "README.md").read_text(encoding="utf-8")
