"""Plans: which cells a sweep has, and what they cost."""

import numpy as np
import pytest
import torch

from sdkit import generate
from sdkit.sweeping.plan import Plan, duration, memory_of, plan_cells
from sdkit.sweeping.variants import Parts, Variants

FAST = {"num_inference_steps": 2}


def planned(pipe, words=None, **arguments):
    return plan_cells(pipe, Variants(pipe), {"prompt": "a cat", **arguments}, words)


def test_cells_run_with_the_last_axis_fastest(pipe):
    axes, cells = planned(pipe, guidance_scale=[1, 2], eta=[0], seed=[5, 6])
    assert axes == {"guidance_scale": [1, 2], "eta": [0], "seed": [5, 6]}
    assert [tuple(cell.label.values()) for cell in cells] == [(1, 0, 5), (1, 0, 6), (2, 0, 5), (2, 0, 6)]


def test_settings_and_origin_are_those_of_the_picture(pipe):
    _, cells = planned(pipe, seed=[5, 6], **FAST)
    shot = generate(pipe, "a cat", seed=6, **FAST)[0]
    assert cells[1].settings == shot.settings and cells[1].origin == shot.origin


def test_words_of_the_prompt_are_an_axis_after_the_prompt(pipe):
    words = {"cat": ["cat", "dog"], "blue": ["red"]}
    axes, cells = planned(pipe, words, prompt="a cat on a blue background", seed=[1])
    assert list(axes) == ["cat", "blue", "seed"]
    assert [cell.settings["prompt"] for cell in cells] == ["a cat on a red background", "a dog on a red background"]
    axes, cells = planned(pipe, {"cat": ["dog"]}, prompt=["a cat", "two cats"])
    assert list(axes) == ["prompt", "cat"]
    assert [cell.settings["prompt"] for cell in cells] == ["a dog", "two dogs"]


def test_words_are_replaced_all_at_once(pipe):
    _, (cell,) = planned(pipe, {"cat": ["dog"], "dog": ["cat"]}, prompt="a cat and a dog")
    assert cell.settings["prompt"] == "a dog and a cat"


@pytest.mark.parametrize("values", [np.linspace(1, 3, 3), torch.linspace(1, 3, 3), range(1, 4), (1, 2, 3)])
def test_ranges_and_arrays_are_lists(pipe, values):
    axes, cells = planned(pipe, guidance_scale=values)
    assert axes == {"guidance_scale": [1, 2, 3]}
    assert [cell.settings["guidance_scale"] for cell in cells] == [1, 2, 3]


def test_lists_by_nature_are_varied_by_a_list_of_lists(pipe):
    _, cells = planned(pipe, scheduler="Euler", timesteps=[[900, 500], [900, 600, 300]])
    assert [cell.settings["timesteps"] for cell in cells] == [[900, 500], [900, 600, 300]]
    assert cells[1].work == 1.5 * cells[0].work


def test_parts_are_axes_and_stay_out_of_the_call(pipe):
    axes, cells = planned(pipe, dtype=["float32", "bfloat16"], scheduler=["DDIM", "PNDM"])
    assert list(axes) == ["dtype", "scheduler"]
    assert cells[2].parts == Parts(None, "bfloat16", "DDIM")
    assert "scheduler" not in cells[2].settings
    assert cells[2].origin["dtype"] == "torch.bfloat16"
    assert cells[2].origin["scheduler"]["class"] == "DDIMScheduler"


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"dog": ["cat"]}, ValueError, "'dog', which is not in the prompt"),
        ({"cat": "dog"}, TypeError, "give a list of texts"),
        ({"cat": [1]}, TypeError, "give a list of texts"),
        ({"": ["a"]}, TypeError, "a text that is in the prompt"),
        ({"eta": ["a"]}, ValueError, "the name of an argument"),
        (["cat", "dog"], TypeError, "give a dictionary"),
        ({"cat": []}, ValueError, "cat is an empty list"),
    ],
)
def test_words_that_cannot_be_replaced_are_refused(pipe, words, error, said):
    with pytest.raises(error, match=said):
        planned(pipe, words)


def test_a_generator_is_refused(pipe):
    with pytest.raises(ValueError, match="give seed"):
        planned(pipe, generator=torch.Generator(), seed=[1, 2])


@pytest.mark.parametrize(
    ("cheap", "dear"),
    [
        ({"num_inference_steps": 2}, {"num_inference_steps": 4}),
        ({"guidance_scale": 1}, {"guidance_scale": 5}),
        ({"height": 32, "width": 64}, {"height": 64, "width": 64}),
    ],
)
def test_work_is_unet_calls_times_pixels(pipe, cheap, dear):
    (one,), (two,) = (planned(pipe, seed=[1], **given)[1] for given in (cheap, dear))
    assert two.work == 2 * one.work


def test_memory_counts_weights_copies_and_pictures(pipe):
    weights = sum(4 * one.numel() for part in (pipe.unet, pipe.vae, pipe.text_encoder) for one in part.parameters())
    assert memory_of(pipe, planned(pipe, seed=[1, 2])[1]) == weights + 2 * 3 * 64 * 64
    assert memory_of(pipe, planned(pipe, dtype=["float32", "bfloat16"])[1]) == 2 * weights + 2 * 3 * 64 * 64


def test_a_plan_says_itself():
    assert repr(Plan(24, 0, None, 28_000_000)) == "<Plan: 24 pictures, unknown time, 28 MB of weights and pictures>"
    assert "24 pictures (4 already there), about 25 min" in repr(Plan(24, 4, 1500.0, 1))


@pytest.mark.parametrize(("seconds", "words"), [(0.123, "0.12 s"), (40, "40 s"), (720, "12 min"), (12600, "3.5 h")])
def test_durations_are_said_in_words(seconds, words):
    assert duration(seconds) == words
