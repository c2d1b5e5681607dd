"""Live controls for any function that makes pictures."""

from __future__ import annotations

import re
import secrets
import threading
from contextlib import contextmanager
from pathlib import Path

import ipywidgets as widgets

from sdkit.call.watching import StoppedError
from sdkit.panel.controls import controls_for
from sdkit.panel.html import alert, as_html, pictures_in, status
from sdkit.panel.run import Run
from sdkit.panel.view import STRIP, Made, View, shots_in
from sdkit.panel.worker import Worker, from_front_end, take_turns_with_cells
from sdkit.parameters import PARAMETERS
from sdkit.record.plain_code import plain_call, plain_code
from sdkit.record.png import digest, encode, save_picture
from sdkit.shot import is_picture

PANEL_CLASS = "sdkit-panel"
FOLDER = "pictures"  # where the panel saves, beside the notebook


def explore(function, **controls):
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

    def __init__(self, function, controls):
        self.function = function
        self.controls = controls_for(function, controls)
        seed = self.controls.get("seed")
        self.button = widgets.Button(
            description="generate", button_style="primary", icon="play", tooltip="make the picture"
        )
        self.view = View(dice=isinstance(seed, (widgets.IntSlider, widgets.IntText, widgets.BoundedIntText)))
        self.worker = Worker(self._carry_out)
        self._lock = threading.RLock()  # what is shown changes in the worker's thread and in the front end's
        self._run = self._shown = self._pinned = None
        self._made: dict[tuple, Made] = {}
        self._count, self._restoring = 0, False
        super().__init__([*self.controls.values(), self.button, self.view])
        self.add_class(PANEL_CLASS)
        self.button.on_click(lambda _: self._request(again=True))
        self.view.stop.on_click(lambda _: self._stop())
        self.view.dice.on_click(lambda _: self._throw_dice())
        self.view.pin.on_click(lambda _: self._pin())
        self.view.save.on_click(lambda _: self._save())
        self.view.code.on_click(lambda _: self._code())
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        take_turns_with_cells()

    def __repr__(self):
        # A stored notebook tells what front ends see, which is a VBox.
        return super().__repr__().replace(type(self).__name__, "VBox", 1)

    def _values(self):
        return {name: control.value for name, control in self.controls.items()}

    def _changed(self, _):
        # Values that code sets wait for the button: a cell may set several.
        if self.view.live.value and not self._restoring and from_front_end():
            self._request()

    def _request(self, again=False):
        """Show what the present values make: from the history, or by a new run that replaces the running one."""
        values = self._values()
        key = _key(values)
        with self._lock:
            if self._run is not None and _key(self._run.values) == key and not self._run.stopping:
                return
            made = self._made.get(key)
            if made is not None and not (again and made is self._shown):
                self._run = None
                self.worker.stop()
                self._show(made, f"already made, {made.seconds:.2f} s then")
                return
            live = from_front_end()
            run = self._run = Run(self.function, values, self._report, live=live)
            self.view.busy("waiting for its turn")
        if live:
            self.worker.start(run)
        else:
            self.worker.do(run)

    def _carry_out(self, run):
        """Call the function and show what comes of it; the worker's thread does this."""
        self._if_present(run, self.view.busy, "working")
        try:
            made = self._keep(run, run())
        except KeyboardInterrupt as interrupt:
            self._end(run, self.view.fail, None, f"stopped after {_steps(run)}{run.seconds:.1f} s")
            if not (run.live or isinstance(interrupt, StoppedError)):
                raise  # the cell that pressed the button was interrupted
        except Exception as error:  # whatever the function raises is shown, and the panel stays usable
            self._end(run, self.view.fail, error, "failed")
        else:
            self._end(run, self._show, made, f"{made.seconds:.2f} s")

    def _report(self, run):
        self._if_present(run, self.view.working, run)

    def _if_present(self, run, act, *details):
        """Act only if no newer request has taken the place of this run."""
        with self._lock:
            if run is self._run:
                act(*details)

    def _end(self, run, act, *details):
        with self._lock:
            if run is self._run:
                self._run = self._shown = None
                act(*details)

    def _keep(self, run, result):
        """Put a result into the history and return it."""
        if run.cut_short:  # the function has caught the stop and returned what it had
            raise StoppedError
        seconds, html = run.seconds, as_html(result, run.values)
        with self._lock:
            key = _key(run.values)
            known = self._made.pop(key, None)
            again = known is not None and pictures_in(known.result) == pictures_in(result)
            self._count += not again
            number = known.number if again else self._count
            made = self._made[key] = Made(number, run.values, result, seconds, tuple(run.notes), html)
            if not again:
                self.view.add_to_strip(made, lambda _: self._restore(made))
            if len(self._made) > STRIP:
                del self._made[next(iter(self._made))]
        return made

    def _show(self, made, text):
        self._shown = made
        self.view.show(made, self._pinned, text)

    def _restore(self, made):
        """Show something from the history, and set the controls to what it was made of."""
        with self._lock:
            self._run = None
            self.worker.stop()
            with self._without_requests():
                for name, value in made.values.items():
                    self.controls[name].value = value
            self._show(made, f"already made, {made.seconds:.2f} s then")

    @contextmanager
    def _without_requests(self):
        self._restoring = True
        try:
            yield
        finally:
            self._restoring = False

    def _stop(self):
        self.worker.stop()
        with self._lock:
            if self._run is not None:
                self._run.stop()  # the worker does not know of a run that a cell has started
                self.view.busy("stopping at the next step")

    def _throw_dice(self):
        seed = self.controls["seed"]
        low, high = getattr(seed, "min", 0), getattr(seed, "max", PARAMETERS["seed"].usual[1])
        seed.value = low + secrets.randbelow(high - low + 1)

    def _pin(self):
        with self._lock:
            if self._shown is not None:
                self._pinned = self._shown if self._pinned is None else None
                self._show(self._shown, "pinned" if self._pinned else "not pinned")

    def _save(self):
        if self._shown is None:
            return
        try:
            paths = [save_picture(shot, _path(shot)) for shot in shots_in(self._shown.result)]
            said = status(f"saved {paths[0].as_posix()}" if len(paths) == 1 else f"saved {len(paths)} in {FOLDER}/")
        except OSError as error:
            said = alert(error)
        self.view.progress.value = said

    def _code(self):
        if self._shown is not None:
            codes = [plain_code(shot, _path(shot).as_posix()) for shot in shots_in(self._shown.result)]
            self.view.show_code("\n".join(codes) or plain_call(self.function, self._shown.values))


def _steps(run):
    return f"step {run.step_number} of {run.steps}, " if run.steps else ""


def _key(values):
    """Return something hashable that is equal for equal values."""
    return tuple(_key_of(value) for value in values.values())


def _key_of(value):
    if is_picture(value):
        return value.mode, value.size, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return type(value), value


def _path(shot):
    """Return where a shot is saved: the same name for the same settings, another for others."""
    words = re.sub(r"\W+", "-", str(shot.settings.get("prompt") or "picture"))[:40].strip("-")
    name = digest(encode(shot.settings), shot.origin)[:8]
    return Path(FOLDER) / f"{words}-seed-{shot.settings.get('seed')}-{name}.png"
