"""Plans: which cells a sweep has, and what is known of each before it is made."""

from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from sdkit import generate
from sdkit.call.generate import check_call
from sdkit.sweeping import plan
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.variants import Parts, Variants

FAST = {"num_inference_steps": 2}


def planned(pipe, words=None, **arguments):
    return plan_cells(pipe, Variants(pipe), {"prompt": "a cat", **arguments}, words)[:2]


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
    assert [cell.steps for cell in cells] == [2, 3]


def test_parts_are_axes_and_stay_out_of_the_call(pipe):
    axes, cells = planned(pipe, dtype=["float32", "bfloat16"], scheduler=["DDIM", "PNDM"])
    assert list(axes) == ["dtype", "scheduler"]
    assert cells[2].parts == Parts(None, "bfloat16", "DDIM")
    assert "scheduler" not in cells[2].settings
    assert cells[2].origin.dtype == "torch.bfloat16"
    assert cells[2].origin.scheduler == "DDIMScheduler"


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
    ("given", "pixels", "passes"),
    [
        ({"num_inference_steps": 4, "guidance_scale": 1}, 128 * 128, 4),
        ({"num_inference_steps": 4, "guidance_scale": 5}, 128 * 128, 8),
        ({"height": 32, "width": 96, "num_inference_steps": 4}, 32 * 96, 8),
        ({"scheduler": "Heun", "num_inference_steps": 4, "guidance_scale": 1}, 128 * 128, 8),
    ],
)
def test_a_cell_knows_its_pixels_and_unet_passes(pipe, given, pixels, passes):
    (cell,) = planned(pipe, seed=[1], **given)[1]
    assert (cell.pixels, cell.passes) == (pixels, passes)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (256, 128)),
        [Image.new("RGB", (256, 128))],
        np.zeros((128, 256, 3), dtype=np.float32),
        np.zeros((1, 128, 256, 3), dtype=np.float32),
        [np.zeros((128, 256, 3), dtype=np.float32)],
        torch.zeros((3, 128, 256)),
        torch.zeros((1, 3, 128, 256)),
        [torch.zeros((3, 128, 256))],
        torch.zeros((1, 4, 16, 32)),
    ],
)
def test_a_start_picture_of_any_form_gives_the_pixels(img2img, image):
    (cell,) = planned(img2img, image=[image], strength=0.5, num_inference_steps=4)[1]
    assert (cell.pixels, cell.steps) == (128 * 256, 2)


def test_inpainting_makes_pictures_of_its_own_size_whatever_the_start_picture(inpaint):
    image, mask = Image.new("RGB", (256, 128)), Image.new("L", (256, 128), 255)
    cells = planned(inpaint, image=image, mask_image=mask, seed=[1, 2])[1]
    assert [cell.pixels for cell in cells] == [128 * 128] * 2


def test_too_many_pictures_are_refused_before_they_are_listed(pipe):
    with pytest.raises(ValueError, match="the lists make 1,000,000,000 pictures, more than the 100,000"):
        plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": range(10**9)})


def test_cells_that_differ_in_the_seed_are_checked_once_and_stand_in_the_order_of_the_axes(pipe, monkeypatch):
    checked = []
    monkeypatch.setattr(plan, "check_call", lambda *call, **how: checked.append(call) or check_call(*call, **how))
    arguments = {"prompt": "a cat", "seed": [5, 6, 7], "num_inference_steps": [1, 2, 3], "scheduler": ["DDIM", "PNDM"]}
    axes, cells, skipped = plan_cells(pipe, Variants(pipe), arguments)
    assert [tuple(cell.label.values()) for cell in cells] == list(product(*axes.values()))
    assert all(cell.settings["seed"] == cell.arguments["seed"] == cell.label["seed"] for cell in cells)
    assert len(checked) == 6 and not skipped
