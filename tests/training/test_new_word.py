"""The measuring of lessons 27 and 28: their own cells run, and the files beside them come from these cells."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import sdkit as sd
from training import new_word


@pytest.fixture(scope="module")
def space():
    """Return the namespace of lesson 27's cells, up to the loop."""
    space = {}
    new_word.run(space, *new_word.word_cells("cone"))
    return space


def test_each_drawing_shows_on_each_background():
    for name, (draw, _) in new_word.DRAWINGS.items():
        if draw:
            for colour in sd.COLOURS:
                page = np.asarray(new_word.on_page(draw, 128)(colour), dtype=int)
                apart = abs(page - sd.COLOURS[colour]).max(axis=2) > 40
                assert 0.05 < apart.mean() < 0.7, (name, colour)
                assert not apart[0].any() and not apart[:, 0].any()


def test_an_unknown_cell_is_refused():
    with pytest.raises(KeyError, match="no-such-cell"):
        new_word.cells(new_word.WORD, "no-such-cell")


def test_the_stored_rows_lower_the_loss_of_the_lesson(space):
    rows = load_file(sd.example("zib_steps.safetensors"))
    found = []
    with torch.no_grad():
        for step in sorted(rows, key=int):
            space["table"][space["new"] :] = rows[step]
            found.append(space["error"](torch.arange(7), sd.generator(5)).item())
    assert found[-1] < 0.95 * found[0]


@pytest.mark.slow
def test_training_goes_where_the_stored_rows_lie(space):
    rows = load_file(sd.example("zib_steps.safetensors"))
    space["table"].data[space["new"] :] = rows["0"]
    before = space["table"].detach().clone()
    fresh = space["learn"](40)[40]
    near = torch.cosine_similarity(fresh - rows["0"], rows["500"] - rows["0"]).item()
    assert near > 0.2  # two random directions of 128 numbers: 0 on average, spread 0.09
    assert torch.equal(space["table"][: space["new"]], before[: space["new"]])
