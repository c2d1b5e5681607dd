"""Matplotlib figures that show themselves in a notebook, made without pyplot and its global state."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING

from sdkit.shot import png_bytes, shown_as_png
from sdkit.show.fonts import fitting, lacking_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        """What `new_figure` returns, for type checkers; its class is made when matplotlib is imported."""

        alt: str

        def _repr_png_(self) -> bytes: ...


PAGE_DPI = 96  # pixels of the page in an inch
DPI = 2 * PAGE_DPI  # of the figure, so that letters are sharp on any screen
# Colours of its PNG: few are enough for lines, areas and edges of letters, and take a quarter of the bytes.
COLOURS, COLOURS_WITH_PICTURES = 64, 256


def new_figure(size: tuple[float, float], alt: str) -> ShownFigure:
    """Return an empty figure of (width, height) inches; `alt` stands for it where it cannot be seen."""
    figure = _figure_class()(figsize=size, dpi=DPI, layout="constrained")
    figure.alt = alt
    return figure


@cache
def _figure_class() -> type:
    """Return the figure class; matplotlib is imported only when something is drawn."""
    from matplotlib.figure import Figure
    from matplotlib.font_manager import findfont
    from matplotlib.text import Text

    class ShownFigure(Figure):
        """A figure that a notebook shows as PNG."""

        alt = "figure"

        def __repr__(self):
            return f"<{self.alt}>"

        __str__ = __repr__

        def draw(self, renderer):
            for text in self.findobj(Text):
                text.set_parse_math(False)  # a dollar sign in a prompt is a dollar sign
                if not text.get_text().isascii():
                    usual = findfont(text.get_fontproperties())
                    found = fitting(text.get_text(), lacking_in(usual, text.get_text()))
                    text.set_text(found.text)
                    if found.font:
                        text.set_fontfamily([*text.get_fontfamily(), found.font.family])
            super().draw(renderer)

        def _repr_png_(self):
            from PIL import Image

            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            colours = COLOURS_WITH_PICTURES if any(axes.images for axes in self.axes) else COLOURS
            few = Image.open(buffer).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
            return png_bytes(few, compress_level=9)

        def _repr_mimebundle_(self, include=None, exclude=None):
            return shown_as_png(self, self._repr_png_(), self.alt, round(self.get_figwidth() * PAGE_DPI))

    return ShownFigure
