"""Measures that need no learning, against pictures and numbers whose answer is known."""

import numpy as np
import pytest

from sdkit import COLOURS
from training import measures
from training.pictures import as_bytes
from training.scenes import Scene, render
from training.world import BACKGROUNDS, SIZES


def test_background_colour_place_and_size_are_read_off_the_pixels(plain_shapes):
    for scene, picture in plain_shapes:
        assert measures.background_of(picture) == scene.background
        assert measures.colour_of(picture) == scene.colour
        assert measures.place_of(picture) == scene.place
        assert measures.size_of(picture) == scene.size


def test_the_colours_of_sdkit_are_those_of_the_drawings():
    assert {name: rgb for name, (rgb, _) in BACKGROUNDS.items()} == COLOURS


def test_a_plain_picture_has_no_object():
    empty = np.full((64, 64, 3), 245, np.uint8)
    assert measures.background_of(empty) == "white"
    assert (measures.place_of(empty), measures.size_of(empty), measures.colour_of(empty)) == ("", "", "")


def test_big_things_are_big():
    assert measures.size_of(as_bytes(render(Scene("square", "flat", "black", "big", colour="pink")))) == "big"
    assert set(SIZES) == {"small", "medium", "big"}


def test_distances_and_shares_have_known_values():
    black, white = np.zeros((2, 64, 64, 3), np.uint8), np.full((2, 64, 64, 3), 255, np.uint8)
    assert measures.distances(black, white).tolist() == [255, 255]
    assert measures.wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # as in tables of the interval
    assert measures.share([True, True, False, True], 4)["share"] == 0.75


def test_a_striped_border_is_uneven():
    striped = np.zeros((64, 64, 3), np.uint8)
    assert measures.unevenness(striped + 7) == 0
    striped[::2] = 100
    assert measures.unevenness(striped) == 50
