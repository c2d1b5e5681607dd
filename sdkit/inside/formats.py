"""Number formats: what each bit is for, drawn, and in which format layers compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import log2, log10
from typing import TYPE_CHECKING, NamedTuple

from sdkit.errors import plain_errors
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    import torch

    from sdkit.show.figure import ShownFigure

COLOURS = {"sign": "0.6", "exponent": "tab:orange", "fraction": "tab:blue"}


class Bits(NamedTuple):
    """How many bits of a number are for its sign, its size (exponent) and its digits (fraction)."""

    sign: int
    exponent: int
    fraction: int


@plain_errors
def bits_of(dtype: torch.dtype) -> Bits:
    """Return what the bits of a floating point format are for. Raises TypeError for another format."""
    import torch

    if not dtype.is_floating_point:
        raise TypeError(f"dtype is {dtype}; give a floating point format such as torch.float16.")
    info = torch.finfo(dtype)
    fraction = round(-log2(info.eps))
    return Bits(1, info.bits - 1 - fraction, fraction)


@plain_errors
def draw_formats(*dtypes: torch.dtype) -> ShownFigure:
    """Draw the bits of floating point formats below each other: grey sign, orange exponent, blue fraction.

    Beside each stand its bytes, how many decimal digits it keeps, and the largest number. Without formats those three
    that Stable Diffusion is used with are drawn. Raises TypeError for a format that is not floating point.
    """
    import torch

    dtypes = dtypes or (torch.float32, torch.bfloat16, torch.float16)
    formats = {str(dtype).removeprefix("torch."): bits_of(dtype) for dtype in dtypes}
    widest = max(map(sum, formats.values()))
    figure = new_figure((9.2, 0.6 + 0.55 * len(formats)), f"Bits of the number formats {', '.join(formats)}")
    plot = figure.subplots()
    for row, (dtype, (name, bits)) in enumerate(zip(dtypes, formats.items())):
        kinds = [kind for kind, count in bits._asdict().items() for _ in range(count)]
        colours = [COLOURS[kind] for kind in kinds]
        plot.barh([row] * len(kinds), 0.9, left=range(len(kinds)), height=0.6, color=colours)
        info = torch.finfo(dtype)
        digits = log10(2 / info.eps)
        power = int(log10(info.max))
        largest = f"{info.max:.0f}" if power < 6 else f"{info.max / 10.0**power:.1f} x 10^{power}"
        beside = f"{info.bits // 8} bytes, {digits:.1f} digits, up to {largest}"
        plot.text(widest + 0.5, row, beside, va="center", fontsize=10)
        plot.text(-0.5, row, name, va="center", ha="right", fontsize=11)
    for kind, colour in COLOURS.items():
        plot.barh([0], 0, color=colour, label=kind)
    plot.legend(loc="lower center", bbox_to_anchor=(0.35, 1), ncols=3, frameon=False, fontsize=10)
    plot.set_xlim(-5, widest + 13)
    plot.invert_yaxis()
    plot.set_axis_off()
    return figure


@contextmanager
def watch_layers(*kinds: type[torch.nn.Module]) -> Iterator[set[tuple[str, str, str]]]:
    """Give a set of what layers of these kinds do inside the block: (kind, format that goes in, format that comes out).

    The names are as in ("Linear", "float32", "bfloat16"). Layers of all models count, subclasses do not.
    """
    from torch.nn.modules.module import register_module_forward_hook

    seen: set[tuple[str, str, str]] = set()

    def note(layer, given, made):
        if type(layer) in kinds:
            formats = [str(tensor.dtype).removeprefix("torch.") for tensor in (given[0], made)]
            seen.add((type(layer).__name__, formats[0], formats[1]))

    hook = register_module_forward_hook(note)
    try:
        yield seen
    finally:
        hook.remove()
