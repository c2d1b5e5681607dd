"""What schedulers cost: how far pictures are from an end, against how often the UNet was called for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors
from sdkit.inside.schedule import timesteps_of
from sdkit.measure import distance
from sdkit.shot import ShotList
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

NEEDED = ("scheduler", "num_inference_steps")
MARKERS = "osD^v<>PX*"


@plain_errors
def draw_calls(pipe, shots: ShotList, end: Any) -> ShownFigure:
    """Draw the distance of each shot to `end`, a picture, against the UNet calls it took; a line for each scheduler.

    `shots` are of a sweep of `pipe` over schedulers and numbers of steps. The distance (grey levels) has a
    logarithmic scale. n steps are n calls of most schedulers, n + 1 of PNDM and 2n - 1 of Heun; with guidance each
    call works on two copies. Raises ValueError if another axis than these two varies, or one of them does not.
    """
    if set(shots.axes) != set(NEEDED):
        raise ValueError(f"the axes are {', '.join(shots.axes) or 'none'}; vary {' and '.join(NEEDED)}, nothing else.")
    figure = new_figure((7.6, 3.6), f"distance to the end against UNet calls of {len(shots)} pictures")
    subplot = figure.subplots()
    for number, name in enumerate(shots.axes["scheduler"]):
        points = sorted(
            (len(timesteps_of(pipe, shot.label["num_inference_steps"], name)), distance(shot, end))
            for shot in shots
            if shot.label["scheduler"] == name
        )
        subplot.plot(*zip(*points), marker=MARKERS[number % len(MARKERS)], label=name, markersize=7, alpha=0.9)
    subplot.set_yscale("log")
    subplot.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    subplot.minorticks_off()
    subplot.grid(alpha=0.3)
    subplot.set_xlabel("UNet calls", fontsize=11)
    subplot.set_ylabel("distance to the end, grey levels", fontsize=11)
    subplot.tick_params(labelsize=10.5)
    figure.legend(loc="outside right upper", fontsize=10.5)
    return figure
