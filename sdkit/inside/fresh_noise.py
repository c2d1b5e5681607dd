"""How much noise DDIM leaves in the latents after each step, and how much of it is fresh: what `eta` decides.

The formulas are those of arXiv 2010.02502: sigma of equation 16, the step of equation 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sdkit.errors import plain_errors
from sdkit.loading.present import check_present
from sdkit.parameters import check_value, short
from sdkit.schedulers import scheduler_named
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

KEPT, FRESH = "#9db4c8", "#e07b39"  # colours of the two parts


class NoiseStep(NamedTuple):
    """One step: its timestep, and the standard deviations of the noise left after it and of the fresh part of that."""

    timestep: int
    left: float
    fresh: float


@plain_errors
def ddim_noise(pipe, eta: float, num_inference_steps: int = 50) -> list[NoiseStep]:
    """Return for each step of DDIM the noise left in the latents after it, and the fresh part, as standard deviations.

    The pipeline's scheduler says with how much noise the model was trained; it stays as it is, whatever its kind.
    Raises ValueError for an eta outside 0 to 1 and for a number of steps outside 1 to 1000, TypeError for no numbers.
    """
    check_present(pipe, ["scheduler"])
    check_value("eta", eta)
    check_value("num_inference_steps", num_inference_steps)
    ddim = scheduler_named("DDIM", pipe.scheduler)
    ddim.set_timesteps(num_inference_steps)
    stride = ddim.config.num_train_timesteps // num_inference_steps
    steps = []
    for timestep in map(int, ddim.timesteps):
        now, before = ddim.alphas_cumprod[timestep], ddim.final_alpha_cumprod
        if timestep >= stride:
            before = ddim.alphas_cumprod[timestep - stride]
        sigma = ((1 - before) / (1 - now) * (1 - now / before)) ** 0.5
        steps.append(NoiseStep(timestep, float((1 - before) ** 0.5), eta * float(sigma)))
    return steps


@plain_errors
def draw_fresh_noise(pipe, eta: Sequence[float] = (0, 0.5, 1), *, num_inference_steps: int = 12) -> ShownFigure:
    """Draw for each eta the noise that is left after each step of DDIM, as bars: what was kept, and what is fresh.

    Heights are variances, which add up; 1 is noise alone. Raises ValueError for no eta, TypeError for a single one, and
    what `ddim_noise` raises.
    """
    if not isinstance(eta, Iterable):
        raise TypeError(f"eta is {short(eta)}; give a list of numbers such as [0, 0.5, 1].")
    eta = list(eta)
    if not eta:
        raise ValueError("eta is empty; give a list of numbers such as [0, 0.5, 1].")
    for amount in eta:
        check_value("eta", amount)
    values = ", ".join(f"{amount:g}" for amount in eta)
    figure = new_figure(
        (9.4, 2.9), f"Noise left after each of {num_inference_steps} steps, kept and fresh, eta {values}"
    )
    for subplot, amount in zip(figure.subplots(1, len(eta), sharey=True, squeeze=False)[0], eta):
        steps = ddim_noise(pipe, amount, num_inference_steps)
        places = range(1, len(steps) + 1)
        kept = [step.left**2 - step.fresh**2 for step in steps]
        subplot.bar(places, kept, color=KEPT, label="kept")
        subplot.bar(places, [step.fresh**2 for step in steps], bottom=kept, color=FRESH, label="fresh")
        subplot.set_title(f"eta = {amount:g}", fontsize=11)
        subplot.set_xlabel("step", fontsize=10)
        subplot.xaxis.get_major_locator().set_params(integer=True)
        subplot.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("noise left after the step", fontsize=10)
    figure.axes[-1].legend(fontsize=10, frameon=False)
    return figure
