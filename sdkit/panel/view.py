"""What a panel shows besides its controls: the picture, its progress, a pinned one beside it, and those made before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from sdkit.measure import distance
from sdkit.panel.pictures import figure, pictures_in, thumbnail
from sdkit.panel.run import Run
from sdkit.shot import Shot, caption, in_words, is_picture
from sdkit.show import html
from sdkit.show.html import Html

HISTORY_LENGTH = 24  # results
_WRAPPED = {"flex_flow": "row wrap"}


@dataclass(frozen=True, eq=False)
class Result:
    """What a function returned, `made`, from which `values` of its controls, in how many seconds, and how it looks.

    `number` counts a panel's results from 1, `notes` says which arguments had no effect. `html` is drawn
    once, so that what was made before is shown at once.
    """

    number: int
    values: dict[str, Any]
    made: Any
    seconds: float
    notes: tuple[str, ...]
    html: Html

    @property
    def settings(self) -> dict[str, Any]:
        """Return the values, and for a single shot all else that it was made with."""
        shots = shots_in(self.made)
        if len(shots) != 1:
            return self.values
        scheduler = {"scheduler class": shots[0].origin.scheduler}
        return {**self.values, **scheduler, **shots[0].settings, **self.values}


class View(widgets.VBox):
    """The lower part of a panel. `value` is the HTML of what it shows: a picture, a text, or an error."""

    def __init__(self, *, with_seed: bool):
        self.stop = _button("stop", "stop", "end the work at its next step", disabled=True)
        self.new_seed = _button("new seed", "random", "take a seed by chance", width=112)
        self.live = widgets.Checkbox(value=True, description="live", indent=False, layout={"width": "64px"})
        self.pin = _button("pin", "thumb-tack", "keep this picture beside the next ones", disabled=True)
        self.save = _button("save", "download", "write the picture with its settings into a file", disabled=True)
        self.code = _button("code", "code", "show the code that makes this picture", disabled=True)
        self.progress = widgets.HTML()
        self.notes = widgets.HTML()
        self.pinned = widgets.HTML()
        self.picture = widgets.HTML(layout={"min_height": "240px"})  # else the page jumps
        self.difference = widgets.HTML()
        self.source = widgets.HTML()
        self.history = widgets.HBox(layout=_WRAPPED)
        tools = [self.stop, self.new_seed, self.live, self.pin, self.save, self.code]
        if not with_seed:
            tools.remove(self.new_seed)
        toolbar = widgets.HBox(tools, layout={**_WRAPPED, "align_items": "center"})
        pictures = widgets.HBox([self.pinned, self.picture], layout=_WRAPPED)
        below = [self.notes, self.difference, self.source, self.history]
        super().__init__([toolbar, self.progress, pictures, *below])

    @property
    def value(self) -> str:
        """Return the HTML of the present picture, text or error."""
        return self.picture.value

    def show_progress(self, run: Run) -> None:
        """Show how far a run is, and its preview if it has one."""
        text = f"{run.seconds:.1f} s"
        if run.steps:
            text = f"step {run.step_number} of {run.steps}, {text}"
            if run.picture > 1:
                text = f"picture {run.picture}, {text}"
        self.progress.value = html.progress(run.step_number, run.steps, text)
        if run.preview is not None:
            self.picture.value = figure(run.preview, f"preview of {caption(run.values)}")

    def show_busy(self, text: str) -> None:
        """Show that work begins; until it has ended there is nothing to pin, save or write as code."""
        self.stop.disabled = False
        self.pin.disabled = self.save.disabled = self.code.disabled = True
        self.progress.value = html.progress(0, 0, text)

    def show_result(self, result: Result, pinned: Result | None, text: str) -> None:
        """Show a result, beside the pinned one, and a text above them."""
        self.stop.disabled = True
        # A slider's handle has no name in ipywidgets, so a screen reader is told what was moved.
        self.progress.value = html.status(text, caption(result.values))
        self.notes.value = html.notes(result.notes)
        self.pin.disabled = self.code.disabled = False
        self.pin.description = "pin" if pinned is None else "unpin"
        self.save.disabled = not shots_in(result.made)
        self.source.value = ""
        if pinned is None or pinned is result:
            self.pinned.value = self.difference.value = ""
            self.picture.value = result.html
        else:
            self.pinned.value = f"<b>A</b><br>{pinned.html}"
            self.picture.value = f"<b>B</b><br>{result.html}"
            self.difference.value = compare(pinned, result)

    def show_failure(self, error: BaseException | None, text: str) -> None:
        """Show that there is no picture: an error, or None for a run that was stopped."""
        self.stop.disabled = True
        self.progress.value = html.status(text)
        self.notes.value = self.pinned.value = self.difference.value = self.source.value = ""
        if error is not None:
            self.picture.value = html.alert(error)

    def toggle_code(self, text: str) -> None:
        """Show code, or hide the code that is shown."""
        code = html.element("pre", text, style="line-height:1.3;user-select:all")
        self.source.value = "" if self.source.value else code

    def add_to_history(self, result: Result, show: Callable[[object], None]) -> None:
        """Add a result to the history, which drops the oldest when it gets long; its button calls `show`."""
        pictures, text = pictures_in(result.made), caption(result.values)
        picture = widgets.HTML(thumbnail(pictures[0], text) if pictures else "")
        button = _button(f"show {result.number}", "", text, width=72)
        button.on_click(show)
        item = widgets.VBox([picture, button], layout={"align_items": "center", "margin": "2px"})
        items = [*self.history.children, item]
        self.history.children = items[-HISTORY_LENGTH:]
        for dropped in items[:-HISTORY_LENGTH]:
            for widget in (*dropped.children, dropped):
                widget.close()


def _button(description: str, icon: str, tooltip: str, width: int = 96, *, disabled: bool = False) -> widgets.Button:
    """Return a button `width` pixels wide; `icon` is one of Font Awesome's names."""
    layout = widgets.Layout(width=f"{width}px")
    return widgets.Button(description=description, icon=icon, tooltip=tooltip, layout=layout, disabled=disabled)


def shots_in(made: Any) -> list[Shot]:
    """Return the shots with a PIL picture in what a function made."""
    values = made if isinstance(made, list) else [made]
    return [value for value in values if isinstance(value, Shot) and is_picture(value.image)]


def compare(a: Result, b: Result) -> Html:
    """Return a table of what differs between two results: settings, time, and the distance of the pictures."""
    first, second = a.settings, b.settings
    names = dict.fromkeys([*first, *second])
    rows = [(name, _value(first, name), _value(second, name)) for name in names]
    rows = [row for row in rows if row[1] != row[2]]
    rows.append(("seconds", f"{a.seconds:.2f}", f"{b.seconds:.2f}"))
    both = pictures_in(a.made), pictures_in(b.made)
    if all(len(pictures) == 1 for pictures in both):
        (picture,), (other,) = both
        if picture.size == other.size:
            rows.append(("distance", "", f"{distance(picture, other):.1f} grey levels"))
    return html.table(("", "A", "B"), rows, cell_style="padding:0 8px;text-align:left;line-height:1.4")


def _value(settings: dict[str, Any], name: str) -> str:
    return in_words(settings[name]) if name in settings else "-"
