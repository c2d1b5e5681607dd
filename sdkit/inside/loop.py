"""The loop over the steps of a call, drawn with the place where a callback stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

USUAL, YOURS = "#eef1f5", "#ffe9b8"  # of the boxes: diffusers' own, and the reader's function
BOXES = (  # left edge, width, first line, second line, colour
    (0.0, 1.7, "latents", "noise at first", USUAL),
    (2.5, 2.0, "UNet", "guesses the noise", USUAL),
    (5.3, 2.1, "scheduler", "takes some of it away", USUAL),
    (8.2, 2.9, "your function", "pipe, step, timestep, tensors", YOURS),
    (12.2, 2.0, "VAE", "makes the picture", USUAL),
)
HEIGHT, MIDDLE = 1.0, 0.5
AGAIN = -0.75  # where the arrow runs that leads back to the UNet


@plain_errors
def draw_loop() -> ShownFigure:
    """Return a drawing of the loop that a pipeline's call runs, with `callback_on_step_end` as its last box.

    Each arrow is what is handed on; the one that leads back stands for all steps but the last.
    """
    figure = new_figure(
        (9.2, 2.1),
        "The loop of a call: latents, UNet, scheduler, your function, back to the UNet; after the last step the VAE",
    )
    axes = figure.subplots()
    axes.set(xlim=(-0.1, 14.3), ylim=(-1.35, 1.15))
    axes.axis("off")
    for left, width, name, does, colour in BOXES:
        frame = {"boxstyle": "round,pad=0,rounding_size=0.15", "fc": colour, "ec": "#666666"}
        axes.add_patch(_patch(left, width, frame))
        axes.text(left + width / 2, 0.66, name, ha="center", va="center", fontsize=11, fontweight="bold")
        axes.text(left + width / 2, 0.28, does, ha="center", va="center", fontsize=8.5)
    for (left, width, *_), (right, *_) in zip(BOXES, BOXES[1:]):
        axes.annotate("", (right, MIDDLE), (left + width, MIDDLE), arrowprops={"arrowstyle": "->"})
    left, width = BOXES[3][0], BOXES[3][1]
    start, end = left + width / 2, BOXES[1][0] + BOXES[1][1] / 2
    axes.plot([start, start, end], [0, AGAIN, AGAIN], color="black", linewidth=1)
    axes.annotate("", (end, 0), (end, AGAIN), arrowprops={"arrowstyle": "->", "shrinkA": 0})
    axes.text((start + end) / 2, AGAIN - 0.3, "next step, with what it returned", ha="center", va="center", fontsize=9)
    axes.text(BOXES[4][0] - 0.55, MIDDLE + 0.25, "at the end", ha="center", va="center", fontsize=8.5)
    return figure


def _patch(left: float, width: float, frame: dict):
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch((left, 0), width, HEIGHT, **frame)
