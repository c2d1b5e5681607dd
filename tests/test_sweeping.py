"""Sweeps: one thing varied, everything else held."""

import numpy as np
import pytest

from sdkit import generate, sweep

FAST = {"num_inference_steps": 3}


def bits(shot):
    return np.asarray(shot.image).tobytes()


def test_one_axis_varies_only_that_argument(pipe):
    shots = sweep(pipe, "a cat", guidance_scale=[1.0, 4.0], seed=7, **FAST)
    assert shots.axes == {"guidance_scale": [1.0, 4.0]}
    assert [shot.label for shot in shots] == [{"guidance_scale": 1.0}, {"guidance_scale": 4.0}]
    first, second = (dict(shot.settings) for shot in shots)
    assert first.pop("guidance_scale") == 1.0 and second.pop("guidance_scale") == 4.0
    assert first == second
    assert bits(shots[1]) == bits(generate(pipe, "a cat", guidance_scale=4.0, seed=7, **FAST)[0])


def test_two_axes_are_rows_then_columns(pipe):
    shots = sweep(pipe, ["a cat", "a dog"], seed=[1, 2, 3], **FAST)
    assert list(shots.axes) == ["prompt", "seed"]
    assert [(s.settings["prompt"], s.settings["seed"]) for s in shots] == [
        ("a cat", 1),
        ("a cat", 2),
        ("a cat", 3),
        ("a dog", 1),
        ("a dog", 2),
        ("a dog", 3),
    ]


def test_seed_is_the_columns_whatever_the_rows(pipe):
    shots = sweep(pipe, "a cat", seed=[1, 2], guidance_scale=[1.0, 4.0], **FAST)
    assert list(shots.axes) == ["guidance_scale", "seed"]


def test_a_range_is_a_list(pipe):
    assert [s.settings["seed"] for s in sweep(pipe, "a cat", seed=range(2), **FAST)] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ValueError, "0 arguments are lists"),
        ({"seed": [1, 2], "guidance_scale": [1, 2], "eta": [0, 1]}, ValueError, "3 arguments are lists"),
        ({"seed": []}, ValueError, "seed is an empty list"),
        ({"guidance_scale": [1, -3]}, ValueError, "guidance_scale is -3"),
        ({"guidance": [1, 3]}, TypeError, "did you mean guidance_scale"),
        ({"seed": [1, 2], "num_images_per_prompt": 2}, ValueError, "one picture"),
        ({"num_images_per_prompt": [1, 2]}, ValueError, "one picture"),
    ],
)
def test_refused_before_the_first_picture(pipe, arguments, error, words):
    calls = []
    handle = pipe.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        with pytest.raises(error, match=words):
            sweep(pipe, "a cat", **arguments)
    finally:
        handle.remove()
    assert not calls
