"""What a panel shows besides its controls: the picture, its progress, a pinned one beside it, and those made before."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets

from sdkit.measure import distance
from sdkit.panel import html as markup
from sdkit.shot import Shot, caption, in_words, is_picture

STRIP = 24  # pictures in the history
_ROW = {"flex_flow": "row wrap", "align_items": "center"}


@dataclass(frozen=True, eq=False)
class Made:
    """Something a panel has made: from which values of its controls, in which time, and how it looks.

    `html` is drawn once, so that what was made before is shown at once.
    """

    number: int
    values: dict
    result: Any
    seconds: float
    notes: tuple
    html: str

    @property
    def settings(self) -> dict:
        """Return the values, and for a single shot all else that it was made with."""
        shots = shots_in(self.result)
        if len(shots) != 1:
            return self.values
        scheduler = shots[0].origin.get("scheduler", {}).get("class")
        return {**self.values, "scheduler class": scheduler, **shots[0].settings, **self.values}


class View(widgets.VBox):
    """The lower part of a panel. `value` is the HTML of what it shows: a picture, a text, or an error."""

    def __init__(self, *, dice: bool):
        self.stop = _button("stop", "stop", "end the work at its next step", disabled=True)
        self.dice = _button("new seed", "random", "take a seed by chance", width="112px")
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
        self.strip = widgets.HBox(layout={"flex_flow": "row wrap"})
        tools = [self.stop, *[self.dice][: int(dice)], self.live, self.pin, self.save, self.code]
        rows = [widgets.HBox(tools, layout=_ROW), self.progress]
        rows += [widgets.HBox([self.pinned, self.picture], layout={"flex_flow": "row wrap"})]
        super().__init__([*rows, self.notes, self.difference, self.source, self.strip])

    @property
    def value(self) -> str:
        """Return the HTML of the present picture, text or error."""
        return self.picture.value

    def working(self, run) -> None:
        """Show how far a run is, and its preview if it has one."""
        text = f"{run.seconds:.1f} s"
        if run.steps:
            text = f"step {run.step_number} of {run.steps}, {text}"
            if run.picture > 1:
                text = f"picture {run.picture}, {text}"
        self.progress.value = markup.progress(run.step_number, run.steps, text)
        if run.preview is not None:
            said = f"preview of {caption(run.values)}"
            self.picture.value = markup.figure(run.preview, said)

    def busy(self, text: str) -> None:
        """Show that work begins; until it has ended there is nothing to pin, save or write as code."""
        self.stop.disabled = False
        self.pin.disabled = self.save.disabled = self.code.disabled = True
        self.progress.value = markup.progress(0, 0, text)

    def show(self, made: Made, pinned: Made | None, text: str) -> None:
        """Show what was made, beside what is pinned."""
        self.stop.disabled = True
        # A slider's handle has no name in ipywidgets, so a screen reader is told what was moved.
        self.progress.value = markup.status(text, caption(made.values))
        self.notes.value = markup.notes(made.notes)
        self.pin.disabled = self.code.disabled = False
        self.pin.description = "pin" if pinned is None else "unpin"
        self.save.disabled = not shots_in(made.result)
        self.source.value = ""
        both = pinned is not None and pinned is not made
        self.pinned.value = f"<b>A</b><br>{pinned.html}" if both else ""
        self.picture.value = f"<b>B</b><br>{made.html}" if both else made.html
        self.difference.value = compare(pinned, made) if both else ""

    def fail(self, error: Exception | None, text: str) -> None:
        """Show that there is no picture: an error, or a run that was stopped."""
        self.stop.disabled = True
        self.progress.value = markup.status(text)
        self.notes.value = self.pinned.value = self.difference.value = self.source.value = ""
        if error is not None:
            self.picture.value = markup.alert(error)

    def show_code(self, text: str) -> None:
        """Show or hide code."""
        shown = f'<pre style="line-height:1.3;user-select:all">{escape(text)}</pre>'
        self.source.value = "" if self.source.value else shown

    def add_to_strip(self, made: Made, press) -> None:
        """Add something to the history; its button calls `press`."""
        pictures, said = markup.pictures_in(made.result), caption(made.values)
        image = widgets.HTML(markup.thumbnail(pictures[0], said) if pictures else "")
        button = _button(f"show {made.number}", "", said, width="72px")
        button.on_click(press)
        item = widgets.VBox([image, button], layout={"align_items": "center", "margin": "2px"})
        items = [*self.strip.children, item]
        self.strip.children = items[-STRIP:]
        for gone in items[:-STRIP]:
            for widget in (*gone.children, gone):
                widget.close()


def _button(description, icon, tooltip, width="96px", **more):
    layout = widgets.Layout(width=width)
    return widgets.Button(description=description, icon=icon, tooltip=tooltip, layout=layout, **more)


def shots_in(result) -> list:
    """Return the shots with a PIL picture in what a function made."""
    several = result if isinstance(result, list) else [result]
    return [one for one in several if isinstance(one, Shot) and is_picture(one.image)]


def compare(a: Made, b: Made) -> str:
    """Return a table of what differs between two things made: settings, time, and the distance of the pictures."""
    first, second = a.settings, b.settings
    names = dict.fromkeys([*first, *second])
    rows = [(name, _said(first, name), _said(second, name)) for name in names]
    rows = [row for row in rows if row[1] != row[2]]
    rows.append(("seconds", f"{a.seconds:.2f}", f"{b.seconds:.2f}"))
    pictures = [markup.pictures_in(one.result) for one in (a, b)]
    if all(len(one) == 1 for one in pictures) and pictures[0][0].size == pictures[1][0].size:
        rows.append(("distance", "", f"{distance(pictures[0][0], pictures[1][0]):.1f} grey levels"))
    return markup.table(("", "A", "B"), rows)


def _said(settings, name):
    return in_words(settings[name]) if name in settings else "-"
