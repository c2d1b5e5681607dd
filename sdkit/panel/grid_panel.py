"""Comparison grids without code: what varies is chosen, the grid fills, and each picture can be taken up."""

from __future__ import annotations

import base64
import inspect
import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from sdkit.call.watching import StoppedError
from sdkit.errors import plain_errors
from sdkit.loading.present import check_present
from sdkit.panel.axis_controls import AxisChoice, names_that_vary, notation, problem, wide
from sdkit.panel.controls import controls_for, set_value
from sdkit.panel.grid_plan import MAX_PICTURES, GridPlan, reasons
from sdkit.panel.grid_view import Detail, GridTable
from sdkit.panel.run import Run
from sdkit.panel.still import empty_grid, still
from sdkit.panel.thread import RequestThread, cells_run, from_front_end, take_turns_with_cells
from sdkit.panel.view import STALE, STYLE, WRAPPED, button, enlarge
from sdkit.parameters import OWN_NAMES, known_names, short
from sdkit.schedulers import find_name
from sdkit.shot import Shot, caption, is_same
from sdkit.shots import Shots
from sdkit.show import html
from sdkit.show.page import page_of
from sdkit.sweeping.cost import duration
from sdkit.sweeping.job import Job
from sdkit.sweeping.plan import Cell
from sdkit.sweeping.variants import DTYPES, Parts

PANEL_CLASS = "sdkit-grid-panel"
MAX_PAGE_BYTES = 30_000_000  # of a page behind a link: all of it goes through the kernel's channel into the browser
_BASE = (
    "prompt",
    "negative_prompt",
    "image",
    "mask_image",
    "strength",
    "seed",
    "num_inference_steps",
    "guidance_scale",
)
_PROMPT = "a cat"  # to start with


@plain_errors
def explore_grid(
    pipe,
    *,
    columns: tuple[str, str] | None = ("seed", "0-2"),
    rows: tuple[str, str] | None = ("guidance_scale", "1, 4, 7.5, 15"),
    pages: tuple[str, str] | None = None,
    panel: Any = None,
    **controls: Any,
) -> GridPanel:
    """Return a panel that makes a grid of pictures: two or three arguments vary, the controls hold all others.

    What varies along columns, rows and pages is chosen from menus: any argument of the pipeline's call that can be
    written as text, the seed, the scheduler, dtype and model by name, and texts that replace a part of the
    prompt. The values are a line of text in the notation of AUTOMATIC1111's X/Y/Z plot: `1, 2, 5`, `1-5 (+2)`,
    `1-10 [5]`, "DDIM, Euler a"; see `sdkit.panel.axis_text`. `columns`, `rows` and `pages` say what is chosen to begin
    with, as (name, values) such as ("guidance_scale", "1, 7.5, 20"), None for nothing.

    Each keyword names an argument that shall have a control, as in `explore`; prompt, negative_prompt, seed,
    num_inference_steps and guidance_scale have one in any case. An argument that varies is not held.

    The panel says how many pictures there are, which of them cannot be made and why, and, once one was
    measured, how many seconds they take; "make grid" agrees to that. Pictures are those of `sweep` with the same
    values. "stop" keeps those that are there, and "make grid" goes on with the rest. A picture that is pressed is
    shown large, and its values can be loaded into the controls and into those of `panel`, which `explore` returned.
    `shots` has the pictures, as `sweep` returns them. At most 200 pictures are made here.

    Raises TypeError for names that the pipeline's call does not take or that have no control, ValueError for an axis
    that cannot vary.
    """
    check_present(pipe)
    axes = {"columns": columns, "rows": rows, "pages": pages}
    for place, axis in axes.items():
        known = names_that_vary(pipe)
        if axis is not None and not (_is_pair_of_texts(axis) and axis[0] in known):
            raise ValueError(
                f'{place} is {short(axis)}; give (name, values as a text) such as ("seed", "1, 2"), the name one of '
                f"{', '.join(known)}."
            )
    made = GridPanel(pipe, panel, controls)
    for place, axis in axes.items():
        getattr(made, place).choose(*(axis or (None, "")))
    return made


def _is_pair_of_texts(axis: Any) -> bool:
    return isinstance(axis, (tuple, list)) and len(axis) == 2 and all(isinstance(text, str) for text in axis)


class GridPanel(widgets.HBox):
    """The panel that `explore_grid` returns."""

    def __init__(self, pipe, panel: Any, controls: dict[str, Any]):
        self.pipe, self.panel = pipe, panel
        self.controls = _held_controls(pipe, controls)
        prompt = self.controls.get("prompt")
        self.columns = AxisChoice(pipe, "columns", "seed", prompt)
        self.rows = AxisChoice(pipe, "rows", "guidance_scale", prompt)
        self.pages = AxisChoice(pipe, "pages", None, prompt)
        self.swap = button("swap axes", "exchange", "exchange rows and columns", width=112)
        self.make = button("make grid", "th", "make the pictures", width=112)
        self.make.button_style = "primary"
        self.stop = button(
            "stop", "stop", "end the work at its next step, and keep what is there", width=80, disabled=True
        )
        self.measure = button("measure", "clock-o", "make the first picture, to tell how long the grid takes", width=96)
        self.save = button("save page", "download", "write the grid into one HTML file", width=112, disabled=True)
        self.code = button("code", "code", "show the code that makes this grid", width=80)
        self.cost = widgets.HTML()
        self.progress = widgets.HTML()
        self.notes = widgets.HTML()
        self.link = widgets.HTML()
        self.source = widgets.HTML()
        self.place = widgets.VBox(layout=widgets.Layout(min_width="0", max_width="100%", flex="0 1 auto"))  # the table
        self.detail = Detail()
        self.table: GridTable | None = None
        self.thread = RequestThread(self._carry_out)
        self._lock = threading.RLock()  # what is shown changes in the panel's thread and in the front end's
        self._run: Run | None = None
        self._plan: GridPlan | None = None  # for the present values, None where they make none
        self._shown: GridPlan | None = None  # of the table
        self._made: list[Shot] = []  # for the table, in the order in which they came
        self._job: Job | None = None  # the last that made pictures
        self._cells_run = 0  # when the pictures of the table were made
        self._measured: dict[Cell, float] = {}
        self._chosen: Shot | None = None
        self._setting = False
        super().__init__(
            self._layout_parts(), layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")
        )
        self.add_class(PANEL_CLASS)
        enlarge(self)
        self._listen()
        take_turns_with_cells()
        self._replan()

    def __repr__(self):
        return "Controls for a grid of pictures. Run this cell (Shift+Enter) to use them."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None, **_: object) -> tuple[dict, dict]:
        """Return what IPython shows: the panel, and for pages without a kernel the empty grid and a line of text."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        data: dict[str, Any] = {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}
        if self._plan is None or not self._plan.axes:
            return data, {}
        empty = empty_grid(self._plan.axes)
        data["image/png"] = still(empty, repr(self))
        return data, {"image/png": {"alt": f"A grid panel with {empty.alt}. {repr(self)}"}}

    _ipython_display_ = None  # ipywidgets 7 has one, which would go before

    def _layout_parts(self) -> list[widgets.Widget]:
        """Return what is chosen, on the left, and what is made, on the right or below."""
        axes = [self.columns, self.rows, self.pages]
        chosen = [*self.controls.values(), *axes, self.swap, widgets.HTML(notation())]
        left = widgets.VBox(chosen, layout=widgets.Layout(flex="1 1 340px", max_width="500px", min_width="0"))
        # The large one first: beside or below a wide table it would be off the screen.
        pictures = widgets.HBox([self.detail, self.place], layout=widgets.Layout(flex_flow="row wrap", grid_gap="12px"))
        # Above all that comes and goes: a button that moves when a field is left would slip away under the mouse.
        tools = widgets.HBox([self.make, self.stop, self.measure, self.save, self.code], layout=WRAPPED)
        shown = [tools, self.cost, self.progress, self.notes, self.link, self.source, pictures]
        shown.append(widgets.HTML(html.element("style", html.Html(STYLE)), layout={"display": "none"}))
        right = widgets.VBox(shown, layout=widgets.Layout(flex="3 1 420px", min_width="0", padding="0 0 0 8px"))
        return [left, right]

    def _listen(self) -> None:
        self.make.on_click(lambda _: self._request())
        self.measure.on_click(lambda _: self._request(first_only=True))
        self.stop.on_click(lambda _: self._stop())
        self.swap.on_click(lambda _: self._swap())
        self.save.on_click(lambda _: self._save())
        self.code.on_click(lambda _: self._toggle_code())
        self.detail.load.on_click(lambda _: self._load())
        self.detail.close_it.on_click(lambda _: self._choose(None))
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        for axis in (self.columns, self.rows, self.pages):
            axis.changed = self._changed

    @property
    def shots(self) -> Shots:
        """Return the pictures that are shown, in the order of the axes; those of a stopped grid lack some."""
        return Shots() if self._shown is None else self._shown.shots(self._made)

    # What the present values ask for

    def _changed(self, _: object = None) -> None:
        """Plan anew; what was said of the grid before is over."""
        with self._lock:
            if self._run is None and not self._setting:
                self.progress.value = ""
        self._replan()

    def _replan(self) -> None:
        """Say what the present values make and what it costs, or why they make nothing."""
        with self._lock:
            if self._run is not None or self._setting:  # done when that has ended
                return
            self._plan = None
            axes = (self.pages, self.rows, self.columns)
            if any(axis.error for axis in axes):
                self._say_cost("")  # it is said beside the field
                return
            try:
                plan = GridPlan(self.pipe, self._values(), [(axis.name, axis.values) for axis in axes if axis.name])
                shown = self._shown if self._cells_run == cells_run() else None
                if shown is not None and plan.is_same(shown):
                    plan.take_over(shown)
                elif plan.count <= MAX_PICTURES and not plan.is_slow_to_check:
                    plan.check()
            except (TypeError, ValueError) as error:
                self._say_cost(problem(str(error)))
                return
            self._plan = plan
            if self._shown is not None and plan.is_same(self._shown) and list(plan.axes) != list(self._shown.axes):
                self._show_table(plan)  # the same pictures, the other way round
            self._say_cost(self._cost_of(plan), can_make=plan.count <= MAX_PICTURES)

    def _values(self) -> dict[str, Any]:
        values = {name: control.value for name, control in self.controls.items()}
        return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}

    def _cost_of(self, plan: GridPlan) -> html.Html:
        """Say how many pictures a plan has, how long they take, and which cannot be made."""
        if plan.count > MAX_PICTURES:
            return problem(
                f"{plan.count:,} pictures, more than the {MAX_PICTURES} that this panel shows. Take fewer values, or "
                'press "code" and run that in a cell: it writes the pictures into a folder and can be interrupted.'
            )
        if not plan.is_checked:
            names = " and ".join(name for name in ("model", "dtype") if name in {*plan.axes, *plan.held})
            return html.status(f"{plan.count} pictures at most; {names} is checked when the grid is made")
        job = plan.job(self._kept_for(plan))
        missing = len(job.missing())
        there = len(plan.cells) - missing
        text = f"{_pictures(len(plan.cells))}" + (f", {there if missing else 'all'} there" if there else "")
        seconds = plan.seconds(job, self._measured)
        if missing and seconds is not None:
            text += f", about {duration(seconds)}"
        elif missing:
            text += '; "measure" makes the first and tells how long all take'
        left_out = [html.element("p", reason, role="note", style="margin:2px 0;line-height:1.3;overflow-wrap:anywhere")
                    for reason in reasons(plan.skipped)]  # fmt: skip
        if self._made and self._is_of_others(plan):
            text += ". The grid was made with other values"
        return html.element("div", html.status(text), *left_out, style="line-height:1.3")

    def _say_cost(self, text: str, *, can_make: bool = False) -> None:
        self.cost.value = text
        self._set_stale(self._is_of_others(self._plan))
        # "make grid" is never locked: whoever leaves a field by pressing it would have to press it twice.
        self.measure.disabled = not can_make or bool(self._measured)
        self.code.disabled = self._plan is None and self._shown is None

    def _is_of_others(self, plan: GridPlan | None) -> bool:
        """Say whether a grid is shown, of other values than those of a plan; None is a plan of refused values."""
        return self._shown is not None and (plan is None or not plan.is_same(self._shown))

    def _set_stale(self, is_stale: bool) -> None:
        """Show the grid pale, or not, as a picture that is of other values than the present ones."""
        (self.place.add_class if is_stale else self.place.remove_class)(STALE)

    def _kept_for(self, plan: GridPlan) -> list[Shot]:
        """Return the pictures that a plan needs not make again; a cell that was run may have changed the pipeline."""
        if self._shown is None or self._cells_run != cells_run() or not plan.is_like(self._shown):
            return []
        return self._made

    def _swap(self) -> None:
        """Exchange rows and columns; pictures that are there are only shown the other way round."""
        rows, columns = (self.rows.name, self.rows.text.value), (self.columns.name, self.columns.text.value)
        with self._lock:
            self._setting = True
            try:
                self.rows.choose(*columns)
                self.columns.choose(*rows)
            finally:
                self._setting = False
        self._replan()

    # Making the grid

    def _request(self, first_only: bool = False) -> None:
        """Make the pictures of the present values that are not there, or all of them again if none is missing."""
        with self._lock:
            if self._run is not None:
                return
            self._replan()  # a cell may have changed the pipeline
            plan = self._plan
            if plan is None or plan.count > MAX_PICTURES:
                self.progress.value = html.status("nothing was made: the values that are chosen make no grid yet")
                return
            live = from_front_end()
            run = self._run = Run(self._make, {"plan": plan, "first_only": first_only}, self._report, live=False)
            self.measure.disabled = True
            self.cost.value = ""
            self.stop.disabled = False
            self.progress.value = html.progress(0, 0, "waiting for its turn")
        if live:
            self.thread.start(run)
        else:
            self.thread.work_here(run)

    def _carry_out(self, run: Run) -> None:
        """Make a grid and say how that went; the panel's thread does this."""
        try:
            text = html.status(run())
        except KeyboardInterrupt as interrupt:
            self._end(run, html.status(f"stopped after {run.seconds:.1f} s{self._rest(run)}"))
            if not isinstance(interrupt, StoppedError):
                raise  # the cell that pressed the button was interrupted
        except BaseException as error:  # whatever making a picture raises is shown, and the panel stays usable
            self._end(run, problem(f"{error}{self._rest(run)}"))
        else:
            self._end(run, text)

    def _end(self, run: Run, text: html.Html) -> None:
        with self._lock:
            self._run = None
            self.stop.disabled = True
            self.progress.value = text
            self.notes.value = html.notes(run.notes)
            self.save.disabled = not self._made
            self._replan()

    def _make(self, plan: GridPlan, first_only: bool) -> str:
        """Make the pictures of a plan, showing each as it is finished, and return what there is to say."""
        run = self._run
        assert run is not None
        plan.check()
        job = plan.job(self._kept_for(plan))
        if job.is_finished() and not first_only:
            job = plan.job()  # pressed again without a change
        self._made = list(job.finished.values())
        self._cells_run = cells_run()
        self._show_table(plan)
        self._job = job
        before = len(self._made)
        try:
            plan.carry_out(job, self._take, first_only=first_only)
        finally:
            self._measured = {cell: shot.seconds for cell, shot in job.finished.items()} or self._measured
        return f"{len(self._made) - before} made in {run.seconds:.1f} s"

    def _take(self, shots: list[Shot]) -> None:
        """Show pictures that are finished."""
        with self._lock:
            self._made += shots
            for shot in shots:
                self._fill(shot)
            if self._run is not None:
                self._report(self._run)

    def _report(self, run: Run) -> None:
        """Say how far the grid is; called a few times in a second."""
        if self._job is None:
            return
        done, of = len(self._made), len(self._job.cells)
        left = self._job.seconds_left(1)
        text = f"{done} of {_pictures(of)}"
        if run.steps and done < of:
            text += f", step {run.step_number} of {run.steps}"
        if left is not None and done < of:
            text += f", about {duration(left)} left"
        self.progress.value = html.progress(done, of, text)

    def _rest(self, run: Run) -> str:
        """Say what became of a grid that was not finished, if it was begun."""
        if self._shown is None or self._shown is not run.values["plan"]:
            return ""
        return f'. {len(self._made)} of {_pictures(len(self._shown.cells))} are there; "make grid" makes the rest'

    def _stop(self) -> None:
        """Ask the run to stop; one that waits for its turn ends as soon as it has it."""
        with self._lock:
            if self._run is not None:
                self._run.stop()
                self.progress.value = html.progress(0, 0, "stopping at the next step")

    # What is shown

    def _show_table(self, plan: GridPlan) -> None:
        """Show a table for a plan, with the pictures that are there."""
        with self._lock:
            before = self.table
            self._shown = plan
            self._set_stale(False)
            names = {word: f"{word!r} in the prompt becomes" for word in plan.words}
            self.table = GridTable(plan.axes, names, self._choose_number)
            self.table.leave_out([cell.label for cell in plan.skipped], [cell.reason for cell in plan.skipped])
            for shot in self._made:
                self._fill(shot)
            self.place.children = [self.table]
            self._choose(None)
            self.link.value = self.source.value = ""
            if before is not None:
                _close(before)

    def _fill(self, shot: Shot) -> None:
        assert self.table is not None and self._shown is not None
        self.table.fill(self._shown.where(shot), shot)

    def _choose_number(self, number: int) -> None:
        with self._lock:
            if self._shown is not None:
                found = (shot for shot in self._made if self._shown.where(shot) == number)
                self._choose(next(found, None))

    def _choose(self, shot: Shot | None) -> None:
        """Show one picture large, or none."""
        with self._lock:
            self._chosen = shot
            if self.table is None or self._shown is None:
                return
            if shot is None:
                self.table.mark(None)
                self.detail.hide()
            else:
                self.table.mark(self._shown.where(shot))
                self.detail.show(shot, self._shown.values_of(shot))

    def _load(self) -> None:
        """Set the controls, here and in the other panel, to the values of the picture that is shown large."""
        with self._lock:
            if self._chosen is None or self._shown is None:
                return
            values = self._shown.values_of(self._chosen)
            label = {name: values[name] for name in self._chosen.label if name in values}
            if self._shown.words:
                label["prompt"] = values["prompt"]
            self._setting = True
            try:
                texts = [_set_controls(self.controls, label, "here")]
            finally:
                self._setting = False
            if self.panel is not None:
                texts.append(_set_controls(self.panel.controls, values, "in the other panel"))
        self.detail.said.value = html.element("div", html.status(" ".join(texts)), style="line-height:1.3")
        self._replan()

    def _save(self) -> None:
        """Show a link that saves the grid as one HTML page in the browser; nothing is written here."""
        shots = self.shots
        if not shots:
            return
        page = page_of(shots).encode("utf-8")
        if len(page) > MAX_PAGE_BYTES:
            self.link.value = problem(
                f"The page has {len(page) / 1e6:.0f} MB, too much for a link. Write it from a cell, where `panel` is "
                'this panel: panel.shots.save_page("grid.html").'
            )
            return
        address = html.Html(f"data:text/html;base64,{base64.b64encode(page).decode()}")
        text = f"download grid.html ({len(page) / 1e6:.1f} MB)"
        style = "text-decoration:underline"
        self.link.value = html.status("", "the page is ready") + html.element(
            "a", text, download="grid.html", href=address, style=style
        )

    def _toggle_code(self) -> None:
        """Show the code of the grid that is there and, where they make another, of the present values; or hide it."""
        if self.source.value:
            self.source.value = ""
            return
        codes = {}
        if self._shown is not None and self._made:
            codes["made this grid"] = self._shown.code()
        if self._plan is not None and self._plan.code() not in codes.values():
            codes["makes the grid of the values that are chosen now"] = self._plan.code()
        texts = list(codes.values()) if len(codes) == 1 else [f"# {what}\n{code}" for what, code in codes.items()]
        style = "line-height:1.3;user-select:all;white-space:pre-wrap;overflow-wrap:anywhere"
        self.source.value = html.element("pre", "\n".join(texts), style=style)


def _held_controls(pipe, wanted: dict[str, Any]) -> dict[str, widgets.Widget]:
    """Return the controls for what is held: the usual ones, and those that are asked for."""
    function = _call_of(pipe)
    known = inspect.signature(function).parameters
    usual = {name: wanted.get(name) for name in _BASE if name in known}
    controls = controls_for(function, {**usual, **wanted})
    for name, control in controls.items():
        if not isinstance(wanted.get(name), widgets.Widget) and isinstance(control, widgets.ValueWidget):
            control.layout = wide()
    return controls


def _call_of(pipe) -> Any:
    """Return a function with the arguments that `sweep` takes for a pipeline, for the controls."""
    known = {**known_names(pipe), **OWN_NAMES, **Parts()._asdict()}
    present = find_name(type(pipe.scheduler).__name__)
    known |= {"prompt": _PROMPT, "scheduler": present.sampler if present else None, "dtype": DTYPES[0]}

    def call(**arguments):
        """Stand for a call of the pipeline."""

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, kind, default=default) for name, default in known.items()]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__name__ = type(pipe).__name__
    return call


def _set_controls(controls: Mapping[str, widgets.Widget], values: Mapping[str, Any], where: str) -> str:
    """Set controls to values as far as they can be, and say which were set and which could not be."""
    loaded, missing = {}, []
    for name, value in values.items():
        try:
            set_value(controls[name], value)
        except Exception:  # no control, no such choice, or a kind of value that the widget does not take
            missing.append(name)
            continue
        if is_same(controls[name].value, value):
            loaded[name] = value
        else:  # such as a slider that ends before
            missing.append(name)
    text = f"Loaded {where}: {caption(loaded)}." if loaded else f"Nothing was loaded {where}."
    return f"{text} No control {where} takes {', '.join(missing)}." if missing else text


def _pictures(number: int) -> str:
    return f"{number} picture{'s' * (number != 1)}"


def _close(widget: widgets.Widget) -> None:
    """Free a widget that is not shown any more, with all in it, in the browser too."""
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()
