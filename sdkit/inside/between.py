"""Between two noises: the straight way, on which noise gets weaker, and the arc, on which it keeps its strength."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    import torch

    from sdkit.show.figure import ShownFigure

NEARLY_ONE_WAY = 0.001  # radians, below which the arc is the straight line
ARC, LINE = "#1f5fbf", "#c23b22"


@plain_errors
def slerp(start: torch.Tensor, end: torch.Tensor, weight: float) -> torch.Tensor:
    """Return what lies between two tensors of one shape on the arc from one to the other (spherical interpolation).

    `weight` 0 gives `start`, 1 gives `end`. Between two noises with a standard deviation of 1 it stays near 1, where
    the weighted mean, `torch.lerp`, falls to 0.7. Raises ValueError for two shapes, for tensors that are opposite, all
    zeros or not finite, and for a weight that is not finite.
    """
    import torch

    if start.shape != end.shape:
        raise ValueError(f"start has the shape {tuple(start.shape)} and end {tuple(end.shape)}; give two of one shape.")
    if not math.isfinite(weight):
        raise ValueError(f"weight is {weight}; give a number, 0 for start and 1 for end.")
    lengths = {"start": start.norm(), "end": end.norm()}
    for name, length in lengths.items():
        if not 0 < length < torch.inf:  # NaN is neither
            raise ValueError(f"{name} has the length {length:g}, so no arc leads there; give noise.")
    angle = torch.acos(((start * end).sum() / (lengths["start"] * lengths["end"])).clamp(-1, 1))
    if angle < NEARLY_ONE_WAY:
        return torch.lerp(start, end, weight)
    if angle > torch.pi - NEARLY_ONE_WAY:
        raise ValueError("start and end are opposite, and no arc between them is the shortest; give others.")
    return (torch.sin((1 - weight) * angle) * start + torch.sin(weight * angle) * end) / torch.sin(angle)


@plain_errors
def draw_between(start: torch.Tensor, end: torch.Tensor, weights: Sequence[float]) -> ShownFigure:
    """Draw the plane of two noises: both as arrows from zero, and the ways between them with stops at the weights.

    The distance from zero is the standard deviation, which stands at the middle stops. Raises ValueError for no
    weights, and what `slerp` raises.
    """
    import torch

    if not len(weights):
        raise ValueError("there are no weights; give some, such as [0, 0.5, 1].")

    def place(noise: torch.Tensor) -> tuple[float, float]:
        along = start / start.norm()
        across = end - (end * along).sum() * along
        scale = noise.numel() ** 0.5
        return float((noise * along).sum()) / scale, float((noise * across / across.norm()).sum()) / scale

    figure = new_figure(
        (4.6, 4.0), "two noises as arrows; the arc between them stays at their length, the line does not"
    )
    subplot = figure.subplots()
    for way, colour, name in ((slerp, ARC, "slerp"), (torch.lerp, LINE, "lerp")):
        path = [place(way(start, end, step / 50)) for step in range(51)]
        subplot.plot(*zip(*path), color=colour, linewidth=1.5)
        stops = [way(start, end, weight) for weight in weights]
        subplot.plot(*zip(*map(place, stops)), "o", color=colour, markersize=7)
        middle = stops[len(stops) // 2]
        label = f"{name}: std {float(middle.std()):.2f}"
        offset, aligned = ((8, 4), "left") if way is slerp else ((-8, -12), "right")
        subplot.annotate(
            label, place(middle), offset, textcoords="offset points", fontsize=11, color=colour, ha=aligned
        )
    for noise, name in ((start, "one noise"), (end, "the other")):
        x, y = place(noise)
        subplot.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": "#555555", "linewidth": 1.5})
        subplot.annotate(name, (x, y), (6, 8), textcoords="offset points", fontsize=11)
    subplot.set(xlim=(-0.15, 1.5), ylim=(-0.15, 1.3), aspect="equal")
    subplot.set_axis_off()
    return figure
