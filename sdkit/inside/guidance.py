"""Classifier-free guidance drawn: the model's two guesses of one step, and how far a scale goes through them."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from sdkit.call.exclusive import calling
from sdkit.errors import plain_errors
from sdkit.inside.film import decode, predicted
from sdkit.inside.unet_calls import for_one_picture, unet_calls
from sdkit.parameters import short
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

PICTURE_INCHES, GAP_INCHES = 1.3, 0.2
FURTHEST = 20  # more than this is cut off at the right: the picture says nothing by then


@plain_errors
def draw_guidance(
    pipe, prompt: str, *, guidance_scale: Sequence[float] = (0, 1, 3, 7.5), step: int = 2, seed: int = 0,
    **arguments: Any,
) -> ShownFigure:  # fmt: skip
    """Draw what guidance does in one step: the clean pictures that the model guesses, side by side.

    A scale of 0 is the guess without the prompt, 1 the guess with it; every other scale goes through the first to
    the second and on: without + scale * (with - without) (arXiv 2207.12598, in the form of diffusers' pipeline).
    `step` counts from 0; up to there the call goes at the pipeline's usual scale. `arguments` are those of the
    pipeline's own call. Returns a closed figure. Raises ValueError for a step that the call does not have, for no
    scale, for one that is negative or beyond 20, and for a generator, since `seed` stands for one.
    """
    scales = list(guidance_scale) if isinstance(guidance_scale, Sequence) else []
    if not scales or not all(isinstance(scale, Real) and 0 <= scale <= FURTHEST for scale in scales):
        raise ValueError(f"guidance_scale is {short(guidance_scale)}; give a list of numbers from 0 to {FURTHEST}.")
    if not isinstance(step, int):
        raise ValueError(f"step is {short(step)}; give a whole number, 0 for the first.")
    guesses, timestep = _guesses(pipe, prompt, step, seed, arguments)
    without, told = guesses.chunk(2)
    pictures = decode(pipe, _guided(without, told, scales))
    return _drawn(pictures, scales, f"step {step}, timestep {timestep:.0f}")


def _guided(without, told, scales):
    import torch

    return torch.cat([without + scale * (told - without) for scale in scales])


def _guesses(pipe, prompt, step, seed, arguments):
    """Return the clean latents guessed without and with the prompt (2, 4, h, w), and the timestep."""
    passed = for_one_picture(pipe, prompt, arguments, seed)
    with calling(pipe, passed), unet_calls(pipe) as calls:
        pipe(**{**passed, "output_type": "latent"})
    if not 0 <= step < len(calls):
        raise ValueError(f"step is {step}; the call asks the UNet {len(calls)} times: give 0 to {len(calls) - 1}.")
    call = calls[step]
    if len(call.sample) != 2:
        raise ValueError(f"step {step} has no guidance, so there is one guess; choose a step that has.")
    return predicted(pipe.scheduler, call.sample, call.answer, call.timestep), call.timestep


def _drawn(pictures, scales, when) -> ShownFigure:
    """Draw the pictures in a row, and below them a line on which each has its scale's place, with the two arrows."""
    said = ", ".join(f"{scale:g}" for scale in scales)
    alt = f"The clean picture that the model guesses at {when}, for guidance_scale = {said}"
    width = len(pictures) * (PICTURE_INCHES + GAP_INCHES)
    figure = new_figure((width, PICTURE_INCHES + 1.4), alt)
    subplot = figure.subplots()
    furthest = max([*scales, 1.0])
    start, length = PICTURE_INCHES / 2, width - PICTURE_INCHES - GAP_INCHES
    places = [start + length * scale / furthest for scale in scales]
    for number, (picture, scale, place) in enumerate(zip(pictures, scales, places)):
        left = number * (PICTURE_INCHES + GAP_INCHES)
        middle = left + PICTURE_INCHES / 2
        subplot.imshow(picture, extent=(left, left + PICTURE_INCHES, 1, 1 + PICTURE_INCHES), interpolation="nearest")
        subplot.plot([middle, middle, place], [1, 0.9, 0.35], color="grey", lw=0.8, zorder=1)
        subplot.plot(place, 0.3, "o", color="black", markersize=5, zorder=3)
        subplot.text(middle, 1.05 + PICTURE_INCHES, f"{scale:g}", ha="center", va="bottom", fontsize=12)
    prompted = start + length / furthest
    for first, last, colour in ((start, prompted, "tab:blue"), (prompted, start + length, "tab:orange")):
        arrow = {"arrowstyle": "-|>", "lw": 3, "color": colour, "shrinkA": 0, "shrinkB": 0}
        subplot.annotate("", (last, 0.3), (first, 0.3), arrowprops=arrow, zorder=2)
    texts = ((start, "0: without the prompt", "tab:blue", "left"), (start + length, "beyond", "tab:orange", "right"))
    for x, text, colour, side in texts:
        subplot.text(x, 0.12, text, color=colour, ha=side, va="top", fontsize=11)
    subplot.text(prompted, -0.1, "1: with the prompt", color="tab:blue", ha="left", va="top", fontsize=11)
    subplot.set_xlim(-0.1, width - GAP_INCHES + 0.1)
    subplot.set_ylim(-0.35, 1.4 + PICTURE_INCHES)
    subplot.set_aspect("equal")
    subplot.set_axis_off()
    return figure
