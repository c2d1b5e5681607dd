"""A grid of pictures that fills as they come, each one a button; and one of them large, with what made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import ipywidgets as widgets

from sdkit.panel.pictures import SMALL_WIDTH
from sdkit.shot import Shot, caption, in_words, png_bytes
from sdkit.show.html import Html, element, image, join, status, unordered_list

PICTURE_WIDTH = 128  # pixels on the screen at most; a grid with many columns has smaller ones
MIN_WIDTH = 48  # pixels; a grid that is wider than the page then can be scrolled
MAX_HEIGHT = 600  # pixels; a higher table is scrolled, so that the large picture below it is not far away
LARGE_WIDTH = 384  # pixels
_NO_ICON = "none"  # Font Awesome has no such icon: without one the front end writes a letter that hides the tooltip
_HEAD = "font-weight:600;font-size:13px;line-height:1.25;overflow-wrap:anywhere"
_EMPTY = "aspect-ratio:1;border:1px dashed currentColor;opacity:.35;box-sizing:border-box"
_LEFT_OUT = "aspect-ratio:1;border:1px solid currentColor;opacity:.7;box-sizing:border-box;font-size:11px;padding:4px"


class GridTable(widgets.VBox):
    """Places for all pictures of the axes, each with a button over it that calls `choose` with the picture's number.

    Places are counted along the last axis, the columns, then the rows, then the pages. A button has no text, only
    the name of its picture for screen readers; it is there as soon as its picture is.
    """

    def __init__(self, axes: Mapping[str, list[Any]], names: Mapping[str, str], choose: Callable[[int], None]):
        self._labels = [dict(zip(axes, place)) for place in product(*axes.values())]
        self._chosen: int | None = None
        self._shots: dict[int, Shot] = {}
        # One layout and one style for all: every one of them is an object in the browser, too.
        same_place = widgets.Layout(grid_area="1 / 1 / 2 / 2", width="auto", height="auto", margin="0", min_width="0")
        cell_layout = widgets.Layout(grid_template_columns="minmax(0, 1fr)", min_width="0", overflow="visible")
        see_through = widgets.ButtonStyle(button_color="transparent")
        self.pictures = [widgets.HTML(element("div", style=_EMPTY), layout=same_place) for _ in self._labels]
        self.buttons = [
            widgets.Button(tooltip=caption(label), icon=_NO_ICON, disabled=True, layout=same_place, style=see_through)
            for label in self._labels
        ]
        for number, button in enumerate(self.buttons):
            button.on_click(lambda _, number=number: choose(number))
        cells = [widgets.GridBox(pair, layout=cell_layout) for pair in zip(self.pictures, self.buttons)]
        layout = widgets.Layout(min_width="0", max_height=f"{MAX_HEIGHT}px", overflow="auto")
        super().__init__(self._pages(axes, names, cells), layout=layout)

    @staticmethod
    def _pages(axes, names, cells) -> list[widgets.Widget]:
        """Return a line that names rows and columns once, and a table for each page, its value above it."""
        *pages, rows, columns = [(None, [None])] * (2 - len(axes)) + list(axes.items())
        across, down = names.get(columns[0], columns[0]), names.get(rows[0], rows[0])
        title = f"columns: {across}" + (f" · rows: {down}" if rows[0] is not None else "")
        heads = [_head(in_words(value), "center") for value in columns[1]]
        count = len(columns[1])
        layout = widgets.Layout(
            grid_template_columns=f"fit-content(110px) repeat({count}, minmax({MIN_WIDTH}px, {PICTURE_WIDTH}px))",
            grid_gap="4px",
            min_width="0",
            overflow="visible",
        )
        made: list[widgets.Widget] = [widgets.HTML(element("div", title, style=_HEAD))]
        for page, value in enumerate(pages[0][1] if pages else [None]):
            if pages:
                name = f"{names.get(pages[0][0], pages[0][0])} = {in_words(value)}"
                made.append(widgets.HTML(element("div", name, style=_HEAD)))
            places: list[widgets.Widget] = [widgets.HTML(), *heads]
            for row, row_value in enumerate(rows[1]):
                start = (page * len(rows[1]) + row) * count
                named = _head(in_words(row_value), "right") if rows[0] is not None else widgets.HTML()
                places += [named, *cells[start : start + count]]
            made.append(widgets.GridBox(places, layout=layout))
        return made

    def fill(self, number: int, shot: Shot) -> None:
        """Show a picture in its place, and let it be chosen."""
        self._shots[number] = shot
        self._draw(number)
        self.buttons[number].disabled = False

    def leave_out(self, labels: Iterable[Mapping[str, Any]], reasons: Iterable[str]) -> None:
        """Say in the places of pictures that cannot be made that it is so; the reasons are told to whoever points."""
        for label, reason in zip(labels, reasons):
            number = self._labels.index({name: label[name] for name in self._labels[0]})
            self.pictures[number].value = element("div", "not possible", title=reason, style=_LEFT_OUT)

    def mark(self, number: int | None) -> None:
        """Frame the picture that is shown large, and no other."""
        before, self._chosen = self._chosen, number
        for place in {before, number}:
            if place is not None:
                self._draw(place)

    def _draw(self, number: int) -> None:
        shot, label = self._shots[number], self._labels[number]
        frame = "outline:3px solid #1976d2;outline-offset:-3px;" if number == self._chosen else ""
        broken = " (broken)" if shot.problem else ""
        self.pictures[number].value = _small(shot, caption(label) + broken, frame)


def _small(shot: Shot, alt: str, style: str) -> Html:
    """Return a picture as wide as its place, stored twice as large as it is shown at most."""
    small = shot.image.copy()
    small.thumbnail((2 * PICTURE_WIDTH, 2 * PICTURE_WIDTH))
    sharp = "image-rendering:pixelated;" if shot.image.width <= SMALL_WIDTH else ""
    return image(png_bytes(small), alt, style=f"{style}{sharp}width:100%;display:block")


def _head(text: str, align: str) -> widgets.HTML:
    where = "center" if align == "right" else "flex-end"
    return widgets.HTML(
        element("div", text, style=f"{_HEAD};text-align:{align}"),
        layout=widgets.Layout(align_self=where, min_width="0", margin="0"),
    )


class Detail(widgets.VBox):
    """One picture large, with what made it, and a button that loads its values into controls."""

    def __init__(self):
        self.picture = widgets.HTML(layout=widgets.Layout(min_width="0", max_width=f"{LARGE_WIDTH}px"))
        self.load = widgets.Button(
            description="load values",
            icon="arrow-left",
            tooltip="set the controls to what made this picture",
            layout=widgets.Layout(width="128px"),
        )
        self.close_it = widgets.Button(
            description="close", icon="times", tooltip="hide this picture", layout=widgets.Layout(width="96px")
        )
        self.facts = widgets.HTML(layout=widgets.Layout(min_width="0", max_width=f"{LARGE_WIDTH}px"))
        self.said = widgets.HTML()
        buttons = widgets.HBox([self.load, self.close_it], layout=widgets.Layout(flex_flow="row wrap"))
        layout = widgets.Layout(display="none", min_width="0", flex="1 1 220px", max_width=f"{LARGE_WIDTH}px")
        super().__init__([self.picture, buttons, self.said, self.facts], layout=layout)

    def show(self, shot: Shot, values: Mapping[str, Any]) -> None:
        """Show a picture of a grid, made with these arguments."""
        label = caption(shot.label)
        sharp = "image-rendering:pixelated;" if shot.image.width <= SMALL_WIDTH else ""
        width = f"width:{LARGE_WIDTH}px;max-width:100%;display:block;{sharp}"
        self.picture.value = join(
            [image(png_bytes(shot.image), label, style=width), element("div", label, style=_HEAD)]
        )
        facts = {**values, "scheduler": shot.origin.scheduler, "seconds": round(shot.seconds, 2)}
        listed = unordered_list(f"{name} = {in_words(value)}" for name, value in facts.items())
        problem = [element("p", f"This picture is broken: {shot.problem}", role="note")] if shot.problem else []
        summary = element("summary", "what made it")
        self.facts.value = element(
            "div", *problem, element("details", summary, listed, open=""), style="line-height:1.4"
        )
        self.said.value = status("", label)
        self.layout.display = None

    def hide(self) -> None:
        """Show nothing."""
        self.layout.display = "none"
        self.picture.value = self.facts.value = self.said.value = ""
