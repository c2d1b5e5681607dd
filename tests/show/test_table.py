"""Measures of a sweep, with numbers that can be worked out by hand."""

from statistics import stdev
from types import SimpleNamespace

import pytest
from PIL import Image

from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.show.table import draw_table, measure_shots

ELSEWHERE = SimpleNamespace(model="elsewhere")  # what is used of an Origin


def shots(axes, cells, origin=ELSEWHERE):
    """Grey pictures of level 10 * eta + seed."""
    made = []
    for number, cell in enumerate(cells):
        level = int(10 * cell.get("eta", 0) + cell.get("seed", 0))
        made.append(Shot(Image.new("RGB", (8, 8), (level,) * 3), {"prompt": "a cat"}, origin, cell, float(number)))
    return Shots(made, axes)


@pytest.fixture
def table_of_six():
    axes = {"eta": [0, 1], "seed": [1, 3, 8]}
    return shots(axes, [{"eta": eta, "seed": seed} for eta in axes["eta"] for seed in axes["seed"]])


def test_each_shot_is_compared_with_the_baseline_of_its_seed(table_of_six):
    assert [row["distance"] for row in measure_shots(table_of_six)] == [0, 0, 0, 10, 10, 10]
    assert [row["distance"] for row in measure_shots(table_of_six, eta=1)] == [10, 10, 10, 0, 0, 0]
    assert [row["distance"] for row in measure_shots(table_of_six, seed=3)] == [2, 0, 5, 2, 0, 5]


def test_rows_hold_the_axes_and_every_measure(table_of_six):
    row = measure_shots(table_of_six)[4]
    assert row == {"eta": 1, "seed": 3, "distance": 10, "prompt_match": None, "saturation": 0, "seconds": 4}


def test_the_noise_floor_is_what_the_seed_does(table_of_six):
    noise = measure_shots(table_of_six).noise
    assert noise["distance"] == pytest.approx((2 + 7 + 5) / 3)
    assert noise["seconds"] == pytest.approx(stdev([0, 1, 2]))
    assert noise["saturation"] == 0 and noise["prompt_match"] is None


def test_measures_are_chosen_by_name(table_of_six):
    table = measure_shots(table_of_six, "clipped", "distance")
    assert table[4] == {"eta": 1, "seed": 3, "clipped": 0, "distance": 10}
    assert table.head == ["eta", "seed", "clipped", "distance"] and set(table.noise) == {"clipped", "distance"}
    with pytest.raises(ValueError, match="'nice'.*distance.*sharpness"):
        measure_shots(table_of_six, "nice")


def test_by_an_axis_there_is_one_row_of_means_for_each_value(table_of_six):
    table = measure_shots(table_of_six, "distance", by="eta", seed=1)
    assert list(table) == [
        {"eta": 0, "pictures": 3, "distance": pytest.approx(3)}, {"eta": 1, "pictures": 3, "distance": pytest.approx(3)}
    ]  # fmt: skip
    assert repr(table).splitlines() == ["eta  pictures  distance", "0    3         3", "1    3         3"]
    assert "<th" in table._repr_html_()
    assert measure_shots(table_of_six, "right", by="eta")[0]["right"] is None
    with pytest.raises(ValueError, match="steps was not varied"):
        measure_shots(table_of_six, by="steps")


def test_a_table_can_be_made_of_columns():
    table = draw_table({"steps": [4, 8], "seconds": [0.123456, 1.5], "said": ["a", None]})
    assert repr(table).splitlines() == ["steps  seconds  said", "4      0.123    a", "8      1.5      -"]
    assert table._repr_html_().count("<tr") == 3
    assert repr(draw_table({"double": map(lambda number: 2 * number, [1, 2])})).splitlines() == ["double", "2", "4"]
    with pytest.raises(ValueError, match="steps 1, seconds 2"):
        draw_table({"steps": [4], "seconds": [1, 2]})
    for wrong in ({}, [{"a": 1}], "hello", {"a": 1}, {"a": "abc"}):
        with pytest.raises(TypeError, match="give "):
            draw_table(wrong)


def test_without_seeds_there_is_no_noise_floor():
    assert set(measure_shots(shots({"eta": [0, 1]}, [{"eta": 0}, {"eta": 1}])).noise.values()) == {None}


def test_pictures_of_other_sizes_and_missing_ones_have_no_distance(table_of_six):
    big = Shot(Image.new("RGB", (16, 8)), {}, ELSEWHERE, table_of_six[5].label)
    part = Shots([*table_of_six[1:5], big], table_of_six.axes)
    assert [row["distance"] for row in measure_shots(part)] == [0, 0, None, 10, None]


def test_the_judge_says_whether_the_prompts_object_is_there(pipe):
    from sdkit import sweep

    prompts = ["a cat on a blue background", "something", "a cat and a dog"]
    made = sweep(pipe, prompts, num_inference_steps=10, guidance_scale=3)
    cat, none, two = (row["prompt_match"] for row in made.table())
    assert 0.5 < cat <= 1 and none is None and two is None


def test_shows_itself_as_text(table_of_six):
    lines = repr(measure_shots(table_of_six)).split("\n")
    assert lines[0].split() == ["eta", "seed", "distance", "prompt_match", "saturation", "seconds"]
    assert lines[4].split() == ["1", "1", "10", "-", "0", "3"]
    assert lines[-1].split()[:3] == ["noise", "floor", "4.67"]


@pytest.mark.parametrize(
    ("baseline", "words"), [({"steps": 1}, "steps was not varied"), ({"eta": 5}, "eta = 5 is not in the sweep")]
)
def test_an_unknown_baseline_is_refused(table_of_six, baseline, words):
    with pytest.raises(ValueError, match=words):
        measure_shots(table_of_six, **baseline)


def test_a_plain_call_has_nothing_to_compare():
    with pytest.raises(ValueError, match="nothing was varied"):
        measure_shots(shots({}, [{}]))


@pytest.mark.parametrize(
    "value, text", [(1213.4567, "1213"), (-99999.25, "-99999"), (0.123456, "0.123"), (2.5e7 / 3, "8.33e+06")]
)
def test_long_numbers_keep_three_digits_or_become_whole(value, text):
    assert text in str(draw_table({"name": ["a"], "value": [value]}))
