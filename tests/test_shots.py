"""Shots: found by what was varied, and shown whatever their number."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from sdkit.shot import Shot, SkippedCell, caption, in_words, is_same
from sdkit.shots import GRID_LIMIT, Shots


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


def test_axes_change_places_and_the_pictures_with_them():
    shots = grid_of(2, 3)
    turned = shots.by("seed", "eta")
    assert list(turned.axes) == ["seed", "eta"] and type(turned) is Shots
    assert [tuple(shot.label.items()) for shot in turned][:3] == [
        (("seed", 0), ("eta", 0.0)),
        (("seed", 0), ("eta", 0.1)),
        (("seed", 1), ("eta", 0.0)),
    ]
    assert [shot.label for shot in turned.by("eta", "seed")] == [shot.label for shot in shots]
    assert list(shots.axes) == ["eta", "seed"] and turned[1].image is shots[3].image


def test_axes_of_a_grid_with_holes_change_places():
    whole = grid_of(2, 3)
    shots = Shots(whole[1:4], whole.axes, [SkippedCell(whole[5].label, "no"), SkippedCell(whole[4].label, "why")])
    turned = shots.by("seed", "eta")
    assert [shot.label for shot in turned] == [whole[3].label, whole[1].label, whole[2].label]
    assert [cell.reason for cell in turned.skipped] == ["why", "no"] and list(turned.skipped[0].label) == [
        "seed",
        "eta",
    ]


@pytest.mark.parametrize("names", [(), ("seed",), ("seed", "seed"), ("seed", "eta", "steps")])
def test_axes_must_be_named_each_once(names):
    with pytest.raises(ValueError, match="not the axes, each once; they are eta, seed"):
        grid_of(2, 3).by(*names)


def test_axes_cannot_change_places_where_shots_are_not_labelled():
    shots = grid_of(1, 1)
    with pytest.raises(ValueError, match="not labelled"):
        Shots([Shot(shots[0].image, {}, {})], shots.axes).by("seed", "eta")


@pytest.mark.parametrize("columns", [1, 8, GRID_LIMIT + 1])
def test_shows_itself_as_png(columns):
    assert Image.open(io.BytesIO(grid_of(1, columns)._repr_png_())).width >= 8


def bundle(shown):
    """Return the PNG as a PIL picture, what is stored beside it, and the text."""
    data, metadata = shown._repr_mimebundle_()
    return Image.open(io.BytesIO(data["image/png"])), metadata["image/png"], data["text/plain"]


def test_a_small_shot_is_shown_enlarged_with_hard_pixels_and_a_text():
    dots = Image.frombytes("RGB", (2, 1), bytes([255, 0, 0, 0, 0, 255]))
    shot = Shot(dots, {"prompt": "a cat", "seed": 7, "eta": 0.5}, {}, {"eta": 0.5}, problem="NaN among its numbers")
    picture, metadata, text = bundle(shot)
    assert picture.size == (384, 192) and picture.getpixel((191, 0)) == (255, 0, 0)
    assert picture.getpixel((192, 191)) == (0, 0, 255)
    assert metadata == {"width": 192, "alt": "eta = 0.5, prompt = a cat, seed = 7; NaN among its numbers"}
    assert text == repr(shot) == "<Shot 2x1, seed 7, broken>"


def test_a_large_shot_is_shown_as_it_is():
    picture, metadata, _ = bundle(Shot(Image.new("RGB", (512, 8)), {"seed": 1}, {}))
    assert picture.size == (512, 8) and metadata == {"width": 512, "alt": "seed = 1"}


@pytest.mark.parametrize(
    ("columns", "alt"),
    [
        (1, "eta = 0, seed = 0, prompt = a cat"),
        (3, "3 pictures: eta = 0; seed = 0, 1, 2"),
        (
            GRID_LIMIT + 1,
            f"contact sheet of 65 pictures: eta = 0; seed = {', '.join(map(str, range(12)))}, ... (65 in all)",
        ),
    ],
)
def test_shots_have_a_text_and_a_width(columns, alt):
    shots = grid_of(1, columns)
    picture, metadata, text = bundle(shots)
    assert metadata["alt"] == alt and text == repr(shots)
    assert metadata["width"] <= picture.width


def test_what_is_no_picture_shows_itself_as_text_alone():
    shot = Shot(np.zeros((2, 2)), {}, {})
    assert shot._repr_mimebundle_() == Shots([shot])._repr_mimebundle_() == Shots()._repr_mimebundle_() == {}


def test_values_are_said_in_a_few_words():
    values = {"a": 0.30000000001, "b": "", "c": torch.zeros(1, 2), "d": [1.0, 2], "e": Image.new("L", (3, 4))}
    assert caption(values) == 'a = 0.3, b = "", c = tensor (1, 2), d = [1, 2], e = picture 3 x 4'
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


def test_a_shot_of_given_latents_does_not_name_a_seed():
    picture = Image.new("RGB", (8, 8))
    assert repr(Shot(picture, {"seed": 3}, {})) == "<Shot 8x8, seed 3>"
    assert repr(Shot(picture, {"seed": 0, "latents": torch.zeros(1)}, {})) == "<Shot 8x8, own latents>"
