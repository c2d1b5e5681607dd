"""Live controls for any function that makes pictures."""

from __future__ import annotations

import re
import secrets
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from sdkit.call.watching import StoppedError
from sdkit.errors import plain_errors
from sdkit.files import write_whole
from sdkit.panel.controls import TOOLTIP, controls_for, set_value
from sdkit.panel.picture_controls import MaskChoice
from sdkit.panel.pictures import as_html, pictures_in
from sdkit.panel.run import Run
from sdkit.panel.still import still
from sdkit.panel.thread import RequestThread, cells_run, from_front_end, take_turns_with_cells
from sdkit.panel.view import HISTORY_LENGTH, STYLE, WRAPPED, Result, View, button, enlarge, not_taken, shots_in, taken
from sdkit.parameters import MAX_SEED, PARAMETERS, NoEffectWarning
from sdkit.record.plain_code import has_plain_code, plain_call, plain_code
from sdkit.record.png import digest, encode, save_picture
from sdkit.shot import Shot, caption, is_picture, png_bytes
from sdkit.show import html

PANEL_CLASS = "sdkit-panel"
SAVE_FOLDER = Path("pictures")  # beside the notebook
FIRST_PICTURE_S = 10  # seconds that a panel keeps its cell waiting for the first picture


@plain_errors
def explore(function: Callable, *, picture_width: int | None = None, **controls: Any) -> Panel:
    """Return a panel that calls `function` with the values of its controls and shows what it returns.

    Each keyword names an argument of `function` and says how it is chosen: a pair (low, high) is
    a slider, a list is a choice, a dictionary is a choice by name, a single value or picture
    starts the control that the table of parameters gives for that name (`None` takes the usual
    start), a widget is used as it is. Without keywords every argument that has a control gets it.
    `image` is uploaded or chosen from a list of pictures, `mask_image` drawn as a rectangle or
    chosen, `scheduler` chosen by name. The function may return a picture, a shot, shots or a grid.
    `picture_width` is that of one picture in pixels of the screen; small pictures are enlarged without it.

    The first picture is made when the panel is shown; if it takes longer than FIRST_PICTURE_S seconds, it goes on in
    the panel. After that the function is called when the button is pressed, at Enter in a line of text and, with
    `live` ticked, when a control is released. In a live notebook it then runs in a thread: a new request stops the
    running one at its next step, cells wait for the panel and the panel for cells, and functions that use
    `generate` or `sweep` show steps and previews. A function that calls a pipeline itself shows
    no steps and can be stopped only after its call (`sdkit.call.watching.watched` changes that). Pressed
    from code, the button returns when the picture is there. Errors appear in the panel, in words.

    The panel's `controls` are the controls by name, `button` makes the picture and `view` shows it. Raises
    TypeError for names the function does not take or that have no control, ValueError for a width below 1.
    """
    if picture_width is not None and not (isinstance(picture_width, int) and picture_width > 0):
        raise ValueError(f"picture_width is {picture_width!r}; give a whole number of pixels, 1 or more.")
    return Panel(function, controls, picture_width)


class Panel(widgets.VBox):
    """The panel that `explore` returns: controls at the left, what they make at the right, or below in narrow pages."""

    def __init__(self, function: Callable, controls: dict[str, Any], picture_width: int | None = None):
        self.function = function
        self.controls = controls_for(function, controls)
        self.button = button("generate", "play", "make the picture", width=104)
        self.button.button_style = "primary"
        self.stop = button("stop", "stop", "end the work at its next step", width=72, disabled=True)
        self.new_seed = button("new seed", "random", "take a seed by chance", width=100)
        live = {TOOLTIP: "make a picture as soon as a control is released"}
        self.live = widgets.Checkbox(value=True, description="live", indent=False, layout={"width": "56px"}, **live)
        self.view = View()
        self.thread = RequestThread(self._carry_out)
        self._lock = threading.RLock()  # what is shown changes in the panel's thread and in the front end's
        self._run: Run | None = None  # the present one
        self._shown: Result | None = None  # the last picture, even while it is pale
        self._pinned: Result | None = None
        self._history: dict[tuple, Result] = {}  # by the key of its values, the oldest first
        self._count = 0  # of results so far
        self._restoring = False
        self._usual = self._values()
        self._picture_width = picture_width
        super().__init__([widgets.HTML(html.element("style", html.Html(STYLE))), self._columns()])
        self.add_class(PANEL_CLASS)
        enlarge(self)
        self.button.on_click(lambda _: self._request(again=True))
        self.stop.on_click(lambda _: self._stop())
        self.new_seed.on_click(lambda _: self._take_new_seed())
        self.live.observe(lambda _: self._compare(), names="value")
        self.view.pin.on_click(lambda _: self._pin())
        self.view.save.on_click(lambda _: self._save())
        self.view.code.on_click(lambda _: self._toggle_code())
        for control in self.controls.values():
            control.observe(self._changed, names="value")
            if isinstance(control, widgets.Text):
                control.on_msg(self._take_message)
        image, mask = self.controls.get("image"), self.controls.get("mask_image")
        if isinstance(mask, MaskChoice) and image is not None:
            image.observe(lambda change: mask.show_over(change["new"]), names="value")
            if is_picture(image.value):
                mask.show_over(image.value)
        self.view.show_text(self._invitation())
        take_turns_with_cells()

    def _columns(self) -> widgets.Box:
        """Lay the controls and the view out beside each other; where there is no room, the view goes below."""
        whole_numbers = widgets.IntSlider, widgets.IntText, widgets.BoundedIntText
        actions = [self.button, self.stop, self.new_seed, self.live]
        if not isinstance(self.controls.get("seed"), whole_numbers):
            actions.remove(self.new_seed)
        row = widgets.HBox(actions, layout=WRAPPED)
        left = widgets.VBox([*self.controls.values(), row], layout={"flex": "1 1 300px", "max_width": "480px"})
        self.view.layout = widgets.Layout(flex="2 1 340px", min_width="0", margin="0 0 0 16px")
        return widgets.HBox([left, self.view], layout={"flex_flow": "row wrap", "align_items": "flex-start"})

    def _invitation(self) -> str:
        return "Move a control, or press generate." if self.live.value else "Press generate."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None, **_: object) -> tuple[dict, dict]:
        """Return what IPython shows: the panel, and for pages without a kernel a still picture and a line of text."""
        self._make_first()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        data: dict[str, Any] = {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}
        if self._shown is None:
            return data, {}
        data["image/png"] = still(self._shown.made, repr(self))
        return data, {"image/png": {"alt": f"A panel. {repr(self)} It shows {caption(self._shown.values)}."}}

    _ipython_display_ = None  # ipywidgets 7 has one, which would go before

    def _make_first(self) -> None:
        """Make the picture of the values to start with, in the cell; one that takes long goes on in the thread."""
        if self._count or self._run is not None:
            return
        run = self._run = Run(self.function, self._values(), _stop_if_slow)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoEffectWarning)  # the panel notes them
            self.thread.work_here(run)
        if run.stopping and self._shown is None:
            later = self._run = Run(self.function, self._values(), self._report, live=True)
            self._set_busy("goes on after this cell")
            self.thread.start(later)

    def __repr__(self):
        # Stored notebooks show it where no kernel runs.
        return f"Controls: {', '.join(self.controls)}. Run this cell (Shift+Enter) to use them."

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _changed(self, _: object) -> None:
        if self._restoring:
            return
        # Values that code sets wait for the button: a cell may set several.
        if self.live.value and from_front_end():
            self._request()
        else:
            self._compare()

    def _compare(self) -> None:
        """Say whether the picture is of the present values; nothing while something is made."""
        with self._lock:
            if self._run is not None or self._shown is None:
                return
            if _key_of(self._values()) != _key_of(self._shown.values):
                self.view.show_stale("Not made with these values yet: press generate.")
            elif self.view.is_stale:
                self._show(self._shown, "")

    def _take_message(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":  # Enter in a line of text
            self._request()

    def _request(self, again: bool = False) -> None:
        """Show what the present values make: from the history, or by a new run that replaces the running one.

        With `again`, what is shown already is made again.
        """
        values = self._values()
        key = _key(values)
        with self._lock:
            if self._run is not None and _key(self._run.values) == key and not self._run.stopping:
                return
            result = self._history.get(key)
            is_seen = result is self._shown and not self.view.is_stale
            if result is not None and not (again and is_seen):
                self._run = None
                self.thread.stop()
                self._show(result, _from_history(result))
                return
            live = from_front_end()
            run = self._run = Run(self.function, values, self._report, live=live)
            self._set_busy("waiting for its turn")
        if live:
            self.thread.start(run)
        else:
            self.thread.work_here(run)

    def _carry_out(self, run: Run) -> None:
        """Call the function and show what comes of it; the panel's thread does this."""
        self._if_present(run, self.view.show_busy, "working")
        try:
            result = self._keep(run, run())
        except KeyboardInterrupt as interrupt:
            self._end(run, self._show_failure, None, f"stopped after {_step_text(run)}{run.seconds:.1f} s")
            if not (run.live or isinstance(interrupt, StoppedError)):
                raise  # the cell that pressed the button was interrupted
        except BaseException as error:  # whatever the function raises, exit() too, is shown, and the panel stays usable
            self._end(run, self._show_failure, error, "failed")
        else:
            self._end(run, self._show, result, f"{result.seconds:.2f} s")
            self._compare()  # a value may have changed meanwhile without asking for a picture

    def _report(self, run: Run) -> None:
        self._if_present(run, self.view.show_progress, run)

    def _if_present(self, run: Run, act: Callable[..., None], *details: Any) -> None:
        """Act only if no newer request has taken the place of this run."""
        with self._lock:
            if run is self._run:
                act(*details)

    def _end(self, run: Run, act: Callable[..., None], *details: Any) -> None:
        """End a run and act, if no newer request has taken its place."""
        with self._lock:
            if run is self._run:
                self._run = None
                self.stop.disabled = True
                act(*details)

    def _keep(self, run: Run, made: Any) -> Result:
        """Put what a run has made into the history and return it; raise `StoppedError` if it is not the whole."""
        if run.cut_short:  # the function has caught the stop and returned what it had
            raise StoppedError
        seconds = run.seconds
        shown = as_html(made, taken(made, run.values), self._usual, self._picture_width)
        notes = (*run.notes, *_told_not_taken(made, run.values))
        with self._lock:
            key = _key(run.values)
            before = self._history.pop(key, None)
            if before is not None and pictures_in(before.made) == pictures_in(made):
                number, is_new = before.number, False
            else:
                self._count += 1
                number, is_new = self._count, True
            result = self._history[key] = Result(number, run.values, made, seconds, notes, shown)
            if is_new:
                self.view.add_to_history(result, lambda _: self._restore(result))
            if len(self._history) > HISTORY_LENGTH:
                del self._history[next(iter(self._history))]
        return result

    def _set_busy(self, text: str) -> None:
        self.stop.disabled = False
        self.view.show_busy(text)

    def _show_failure(self, error: BaseException | None, text: str) -> None:
        if self._shown is not None:
            text = f"{text}; the picture is the one before"
        self.view.show_failure(error, self._shown, self._pinned, text)

    def _show(self, result: Result, text: str) -> None:
        self._shown = result
        self.stop.disabled = True
        self.view.show_result(result, self._pinned, text)

    def _restore(self, result: Result) -> None:
        """Show a result from the history, and set the controls to the values it was made from."""
        with self._lock:
            self._run = None
            self.thread.stop()
            with self._without_requests():
                for name, value in result.values.items():
                    set_value(self.controls[name], value)
            self._show(result, _from_history(result))

    @contextmanager
    def _without_requests(self) -> Iterator[None]:
        self._restoring = True
        try:
            yield
        finally:
            self._restoring = False

    def _stop(self) -> None:
        self.thread.stop()
        with self._lock:
            if self._run is not None:
                self._run.stop()  # the thread does not know of a run that a cell has started
                self.view.show_text(
                    "stopping at the next step" if self._run.steps else "stopping when the function's call has ended"
                )

    def _take_new_seed(self) -> None:
        """Set the seed to another number by chance, within the limits of its control."""
        seed = self.controls["seed"]
        low, high = map(int, PARAMETERS["seed"].usual or (0, MAX_SEED))  # short numbers are told more easily
        low, high = max(low, int(getattr(seed, "min", low))), min(high, int(getattr(seed, "max", high)))
        others = high - low + 1 - (low <= seed.value <= high)
        if others:
            drawn = low + secrets.randbelow(others)
            seed.value = drawn + (low <= seed.value <= drawn)  # the numbers from the present one on move up

    def _pin(self) -> None:
        with self._lock:
            if self._shown is not None:
                self._pinned = self._shown if self._pinned is None else None
                self._show(self._shown, "pinned as A; the next ones stand beside it" if self._pinned else "")
                self._compare()

    def _save(self) -> None:
        """Write the pictures that are shown into files, shots with their settings, and say where."""
        if self._shown is None:
            return
        shots = shots_in(self._shown.made)
        try:
            if shots:
                with warnings.catch_warnings(record=True) as told:  # of what a file cannot keep
                    warnings.simplefilter("always")
                    paths = [save_picture(shot, _path(shot)) for shot in shots]
            else:
                told = []
                paths = [write_whole(_plain_path(png), png) for png in map(png_bytes, pictures_in(self._shown.made))]
            files = [(path.name, path.read_bytes()) for path in paths]
        except OSError as error:
            self.view.error.value = html.alert(error)
            return
        where = paths[0].as_posix() if len(paths) == 1 else f"{len(paths)} in {SAVE_FOLDER}/"
        without = "" if shots else ", without settings: the function returns pictures, no shots"
        said = "".join(f" {warning.message}" for warning in told)
        self.view.show_saved(files, f"saved {where}{without}.{said}")

    def _toggle_code(self) -> None:
        if self._shown is not None:
            shots = shots_in(self._shown.made)
            # What has a control is there even at its default, or whoever has just moved it would look for it in vain.
            written = [(shot, _path(shot).as_posix()) for shot in shots if has_plain_code(shot)]
            codes = [plain_code(shot, path, always=self.controls) for shot, path in written]
            is_whole = shots and len(codes) == len(shots)
            self.view.toggle_code("\n".join(codes) if is_whole else plain_call(self.function, self._shown.values))


def _stop_if_slow(run: Run) -> None:
    if run.seconds > FIRST_PICTURE_S:
        run.stop()


def _told_not_taken(made: Any, values: dict[str, Any]) -> Iterator[str]:
    """Yield a note that names the controls whose values the call that made a shot does not take."""
    names = not_taken(made, values)
    if names:
        pipelines = " and ".join(dict.fromkeys(shot.origin.pipeline for shot in shots_in(made)))
        yield f"{', '.join(names)}: not given to {pipelines}, whose call takes no such argument."


def _from_history(result: Result) -> str:
    return f"from the history; it took {result.seconds:.2f} s"


def _step_text(run: Run) -> str:
    return f"step {run.step_number} of {run.steps}, " if run.steps else ""


def _key(values: dict[str, Any]) -> tuple:
    """Return something hashable that is equal for equal values, and for things that tell no value only for the same.

    It changes with each cell that is run: a cell may change what the function uses, such as a scheduler.
    """
    return cells_run(), *(_key_of(value) for value in values.values())


def _key_of(value: Any) -> Any:
    if isinstance(value, (str, int, float)):  # what most controls hold
        return type(value), value
    if is_picture(value):
        return value.mode, value.size, value.tobytes()
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_key_of, value))
    if isinstance(value, dict):
        return dict, tuple((key, _key_of(entry)) for key, entry in value.items())
    if hasattr(value, "detach"):  # a tensor; numpy does not know all of torch's number formats
        import torch

        return str(value.dtype), value.shape, value.detach().cpu().flatten().view(torch.uint8).numpy().tobytes()
    if hasattr(value, "tobytes"):  # an array
        return str(value.dtype), value.shape, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def _path(shot: Shot) -> Path:
    """Return where a shot is saved: the same name for the same settings, another for others."""
    words = re.sub(r"\W+", "-", str(shot.settings.get("prompt") or "picture"))[:40].strip("-")
    name = digest(encode(shot.settings), shot.origin)[:8]
    return SAVE_FOLDER / f"{words}-seed-{shot.settings.get('seed')}-{name}.png"


def _plain_path(png: bytes) -> Path:
    return SAVE_FOLDER / f"picture-{sha256(png).hexdigest()[:8]}.png"
