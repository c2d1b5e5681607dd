"""What sweeps cost: predictions from pictures with given seconds, memory, and how both are said."""

from types import SimpleNamespace

import pytest

from sdkit.sweeping.cost import Plan, duration, memory_of, predict_seconds
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.variants import Variants

# Seconds of one core for a picture of the built-in model: {(side, UNet passes): seconds}.
MEASURED = {
    (128, 1): 0.090, (128, 6): 0.191, (128, 26): 0.588,
    (256, 1): 0.298, (256, 6): 0.527, (256, 26): 1.471,
    (512, 1): 1.433, (512, 3): 1.787, (512, 6): 2.250,
}  # fmt: skip


class Picture:
    """A cell as far as its cost goes."""

    def __init__(self, side, passes):
        self.pixels, self.passes = side * side, passes


def predicted(kind, *measured):
    return predict_seconds([Picture(*kind)], {Picture(*other): MEASURED[other] for other in measured})


def test_the_same_kind_takes_the_mean_of_those_that_were_made():
    cells = [Picture(64, 20) for _ in range(5)]
    assert predict_seconds(cells[2:], {cells[0]: 1.0, cells[1]: 3.0}) == pytest.approx(3 * 2.0)
    assert predict_seconds([], {cells[0]: 1.0}) == 0


@pytest.mark.parametrize("first", MEASURED)
@pytest.mark.parametrize("wanted", MEASURED)
def test_one_picture_tells_any_other_within_a_factor_of_two(first, wanted):
    assert 1 / 2 < predicted(wanted, first) / MEASURED[wanted] < 2


@pytest.mark.parametrize("side", [128, 256])
def test_two_kinds_tell_a_third_to_a_tenth(side):
    assert predicted((side, 6), (side, 1), (side, 26)) == pytest.approx(MEASURED[side, 6], rel=0.1)
    assert predicted((side, 1), (side, 6), (side, 26)) == pytest.approx(MEASURED[side, 1], rel=0.1)
    assert predicted((side, 26), (side, 1), (side, 6)) == pytest.approx(MEASURED[side, 26], rel=0.1)


@pytest.mark.parametrize(
    "seconds",
    [
        (5.0, 1.0),  # the picture with fewer passes took longer: a slope below zero
        (0.01, 5.0),  # more than in proportion: a constant below zero
    ],
)
def test_times_that_no_line_explains_still_tell_something_positive(seconds):
    few, many = Picture(64, 5), Picture(64, 50)
    measured = dict(zip((few, many), seconds))
    assert 0 < predict_seconds([few], measured) < predict_seconds([many], measured) < 10


def test_memory_counts_weights_copies_and_pictures(pipe):
    def memory(**arguments):
        return memory_of(pipe, plan_cells(pipe, Variants(pipe), {"prompt": "a cat", **arguments})[1])

    parts = (pipe.unet, pipe.vae, pipe.text_encoder)
    weights = sum(4 * tensor.numel() for part in parts for tensor in part.parameters())
    assert memory(seed=[1, 2]) == weights + 2 * 3 * 128 * 128
    assert memory(dtype=["float32", "bfloat16"]) == 2 * weights + 2 * 3 * 128 * 128
    assert memory(seed=[1], height=128, width=64) == weights + 3 * 128 * 64


def test_memory_counts_pictures_of_the_size_of_a_start_picture(img2img):
    from PIL import Image

    arguments = {"prompt": "a cat", "image": [Image.new("RGB", (64, 64)), Image.new("RGB", (256, 128))]}
    cells = plan_cells(img2img, Variants(img2img), arguments)[1]
    nothing = SimpleNamespace(components={})
    assert memory_of(nothing, cells) == 3 * (64 * 64 + 256 * 128)


def test_a_plan_says_itself():
    assert repr(Plan(24, 0, None, 28_000_000)) == "<Plan: 24 pictures, unknown time, 28 MB of weights and pictures>"
    assert "24 pictures (4 already there), about 25 min" in repr(Plan(24, 4, 1500.0, 1))


@pytest.mark.parametrize(("seconds", "words"), [(0.123, "0.12 s"), (40, "40 s"), (720, "12 min"), (12600, "3.5 h")])
def test_durations_are_said_in_words(seconds, words):
    assert duration(seconds) == words
