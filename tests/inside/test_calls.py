"""The chart of schedulers counts calls of the UNet, not steps."""

import pytest

from sdkit import draw_calls, sweep


def test_lines_are_schedulers_and_places_are_calls(pipe):
    call = {"num_inference_steps": [2, 3], "guidance_scale": 1}
    shots = sweep(pipe, "a cat", scheduler=["DDIM", "PNDM", "Heun"], **call)
    figure = draw_calls(pipe, shots, shots[0].image)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert {name: list(line.get_xdata()) for name, line in lines.items()} == {
        "DDIM": [2, 3], "PNDM": [3, 4], "Heun": [3, 5],
    }  # fmt: skip
    assert lines["DDIM"].get_ydata()[0] == 0 < lines["DDIM"].get_ydata()[1]
    with pytest.raises(ValueError, match="the axes are seed; vary scheduler and num_inference_steps"):
        draw_calls(pipe, sweep(pipe, "a cat", seed=[0, 1], num_inference_steps=1), shots[0].image)
