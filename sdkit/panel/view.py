"""What a panel shows beside its controls: the picture, its progress, a pinned one beside it, and those made before."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from sdkit.panel.pictures import figure, pictures_in, small_png
from sdkit.panel.run import Run
from sdkit.parameters import OWN_NAMES, PARAMETERS
from sdkit.shot import Shot, caption, in_words, is_picture
from sdkit.show import html
from sdkit.show.html import Html
from sdkit.zoom import zoom

HISTORY_LENGTH = 24  # results
THUMBNAIL_WIDTH = 64  # pixels
WRAPPED = {"flex_flow": "row wrap", "align_items": "center"}
# What layouts of ipywidgets cannot say. A picture that is not of the present values is pale.
STYLE = """
.sdkit-stale img { opacity: 0.35; }
.sdkit-made-before { line-height: 20px !important; padding: 66px 0 0 0 !important; }
.sdkit-shown { outline: 3px solid #1976d2; outline-offset: -3px; }
"""
STALE, _SHOWN, _MADE_BEFORE = "sdkit-stale", "sdkit-shown", "sdkit-made-before"
# Two pictures share the width equally, however long their captions; none takes more than it fills.
_SHARES = {"flex": "1 1 0", "min_width": "0", "max_width": "max-content"}


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
        """Return the values that were taken, and for a single shot all else that it was made with."""
        shots, values = shots_in(self.made), taken(self.made, self.values)
        if len(shots) != 1:
            return values
        scheduler = {"scheduler class": shots[0].origin.scheduler}
        return {**values, **scheduler, **shots[0].settings, **values}


class View(widgets.VBox):
    """The part of a panel that shows: status, picture and pinned picture, what can be done with them, history."""

    def __init__(self) -> None:
        self.pin = button("pin", "thumb-tack", "keep this picture beside the next ones", disabled=True)
        self.save = button("save", "download", "write the picture into a file, with its settings", disabled=True)
        self.code = button("code", "code", "show the code that makes this picture", disabled=True)
        self.progress = widgets.HTML(layout={"min_height": "28px"})
        self.error = widgets.HTML()
        self.notes = widgets.HTML()
        self.pinned = widgets.HTML(layout=_SHARES)
        self.picture = widgets.HTML(layout=_SHARES)
        self.difference = widgets.HTML()
        self.source = widgets.HTML()
        self.history = widgets.HBox(layout=WRAPPED)
        self._buttons: dict[int, widgets.Button] = {}  # of the history, by the number of the result
        # Without a height to begin with the page jumps when the first picture comes.
        pictures = widgets.HBox(
            [self.pinned, self.picture], layout={"min_height": "280px", "align_items": "flex-start"}
        )
        tools = widgets.HBox([self.pin, self.save, self.code], layout=WRAPPED)
        below = [self.notes, tools, self.difference, self.source, self.history]
        super().__init__([self.progress, self.error, pictures, *below])

    @property
    def value(self) -> str:
        """Return the HTML of the error, if there is one, and of the present picture or text."""
        return self.error.value + self.picture.value

    @property
    def is_stale(self) -> bool:
        """Say whether the picture is shown as one of other values than the present ones."""
        return STALE in self.picture._dom_classes

    def show_text(self, text: str, spoken: str = "") -> None:
        """Show a line above the picture, and say more to those who listen."""
        self.progress.value = html.status(text, spoken)

    def show_progress(self, run: Run) -> None:
        """Show how far a run is, and its preview if it has one."""
        text = f"{run.seconds:.1f} s"
        if run.steps:
            text = f"step {run.step_number} of {run.steps}{_why(run)}, {text}"
            if run.picture > 1:
                text = f"picture {run.picture}, {text}"
        self.progress.value = html.progress(run.step_number, run.steps, text)
        if run.preview is not None:
            self._set_stale(False)
            self.picture.value = figure(run.preview, f"preview of {caption(run.values)}", "preview")

    def show_busy(self, text: str) -> None:
        """Show that work begins; the picture of before stays, pale, until there is another."""
        self._set_stale(True)
        self.error.value = ""
        self.progress.value = html.progress(0, 0, text)

    def show_stale(self, text: str) -> None:
        """Show that the picture is not of the present values."""
        self._set_stale(True)
        self.show_text(text)

    def show_result(self, result: Result, pinned: Result | None, text: str) -> None:
        """Show a result, beside the pinned one, and a text above them."""
        self._set_stale(False)
        self._put(result, pinned)  # first, since it is waited for
        # A slider's handle has no name in ipywidgets, so a screen reader is told what was moved.
        self.show_text(text, caption(taken(result.made, result.values)))
        self.error.value = ""
        self.notes.value = html.notes(result.notes)
        self._put_tools(result, pinned)

    def show_failure(self, error: BaseException | None, last: Result | None, pinned: Result | None, text: str) -> None:
        """Show an error, or None for a run that was stopped; the last picture comes back, pale."""
        self.show_text(text)
        self.notes.value = ""
        self.error.value = "" if error is None else html.alert(error)
        self._put(last, pinned)
        self._put_tools(last, pinned)
        self._set_stale(True)

    def _put(self, result: Result | None, pinned: Result | None) -> None:
        """Put the present picture and the pinned one in their places."""
        if result is None:
            self.picture.value = self.pinned.value = ""
        elif pinned is None:
            self.picture.value, self.pinned.value = result.html, ""
        elif pinned is result:
            self.picture.value, self.pinned.value = html.join([_HEAD_A, result.html]), ""
        else:
            self.picture.value = html.join([_HEAD_B, result.html])
            self.pinned.value = html.join([_HEAD_A, pinned.html])

    def _put_tools(self, result: Result | None, pinned: Result | None) -> None:
        """Say how two pictures differ, and let the buttons do what can be done with what is shown."""
        self.source.value = self.difference.value = ""
        if result is not None and pinned is not None and pinned is not result:
            self.difference.value = compare(pinned, result)
        self.pin.disabled = self.code.disabled = result is None
        self.save.disabled = result is None or not pictures_in(result.made)
        self.pin.description = "pin" if pinned is None else "unpin"
        for number, made_before in self._buttons.items():
            is_shown = result is not None and number == result.number
            (made_before.add_class if is_shown else made_before.remove_class)(_SHOWN)
            made_before.description = f"{number} A" if pinned is not None and number == pinned.number else f"{number}"

    def _set_stale(self, is_stale: bool) -> None:
        (self.picture.add_class if is_stale else self.picture.remove_class)(STALE)

    def toggle_code(self, text: str) -> None:
        """Show code, or hide the code that is shown."""
        code = html.element("pre", text, style="line-height:1.3;user-select:all;overflow-x:auto")
        self.source.value = "" if self.source.value else code

    def show_saved(self, files: Iterable[tuple[str, bytes]], text: str) -> None:
        """Say where pictures were saved, with a link to each for a browser on another machine; (name, PNG)."""
        links = html.join((html.download(png, name) for name, png in files), ", ")
        self.progress.value = html.status(html.join([text, " Download: ", links]))

    def add_to_history(self, result: Result, show: Callable[[object], None]) -> None:
        """Add a result to the history, which drops the oldest when it gets long; its picture calls `show`."""
        pictures = pictures_in(result.made)
        made_before = button(
            f"{result.number}", "", caption(taken(result.made, result.values)), width=THUMBNAIL_WIDTH + 4
        )
        made_before.on_click(show)
        # Buttons take no picture in core ipywidgets, but every element takes a background.
        style = widgets.HTML(layout={"display": "none"})
        if pictures:
            own = f"sdkit-{made_before.model_id}"
            for name in (_MADE_BEFORE, own):
                made_before.add_class(name)
            made_before.layout.height = f"{THUMBNAIL_WIDTH + 24}px"
            style.value = html.element("style", Html(_background(own, small_png(pictures[0], THUMBNAIL_WIDTH))))
        self._buttons[result.number] = made_before
        items = [*self.history.children, widgets.VBox([style, made_before])]
        self.history.children = items[-HISTORY_LENGTH:]
        for dropped in items[:-HISTORY_LENGTH]:
            self._buttons = {n: kept for n, kept in self._buttons.items() if kept is not dropped.children[1]}
            for widget in (*dropped.children, dropped):
                widget.close()


_HEAD_A = html.element("b", "A", title="pinned", style="display:block;margin-left:4px")
_HEAD_B = html.element("b", "B", style="display:block;margin-left:4px")


def _background(name: str, png: bytes) -> str:
    """Return the rule that puts a picture behind the elements of a class, above their text."""
    data = base64.b64encode(png).decode()
    size = f"center 2px / {THUMBNAIL_WIDTH}px {THUMBNAIL_WIDTH}px no-repeat"
    return f".{name} {{ background: url(data:image/png;base64,{data}) {size} !important; }}"


def _why(run: Run) -> str:
    """Say why there are other than the asked-for steps, if there are."""
    return (
        f" ({run.scheduler} takes {run.steps} for {run.steps_asked})"
        if run.steps_asked not in (None, run.steps)
        else ""
    )


def enlarge(panel: widgets.Box) -> None:
    """Show a panel as many times larger as `sdkit.zoom` says: letters, controls and pictures alike."""
    factor = zoom()
    if factor != 1:
        name = f"sdkit-zoom-{100 * factor:.0f}"  # kernels with other numbers may share the page
        panel.add_class(name)
        style = html.element("style", Html(f".{name} {{ zoom: {factor}; }}"))
        panel.children = [*panel.children, widgets.HTML(style, layout={"display": "none"})]


def button(description: str, icon: str, tooltip: str, width: int = 84, *, disabled: bool = False) -> widgets.Button:
    """Return a button `width` pixels wide; `icon` is one of Font Awesome's names."""
    layout = widgets.Layout(width=f"{width}px")
    return widgets.Button(description=description, icon=icon, tooltip=tooltip, layout=layout, disabled=disabled)


def shots_in(made: Any) -> list[Shot]:
    """Return the shots with a PIL picture in what a function made."""
    values = made if isinstance(made, list) else [made]
    return [value for value in values if isinstance(value, Shot) and is_picture(value.image)]


def not_taken(made: Any, values: Mapping[str, Any]) -> list[str]:
    """Return the names of values that no call that made the shots has, such as strength where noise is the start.

    A name that is no argument of any pipeline is the function's own, and a seed may have made latents or masks.
    """
    shots = shots_in(made)
    known = [name for name in values if name in PARAMETERS and name not in OWN_NAMES]
    return [name for name in known if shots and not any(name in shot.settings for shot in shots)]


def taken(made: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without those that are `not_taken`."""
    left_out = not_taken(made, values)
    return {name: value for name, value in values.items() if name not in left_out}


def compare(a: Result, b: Result) -> Html:
    """Return a table of what differs between two results: settings, time, and the distance of the pictures."""
    from sdkit.measure import distance

    first, second = a.settings, b.settings
    rows = []
    for name in dict.fromkeys([*first, *second]):
        here, there = _value(first, name), _value(second, name)
        # Two pictures of one size, such as masks, are the same in words.
        if here == there and is_picture(first.get(name)) and first[name] != second[name]:
            there = f"another {there}"
        if here != there:
            rows.append((name, here, there))
    rows.append(("seconds", f"{a.seconds:.2f}", f"{b.seconds:.2f}"))
    both = pictures_in(a.made), pictures_in(b.made)
    if all(len(pictures) == 1 for pictures in both):
        (picture,), (other,) = both
        if picture.size == other.size:
            rows.append(("distance", "", f"{distance(picture, other):.1f} grey levels"))
    return html.table(("", "A", "B"), rows, cell_style="padding:0 8px;text-align:left;line-height:1.4")


def _value(settings: dict[str, Any], name: str) -> str:
    return in_words(settings[name]) if name in settings else "-"
