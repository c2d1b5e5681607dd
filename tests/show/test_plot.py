"""Plots of a measure: means and deviations over the seeds."""

from statistics import mean, stdev
from types import SimpleNamespace

import pytest
from PIL import Image

from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.show.plot import draw_plot

LEVELS = {(0, 1): 0, (0, 2): 0, (1, 1): 10, (1, 2): 30, (5, 1): 20, (5, 2): 20}


@pytest.fixture
def shots():
    origin = SimpleNamespace(model=None)  # what is used of an Origin
    made = [
        Shot(Image.new("RGB", (8, 8), (level,) * 3), {}, origin, {"eta": eta, "seed": seed}, 1.0)
        for (eta, seed), level in LEVELS.items()
    ]
    return Shots(made, {"eta": [0, 1, 5], "seed": [1, 2]})


def points(figure):
    (subplot,) = figure.axes
    return [(list(line.get_xdata()), list(line.get_ydata())) for line, *_ in subplot.containers]


def test_points_are_means_and_bars_deviations(shots):
    figure = draw_plot(shots, "distance")
    assert points(figure) == [([0, 1, 5], [0, mean([10, 30]), 20])]
    (bars,) = figure.axes[0].containers[0][2]
    low, high = bars.get_segments()[1][:, 1]
    assert (high - low) / 2 == pytest.approx(stdev([10, 30]))
    assert repr(figure) == "<Plot of distance against eta, 6 pictures>"


def test_the_noise_floor_is_drawn(shots):
    labels = draw_plot(shots, "distance").axes[0].get_legend_handles_labels()[1]
    assert labels == ["noise floor: another seed"]


def test_names_are_places_and_other_axes_lines(shots):
    for shot in list(shots):
        shots.append(Shot(shot.image, {}, shot.origin, {**shot.label, "scheduler": "DDIM"}, 1.0))
        shot.label["scheduler"] = "PNDM"
    shots.axes = {"scheduler": ["PNDM", "DDIM"], **shots.axes}
    assert points(draw_plot(shots, "seconds")) == [([0, 1], [1, 1])] * 3
    labels = draw_plot(shots, "seconds").axes[0].get_legend_handles_labels()[1]
    assert labels == ["eta = 0", "eta = 1", "eta = 5"]
    assert len(points(draw_plot(shots, "seconds", "eta"))) == 2


@pytest.mark.parametrize(("name", "axis", "words"), [("beauty", None, "give one of"), ("seconds", "x", "x was")])
def test_bad_input_is_refused(shots, name, axis, words):
    with pytest.raises(ValueError, match=words):
        draw_plot(shots, name, axis)
