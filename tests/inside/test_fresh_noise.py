"""The fresh noise of a DDIM step is that which the scheduler adds, and the drawing shows it."""

from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from sdkit.inside.fresh_noise import FRESH, ddim_noise, draw_fresh_noise

LEVELS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
DDIM = DDIMScheduler(**LEVELS, clip_sample=False, steps_offset=0)
PIPE = SimpleNamespace(scheduler=DDIM)


@pytest.mark.parametrize("eta", [0, 0.5, 1])
def test_it_is_what_a_step_adds_to_nothing(eta):
    DDIM.set_timesteps(10)
    zeros = torch.zeros(1, 4, 64, 64)
    for step, timestep in zip(ddim_noise(PIPE, eta, 10), DDIM.timesteps):
        made = DDIM.step(zeros, timestep, zeros, eta=eta, generator=torch.Generator().manual_seed(7)).prev_sample
        assert step.timestep == timestep
        assert float(made.std()) == pytest.approx(step.fresh, rel=0.03)


def test_noise_falls_to_almost_nothing_and_eta_does_not_change_how_much_is_left():
    without, full = ddim_noise(PIPE, 0, 10), ddim_noise(PIPE, 1, 10)
    left = [step.left for step in full]
    assert left == sorted(left, reverse=True) == [step.left for step in without]
    assert all(0 < step.fresh < step.left for step in full[:-1]) and not any(step.fresh for step in without)


def test_another_scheduler_stays_as_it_is():
    euler = EulerDiscreteScheduler.from_config(DDIM.config)
    before = euler.timesteps.clone()
    assert ddim_noise(SimpleNamespace(scheduler=euler), 1, 10) == ddim_noise(PIPE, 1, 10)
    assert torch.equal(euler.timesteps, before)


def test_the_drawing_has_one_part_for_each_eta_and_fresh_bars_that_grow():
    from matplotlib.colors import to_rgba

    figure = draw_fresh_noise(PIPE, [0, 1], num_inference_steps=8)
    fresh = [
        sum(bar.get_height() for bar in axes.patches if bar.get_facecolor() == to_rgba(FRESH)) for axes in figure.axes
    ]
    assert fresh[0] == 0 < fresh[1] and len(figure.axes) == 2
    assert "eta 0, 1" in figure.alt and figure._repr_png_()


def test_eta_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"eta is 1\.5; give a number from 0 to 1"):
        ddim_noise(PIPE, 1.5)
    with pytest.raises(ValueError, match="eta is empty"):
        draw_fresh_noise(PIPE, [])
