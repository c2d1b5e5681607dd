"""Guidance drawn: the guesses of one step."""

import pytest
import torch

from sdkit import draw_guidance, film
from sdkit.inside.guidance import _guesses, _guided

PROMPT = "a big owl on a blue background"
SHORT = {"num_inference_steps": 3}


def test_a_scale_goes_through_both_guesses_to_that_of_the_call(pipe):
    guesses, time = _guesses(pipe, PROMPT, 1, 3, SHORT)
    without, told = guesses.chunk(2)
    assert torch.equal(_guided(without, told, [0]), without)
    assert torch.allclose(_guided(without, told, [1]), told, atol=1e-5)
    made = film(pipe, PROMPT, seed=3, **SHORT)
    assert time == made.timesteps[1]
    assert torch.allclose(_guided(without, told, [7.5]), made.predicted[1], atol=1e-3)


def test_the_drawing_says_what_it_shows(pipe):
    figure = draw_guidance(pipe, PROMPT, guidance_scale=[0, 1, 7.5], step=0, **SHORT)
    assert "guidance_scale = 0, 1, 7.5" in figure.alt and "step 0" in figure.alt
    (subplot,) = figure.axes
    assert len(subplot.images) == 3
    assert {"0", "1", "7.5", "beyond"} <= {text.get_text() for text in subplot.texts}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"guidance_scale": []}, "guidance_scale is"),
        ({"guidance_scale": [-1]}, "0 to 20"),
        ({"guidance_scale": 7.5}, "give a list"),
        ({"guidance_scale": ["a", 2]}, "give a list of numbers"),
        ({"guidance_scale": [float("nan")]}, "nan"),
        ({"step": 1.5}, "whole number"),
        ({"step": 3}, "asks the UNet 3 times: give 0 to 2"),
        ({"step": -1}, "step is -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(pipe, given, words):
    with pytest.raises(ValueError, match=words):
        draw_guidance(pipe, PROMPT, **SHORT, **given)
