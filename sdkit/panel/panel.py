"""Live controls for any function that makes pictures."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from sdkit.call.watching import StoppedError
from sdkit.panel.controls import controls_for, set_value
from sdkit.panel.pictures import as_html, pictures_in
from sdkit.panel.run import Run
from sdkit.panel.thread import RequestThread, from_front_end, shell, take_turns_with_cells
from sdkit.panel.view import HISTORY_LENGTH, Result, View, shots_in
from sdkit.parameters import MAX_SEED, PARAMETERS
from sdkit.record.plain_code import plain_call, plain_code
from sdkit.record.png import digest, encode, save_picture
from sdkit.shot import Shot, is_picture
from sdkit.show.html import alert, status

PANEL_CLASS = "sdkit-panel"
SAVE_FOLDER = Path("pictures")  # beside the notebook


def explore(function: Callable, **controls: Any) -> Panel:
    """Return a panel that calls `function` with the values of its controls and shows what it returns.

    Each keyword names an argument of `function` and says how it is chosen: a pair (low, high) is
    a slider, a list is a choice, a dictionary is a choice by name, a single value or picture
    starts the control that the table of parameters gives for that name (`None` takes the usual
    start), a widget is used as it is. Without keywords every argument that has a control gets it.
    `image` is uploaded or chosen from a list of pictures, `mask_image` drawn as a rectangle or
    chosen, `scheduler` chosen by name. The function may return a picture, a shot, shots or a grid.

    The function is called when the button is pressed and, with `live` ticked, when a control is
    released. In a live notebook it then runs in a thread: a new request stops the running one at
    its next step, cells wait for the panel and the panel for cells, and functions that use
    `generate` or `sweep` show steps and previews. A function that calls a pipeline itself shows
    no steps and can be stopped only after its call (`sdkit.call.watching.watched` changes that). Pressed
    from code, the button returns when the picture is there. Errors appear in the panel, in words.

    The panel's children are the controls in the order given, the button, and the view. Raises
    TypeError for names the function does not take or that have no control.
    """
    return Panel(function, controls)


class Panel(widgets.VBox):
    """The panel that `explore` returns."""

    def __init__(self, function: Callable, controls: dict[str, Any]):
        self.function = function
        self.controls = controls_for(function, controls)
        self.button = widgets.Button(
            description="generate", button_style="primary", icon="play", tooltip="make the picture"
        )
        whole_numbers = widgets.IntSlider, widgets.IntText, widgets.BoundedIntText
        self.view = View(with_seed=isinstance(self.controls.get("seed"), whole_numbers))
        self.thread = RequestThread(self._carry_out)
        self._lock = threading.RLock()  # what is shown changes in the panel's thread and in the front end's
        self._run: Run | None = None  # the present one
        self._shown: Result | None = None
        self._pinned: Result | None = None
        self._history: dict[tuple, Result] = {}  # by the key of its values, the oldest first
        self._count = 0  # of results so far
        self._restoring = False
        super().__init__([*self.controls.values(), self.button, self.view])
        self.add_class(PANEL_CLASS)
        self.button.on_click(lambda _: self._request(again=True))
        self.view.stop.on_click(lambda _: self._stop())
        self.view.new_seed.on_click(lambda _: self._take_new_seed())
        self.view.pin.on_click(lambda _: self._pin())
        self.view.save.on_click(lambda _: self._save())
        self.view.code.on_click(lambda _: self._toggle_code())
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        take_turns_with_cells()

    def __repr__(self):
        # A stored notebook tells what front ends see, which is a VBox.
        return super().__repr__().replace(type(self).__name__, "VBox", 1)

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _changed(self, _: object) -> None:
        # Values that code sets wait for the button: a cell may set several.
        if self.view.live.value and not self._restoring and from_front_end():
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
            if result is not None and not (again and result is self._shown):
                self._run = None
                self.thread.stop()
                self._show(result, f"already made, {result.seconds:.2f} s then")
                return
            live = from_front_end()
            run = self._run = Run(self.function, values, self._report, live=live)
            self.view.show_busy("waiting for its turn")
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
            self._end(run, self.view.show_failure, None, f"stopped after {_step_text(run)}{run.seconds:.1f} s")
            if not (run.live or isinstance(interrupt, StoppedError)):
                raise  # the cell that pressed the button was interrupted
        except BaseException as error:  # whatever the function raises, exit() too, is shown, and the panel stays usable
            self._end(run, self.view.show_failure, error, "failed")
        else:
            self._end(run, self._show, result, f"{result.seconds:.2f} s")

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
                self._run = self._shown = None
                act(*details)

    def _keep(self, run: Run, made: Any) -> Result:
        """Put what a run has made into the history and return it; raise `StoppedError` if it is not the whole."""
        if run.cut_short:  # the function has caught the stop and returned what it had
            raise StoppedError
        seconds, html = run.seconds, as_html(made, run.values)
        with self._lock:
            key = _key(run.values)
            before = self._history.pop(key, None)
            if before is not None and pictures_in(before.made) == pictures_in(made):
                number, is_new = before.number, False
            else:
                self._count += 1
                number, is_new = self._count, True
            result = self._history[key] = Result(number, run.values, made, seconds, tuple(run.notes), html)
            if is_new:
                self.view.add_to_history(result, lambda _: self._restore(result))
            if len(self._history) > HISTORY_LENGTH:
                del self._history[next(iter(self._history))]
        return result

    def _show(self, result: Result, text: str) -> None:
        self._shown = result
        self.view.show_result(result, self._pinned, text)

    def _restore(self, result: Result) -> None:
        """Show a result from the history, and set the controls to the values it was made from."""
        with self._lock:
            self._run = None
            self.thread.stop()
            with self._without_requests():
                for name, value in result.values.items():
                    set_value(self.controls[name], value)
            self._show(result, f"already made, {result.seconds:.2f} s then")

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
                self.view.show_busy("stopping at the next step")

    def _take_new_seed(self) -> None:
        """Set the seed to a number by chance, within the limits of its control."""
        seed = self.controls["seed"]
        low, high = PARAMETERS["seed"].usual or (0, MAX_SEED)
        low, high = int(getattr(seed, "min", low)), int(getattr(seed, "max", high))
        seed.value = low + secrets.randbelow(high - low + 1)

    def _pin(self) -> None:
        with self._lock:
            if self._shown is not None:
                self._pinned = self._shown if self._pinned is None else None
                self._show(self._shown, "pinned" if self._pinned else "not pinned")

    def _save(self) -> None:
        """Write the shots that are shown into files, and say where."""
        if self._shown is None:
            return
        try:
            paths = [save_picture(shot, _path(shot)) for shot in shots_in(self._shown.made)]
        except OSError as error:
            self.view.progress.value = alert(error)
            return
        where = paths[0].as_posix() if len(paths) == 1 else f"{len(paths)} in {SAVE_FOLDER}/"
        self.view.progress.value = status(f"saved {where}")

    def _toggle_code(self) -> None:
        if self._shown is not None:
            codes = [plain_code(shot, _path(shot).as_posix()) for shot in shots_in(self._shown.made)]
            self.view.toggle_code("\n".join(codes) or plain_call(self.function, self._shown.values))


def _step_text(run: Run) -> str:
    return f"step {run.step_number} of {run.steps}, " if run.steps else ""


def _key(values: dict[str, Any]) -> tuple:
    """Return something hashable that is equal for equal values, and for things that tell no value only for the same.

    It changes with each cell that is run: a cell may change what the function uses, such as a scheduler.
    """
    return _cells_run(), *(_key_of(value) for value in values.values())


def _cells_run() -> int:
    running = shell()
    return 0 if running is None else running.execution_count


def _key_of(value: Any) -> Any:
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
