"""What a sweep costs: seconds, predicted from the pictures that are finished, and memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import linear_regression

from sdkit.inside.memory import weight_bytes
from sdkit.sweeping.plan import Cell

# How many UNet passes take as long as the rest of a call (text encoder, VAE): measured 3.5 to 7.8 with the
# built-in model at 128 to 512 pixels. Needed only until pictures with different numbers of passes are finished.
REST_IN_PASSES = 5.0


@dataclass(frozen=True)
class Plan:
    """What a sweep costs: pictures in all, those already there, seconds for the rest, and memory.

    `seconds` is None where nothing was measured; `memory` is bytes: the weights and all pictures.
    The work space of one call comes on top of it.
    """

    pictures: int
    there: int
    seconds: float | None
    memory: int

    def __repr__(self):
        there = f" ({self.there} already there)" if self.there else ""
        seconds = "unknown time" if self.seconds is None else f"about {duration(self.seconds)}"
        return f"<Plan: {self.pictures} pictures{there}, {seconds}, {self.memory / 1e6:.0f} MB of weights and pictures>"


def duration(seconds: float) -> str:
    """Say seconds in words: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def work(cell: Cell) -> float:
    """Return what a picture takes in pixels times UNet passes, as far as that is known before any is made."""
    return cell.pixels * (cell.passes + REST_IN_PASSES)


def predict_seconds(cells: Iterable[Cell], measured: Mapping[Cell, float]) -> float:
    """Return the seconds that pictures will take one after the other, by the seconds of those that are finished.

    A picture is taken to need a constant, which is the text encoder and the VAE, and a slope for each UNet pass:
    one for each step, two with guidance. Both are seconds per pixel, as the VAE's share grows with the picture.
    `measured` holds at least one picture.
    """
    constant, slope = _fit(measured)
    return sum(cell.pixels * (constant + slope * cell.passes) for cell in cells)


def _fit(measured: Mapping[Cell, float]) -> tuple[float, float]:
    """Return the constant, in seconds per pixel, and the slope, in seconds per pixel and UNet pass; none is negative.

    Pictures with different numbers of passes tell both. Where there is only one kind, or the times vary too much
    for a line, the constant is what `REST_IN_PASSES` says.
    """
    passes = [cell.passes for cell in measured]
    if len(set(passes)) > 1:
        per_pixel = [seconds / cell.pixels for cell, seconds in measured.items()]
        slope, constant = linear_regression(passes, per_pixel)
        if slope >= 0 and constant >= 0:
            return constant, slope
    slope = sum(measured.values()) / sum(map(work, measured))
    return REST_IN_PASSES * slope, slope


def memory_of(pipe, cells: list[Cell]) -> int:
    """Return the bytes of the weights, a changed copy included, and of all pictures as 8-bit RGB."""
    copies = 2 if any(cell.parts.model or cell.parts.dtype for cell in cells) else 1
    return weight_bytes(pipe) * copies + 3 * sum(cell.pixels for cell in cells)
