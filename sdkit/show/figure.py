"""Matplotlib figures that show themselves in a notebook, made without pyplot and its global state."""

from __future__ import annotations

import io
from functools import cache

DPI = 96


def new_figure(size: tuple[float, float], said: str):
    """Return an empty figure of (width, height) inches; `said` stands for it where pictures cannot be shown."""
    figure = _figure_class()(figsize=size, dpi=DPI, layout="constrained")
    figure.said = said
    return figure


@cache
def _figure_class():
    """Return the figure class; matplotlib is imported only when something is drawn."""
    from matplotlib.figure import Figure

    class Drawing(Figure):
        """A figure that a notebook shows as PNG."""

        said = "<Drawing>"

        def __repr__(self):
            return self.said

        __str__ = __repr__

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    return Drawing
