"""A drawing of the noise levels shows the timesteps that the schedulers take, and leaves the pipeline as it is."""

import pytest

from sdkit import draw_schedule
from sdkit.inside.schedule import timesteps_of


def rows(figure):
    """Return {label of a row: the timesteps of its dots}."""
    below = figure.axes[1]
    dots = [line.get_xdata() for line in below.lines if line.get_marker() == "o"]
    return {label.get_text(): list(times) for label, times in zip(below.get_yticklabels(), dots)}


def test_each_number_of_steps_has_its_dots(pipe):
    before = pipe.scheduler.timesteps.tolist()
    found = rows(draw_schedule(pipe, num_inference_steps=[1, 4]))
    assert found == {"1 step": [1], "4 steps": [751, 501, 251, 1]}
    assert pipe.scheduler.timesteps.tolist() == before


def test_schedulers_are_drawn_by_name(pipe):
    found = rows(draw_schedule(pipe, num_inference_steps=5, scheduler=["DDIM", "PNDM", "DPM++ 2M Karras"]))
    assert list(found) == ["DDIM", "PNDM", "DPM++ 2M Karras"]
    assert (len(found["DDIM"]), len(found["PNDM"])) == (5, 6)
    gaps = [a - b for a, b in zip(found["DPM++ 2M Karras"], found["DPM++ 2M Karras"][1:])]
    assert gaps[-1] < gaps[1]  # the last steps of Karras' spacing are close together
    assert found["PNDM"] == timesteps_of(pipe, 5, "PNDM")


def test_the_areas_are_the_shares_of_picture_and_noise(pipe):
    above = draw_schedule(pipe, num_inference_steps=2).axes[0]
    edges = above.collections[1].get_paths()[0].vertices
    halfway = max(y for x, y in edges if x == 500)
    assert halfway == pytest.approx(float(pipe.scheduler.alphas_cumprod[500]))


def test_what_cannot_be_drawn_is_refused(pipe):
    with pytest.raises(ValueError, match="known are"):
        draw_schedule(pipe, scheduler="Eular")
    for empty in ({"num_inference_steps": []}, {"scheduler": []}):
        with pytest.raises(ValueError, match="no steps to draw"):
            draw_schedule(pipe, **empty)

    class Other:
        scheduler = type("Flow", (), {"set_timesteps": lambda self, n: setattr(self, "timesteps", [1])})()

    with pytest.raises(ValueError, match="Flow has no alphas_cumprod"):
        draw_schedule(Other())
