"""Measures against pictures whose answer is known."""

import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid, generate, sweep
from sdkit.measure import background, changed, clipped, distance, pixels, saturation, sharpness, spread, unevenness
from sdkit.shot import Shot


def flat(*colour):
    return Image.new("RGB", (8, 8), colour)


def test_distance_of_black_and_white():
    assert distance(flat(0, 0, 0), flat(255, 255, 255)) == 255
    assert distance(flat(9, 9, 9), flat(9, 9, 9)) == 0
    assert distance(flat(0, 0, 0), flat(30, 0, 0)) == pytest.approx(30 / 3**0.5)


def test_lists_are_compared_in_pairs():
    black, grey, white = flat(0, 0, 0), flat(10, 10, 10), flat(255, 255, 255)
    assert distance([black, black], [grey, white]) == (10 + 255) / 2
    assert changed([black, black], [grey, black]) == 0.5
    with pytest.raises(ValueError, match="there are 1 and 2 pictures"):
        distance([black], [grey, white])
    with pytest.raises(ValueError, match="0 and 0"):
        distance([], [])


def test_changed_is_the_share_of_values_that_differ():
    assert changed(flat(0, 0, 0), flat(9, 1, 0)) == pytest.approx(1 / 3)
    assert changed(flat(0, 0, 0), flat(9, 1, 0), levels=0.5) == pytest.approx(2 / 3)


def test_clipped_values_lie_at_an_end_of_the_scale():
    assert clipped(flat(0, 2, 3)) == pytest.approx(2 / 3)
    assert clipped(flat(252, 253, 255)) == pytest.approx(2 / 3)


def test_unevenness_is_that_of_the_top_and_bottom_lines():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[3:5] = np.arange(8)[:, None] * 30
    assert unevenness(Image.fromarray(picture)) == 0
    picture[0, ::2] = 200
    assert unevenness(Image.fromarray(picture)) > 40


def test_shots_are_taken_too():
    assert distance(Shot(flat(1, 1, 1), {}, {}), flat(3, 3, 3)) == 2


def test_spread_is_the_mean_over_pairs():
    assert spread([flat(0, 0, 0), flat(10, 10, 10), flat(20, 20, 20)]) == pytest.approx(40 / 3)


def test_saturation():
    assert saturation(flat(255, 0, 0)) == 1
    assert saturation(flat(80, 80, 80)) == 0
    assert saturation(flat(200, 100, 100)) == pytest.approx(0.5)
    assert saturation(flat(0, 0, 0)) == 0


def test_floating_point_arrays_are_from_0_to_1_as_diffusers_returns_them():
    values = np.random.default_rng(0).random((8, 8, 3), np.float32)
    picture = Image.fromarray((values * 255).round().astype("uint8"))  # diffusers' numpy_to_pil
    for array in (values, values[None][0].astype(float), np.asarray(picture), np.asarray(picture).astype(int)):
        assert distance(Shot(array, {}, {}), picture) == 0
        assert background(array) == background(picture) and sharpness(array) == sharpness(picture)
    assert np.array_equal(pixels(values), np.asarray(draw_grid([values]).pictures[0].picture))


def test_a_picture_as_an_array_of_diffusers_is_the_same_picture(pipe):
    array, picture = (
        generate(pipe, "a cat", seed=7, num_inference_steps=1, output_type=kind)[0] for kind in ("np", "pil")
    )
    assert distance(array, picture) == 0
    made = sweep(pipe, "a cat", seed=[7, 8], num_inference_steps=1, output_type="np")
    alike = sweep(pipe, "a cat", seed=[7, 8], num_inference_steps=1)
    assert list(made.table("distance")) == list(alike.table("distance"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.5, 255.0])
def test_numbers_that_are_no_colours_are_refused(value):
    array = np.zeros((8, 8, 3))
    array[0, 0, 0] = value
    with pytest.raises(ValueError, match="picture has float64 values from .*; give floating-point ones from 0.0 to 1"):
        background(array)


def test_whole_numbers_that_are_no_colours_are_refused():
    for value in (-1, 256):
        with pytest.raises(ValueError, match=r"int64 values from .*, or whole ones from 0 to 255\."):
            pixels(np.full((8, 8, 3), value))
    with pytest.raises(TypeError, match="dtype complex128"):
        pixels(np.zeros((8, 8, 3), complex))


def test_sharpness_of_checks_beats_a_ramp_beats_flat():
    checks = np.indices((8, 8)).sum(0) % 2 * 255
    ramp = np.arange(8)[None, :] ** 2 * np.ones((8, 1))
    as_picture = [Image.fromarray(np.uint8(v)).convert("RGB") for v in (checks, ramp, np.full((8, 8), 7))]
    first, second, third = map(sharpness, as_picture)
    assert first > second > third - 1e-9
    assert third == 0


def test_background_ignores_the_middle():
    picture = flat(10, 20, 30)
    picture.paste((255, 0, 0), (2, 2, 6, 6))
    assert background(picture) == (10, 20, 30)


def test_bad_input():
    with pytest.raises(ValueError, match="compare equal sizes"):
        distance(flat(0, 0, 0), Image.new("RGB", (4, 4)))
    with pytest.raises(ValueError, match="at least two"):
        spread([flat(0, 0, 0)])
    for width in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"width is {width}; give a whole number of pixels, 1 or more"):
            background(flat(0, 0, 0), width)
    with pytest.raises(ValueError, match="picture is 8x2 pixels; give one of 3x3 or more"):
        sharpness(Image.new("RGB", (8, 2)))
    assert sharpness(Image.new("RGB", (3, 3))) == unevenness(Image.new("RGB", (1, 2))) == 0
    with pytest.raises(ValueError, match="picture is 8x1 pixels; give one of two lines or more"):
        unevenness(Image.new("RGB", (8, 1)))
    with pytest.raises(TypeError, match="pictures is a Image; give a list of at least two pictures"):
        spread(flat(0, 0, 0))
    with pytest.raises(TypeError, match="shape"):
        saturation(np.zeros((3, 3)))
