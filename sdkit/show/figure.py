"""Matplotlib figures that show themselves in a notebook, made without pyplot and its global state."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """What `new_figure` returns, for type checkers; its class is made when matplotlib is imported."""

        alt: str

        def _repr_png_(self) -> bytes: ...


DPI = 96


def new_figure(size: tuple[float, float], alt: str) -> ShownFigure:
    """Return an empty figure of (width, height) inches; `alt` stands for it where pictures cannot be shown."""
    figure = _figure_class()(figsize=size, dpi=DPI, layout="constrained")
    figure.alt = alt
    return figure


@cache
def _figure_class() -> type:
    """Return the figure class; matplotlib is imported only when something is drawn."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    class ShownFigure(Figure):
        """A figure that a notebook shows as PNG."""

        alt = "<ShownFigure>"

        def __repr__(self):
            return self.alt

        __str__ = __repr__

        def draw(self, renderer):
            for text in self.findobj(Text):
                text.set_parse_math(False)  # a dollar sign in a prompt is a dollar sign
            super().draw(renderer)

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    return ShownFigure
