"""Several pictures, with the ways to show, measure and keep them all."""

from __future__ import annotations

from sdkit.shot import ShotList, is_picture, png_bytes
from sdkit.show.grid import draw_grid
from sdkit.show.page import save_page
from sdkit.show.plot import draw_plot
from sdkit.show.sheet import draw_sheet, save_sheet
from sdkit.show.table import measure_shots

FIGURE_LIMIT = 64  # pictures that matplotlib draws in a few seconds; more show themselves as a contact sheet


class Shots(ShotList):
    """A `ShotList` that draws, measures and saves itself, as `generate` and `sweep` return it."""

    def table(self, **baseline):
        """Measure every shot and return a `Table`; see `sdkit.show.table.measure_shots`."""
        return measure_shots(self, **baseline)

    def plot(self, measure: str, axis: str | None = None, **baseline):
        """Draw a measure against an axis, with error bars over the seeds; see `sdkit.show.plot.draw_plot`."""
        return draw_plot(self, measure, axis, **baseline)

    def save_sheet(self, path, *, columns: int | None = None, side: int | None = None):
        """Write all pictures small on one sheet (PNG); see `sdkit.show.sheet.save_sheet`."""
        return save_sheet(self, path, columns=columns, side=side)

    def save_page(self, path):
        """Write one HTML page that holds everything and needs nothing else; see `sdkit.show.page.save_page`."""
        return save_page(self, path)

    def __repr__(self):
        varied = ", ".join(self.axes) or "nothing varied"
        return f"<{len(self)} shot{'s' * (len(self) != 1)}: {varied}>"

    def _repr_png_(self):
        if not self or not is_picture(self[0].image):
            return None
        if len(self) == 1:
            return self[0]._repr_png_()
        if len(self) > FIGURE_LIMIT:
            return png_bytes(draw_sheet(self))
        return draw_grid(self)._repr_png_()
