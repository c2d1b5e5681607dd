"""Which noise levels a call visits: how much noise is left at each timestep, and the timesteps that are taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.loading.present import check_present
from sdkit.parameters import check_value
from sdkit.schedulers import fresh_copy, scheduler_named
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

WIDTH, CURVE_HEIGHT, ROW_HEIGHT = 8.6, 2.1, 0.34  # inches
NOISE, PICTURE, DOT = "#c9c5bd", "#8fb8e8", "#c23b22"


@plain_errors
def draw_schedule(
    pipe, *, num_inference_steps: int | Sequence[int] = 50, scheduler: str | Sequence[str] | None = None
) -> ShownFigure:
    """Draw how much of the latents is noise at each timestep, and below it the timesteps at which steps are made.

    Time runs from left to right, from timestep 999 (nearly noise alone) to 0. The areas are shares of the variance:
    picture `alphas_cumprod`, noise the rest. Each number of steps, with each scheduler (names as `sweep` takes them;
    None: the pipeline's own), gets a row of dots. `pipe` stays as it is, and no model is run. Raises ValueError for
    nothing to draw, for a number outside 1 to 1000 and for a scheduler without `alphas_cumprod`, and what the
    schedulers raise.
    """
    counts = list(num_inference_steps) if isinstance(num_inference_steps, Iterable) else [num_inference_steps]
    names = [scheduler] if scheduler is None or isinstance(scheduler, str) else list(scheduler)
    rows = {}
    for name, count in product(names, counts):
        words = f"{count} step{'s' * (count != 1)}"
        label = words if name is None else name if len(counts) == 1 else f"{name}, {words}"
        rows[label] = timesteps_of(pipe, count, name)
    if not rows:
        raise ValueError("there are no steps to draw; give at least one num_inference_steps and one scheduler.")
    levels = getattr(pipe.scheduler, "alphas_cumprod", None)
    if levels is None:
        raise ValueError(f"{type(pipe.scheduler).__name__} has no alphas_cumprod, and the drawing is made of them.")
    picture = [float(level) for level in levels]

    height = CURVE_HEIGHT + ROW_HEIGHT * (len(rows) + 1)
    alt = "the share of noise falls along the timesteps; dots mark the steps of " + ", ".join(rows)
    figure = new_figure((WIDTH, height), alt)
    above, below = figure.subplots(2, sharex=True, height_ratios=[CURVE_HEIGHT, ROW_HEIGHT * (len(rows) + 1)])
    times = range(len(picture))
    above.fill_between(times, picture, 1, color=NOISE, linewidth=0)
    above.fill_between(times, 0, picture, color=PICTURE, linewidth=0)
    last = len(picture) - 1
    above.text(0.72 * last, 0.6, "noise", fontsize=13, ha="center")
    above.text(0.1 * last, 0.3, "picture", fontsize=13, ha="center")
    above.set(ylim=(0, 1), yticks=[0, 0.5, 1], ylabel="share")
    for number, taken in enumerate(rows.values()):
        below.axhline(number, color="#e0e0e0", linewidth=1, zorder=0)
        below.plot(taken, [number] * len(taken), "o", color=DOT, markersize=6, alpha=0.75, clip_on=False)
    below.set_yticks(range(len(rows)), list(rows))
    below.set(ylim=(len(rows) - 0.4, -0.6), xlim=(last, 0), xlabel="timestep")
    below.set_xticks([0, *(round(last * quarter / 4, -1) for quarter in (1, 2, 3)), last])
    for axis in (above, below):
        axis.tick_params(labelsize=10.5)
        axis.xaxis.label.set_size(11)
        axis.yaxis.label.set_size(11)
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def timesteps_of(pipe, num_inference_steps: int, scheduler: str | None = None) -> list[float]:
    """Return the timesteps of so many steps, in order, with the scheduler of a name or the pipeline's own.

    Raises TypeError for what is no pipeline and no whole number, ValueError for a number outside 1 to 1000.
    """
    check_present(pipe, ["scheduler"])
    check_value("num_inference_steps", num_inference_steps)
    used = fresh_copy(pipe.scheduler) if scheduler is None else scheduler_named(scheduler, pipe.scheduler)
    used.set_timesteps(num_inference_steps)
    return [float(time) for time in used.timesteps]
