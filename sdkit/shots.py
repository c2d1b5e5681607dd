"""Several pictures, with the ways to show, measure and keep them all."""

from __future__ import annotations

from sdkit.errors import plain_errors
from sdkit.shot import ShotList, is_picture, png_bytes, shown_as_png
from sdkit.show.grid import alt_of, draw_grid
from sdkit.show.page import save_page
from sdkit.show.plot import draw_plot
from sdkit.show.sheet import draw_sheet, save_sheet
from sdkit.show.table import measure_shots

GRID_LIMIT = 64  # pictures; more would fill screens and megabytes, and show themselves as a contact sheet


class Shots(ShotList):
    """A `ShotList` that draws, measures and saves itself, as `generate` and `sweep` return it."""

    @plain_errors
    def table(self, *measures: str, by: str | None = None, **baseline):
        """Measure every shot and return a `Table`; see `sdkit.show.table.measure_shots`."""
        return measure_shots(self, *measures, by=by, **baseline)

    @plain_errors
    def plot(self, measure: str, axis: str | None = None, **baseline):
        """Draw a measure against an axis, with error bars over the seeds; see `sdkit.show.plot.draw_plot`."""
        return draw_plot(self, measure, axis, **baseline)

    @plain_errors
    def save_sheet(self, path, *, columns: int | None = None, side: int | None = None):
        """Write all pictures small on one sheet (PNG); see `sdkit.show.sheet.save_sheet`."""
        return save_sheet(self, path, columns=columns, side=side)

    @plain_errors
    def save_page(self, path):
        """Write one HTML page that holds everything and needs nothing else; see `sdkit.show.page.save_page`."""
        return save_page(self, path)

    def __repr__(self):
        varied = ", ".join(self.axes) or "nothing varied"
        return f"<{len(self)} shot{'s' * (len(self) != 1)}: {varied}>"

    def _repr_png_(self):
        shown = self._shown()
        return shown and shown[0]

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = self._shown()
        return shown_as_png(self, *shown) if shown else {}

    def _shown(self) -> tuple[bytes, str, int] | None:
        """Return what shows them, as PNG, its text, and its width on the page; None for what is no pictures."""
        if not self or not is_picture(self[0].image):
            return None
        if len(self) == 1:
            return self[0]._shown()
        if len(self) > GRID_LIMIT:
            sheet = draw_sheet(self)
            return png_bytes(sheet), f"contact sheet of {alt_of(self)}", sheet.width
        grid = draw_grid(self)
        return grid._repr_png_(), grid.alt, grid.page_width
