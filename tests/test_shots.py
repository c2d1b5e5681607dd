"""Shots: found by what was varied, and shown whatever their number."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from sdkit.shot import Shot, caption, in_words, is_same
from sdkit.shots import FIGURE_LIMIT, Shots


def grid_of(rows, columns):
    axes = {"eta": [n / 10 for n in range(rows)], "seed": list(range(columns))}
    cells = [{"eta": eta, "seed": seed} for eta in axes["eta"] for seed in axes["seed"]]
    picture = Image.new("RGB", (8, 8), "red")
    return Shots([Shot(picture, {**cell, "prompt": "a cat"}, {}, cell) for cell in cells], axes)


def test_one_cell_is_found_by_its_values():
    shots = grid_of(3, 4)
    assert shots.at(eta=0.1, seed=3) is shots[7]
    assert shots.at(eta=0.1, seed=3).settings == {"eta": 0.1, "seed": 3, "prompt": "a cat"}


@pytest.mark.parametrize(
    ("values", "words"),
    [({"eta": 0.1}, "4 shots have eta = 0.1"), ({"eta": 9.0, "seed": 1}, "0 shots"), ({"steps": 1}, "not varied")],
)
def test_no_single_cell_is_an_error(values, words):
    with pytest.raises(ValueError, match=words):
        grid_of(3, 4).at(**values)


@pytest.mark.parametrize("columns", [1, 8, FIGURE_LIMIT + 1])
def test_shows_itself_as_png(columns):
    assert Image.open(io.BytesIO(grid_of(1, columns)._repr_png_())).width >= 8


def test_values_are_said_in_a_few_words():
    values = {"a": 0.30000000001, "b": "", "c": torch.zeros(1, 2), "d": [1.0, 2], "e": Image.new("L", (3, 4))}
    assert caption(values) == "a = 0.3, b = '', c = tensor (1, 2), d = [1, 2], e = picture 3 x 4"
    assert in_words(None) == "None"


def test_tensors_are_the_same_only_as_themselves():
    tensor, equal = torch.zeros(2), torch.zeros(2)
    assert is_same(tensor, tensor) and not is_same(tensor, equal) and not is_same(tensor, 0)
    assert is_same(1, 1.0) and not is_same("a", "b")


def test_numbers_are_the_same_but_for_rounding():
    assert is_same(1.3000000000000003, 1.3) and is_same([1.3000000000000003, 2], (1.3, 2.0))
    assert not is_same(1.3, 1.31) and not is_same([1], [1, 2]) and not is_same("1", 1)


def test_numbers_of_numpy_find_their_cells():
    assert is_same(np.int64(2), 2) and is_same(2.0, np.float32(2)) and not is_same(np.int64(2), 3)
    assert in_words(np.float32(2.5)) == "2.5"
