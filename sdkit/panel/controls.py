"""Which control an argument gets, by the table of parameters (core ipywidgets only, 7.7 and 8)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from math import isfinite
from numbers import Real
from typing import Any

import ipywidgets as widgets

from sdkit.panel.picture_controls import CONTROL_WIDTH, LABEL_STYLE, MaskChoice, PictureChoice
from sdkit.parameters import CHOICE, INTEGER, PARAMETERS, SIZE, SWITCH, TEXT, short
from sdkit.schedulers import SCHEDULERS
from sdkit.shot import in_words, is_picture, is_same

LARGEST_SEED = 2**32 - 1  # that has noise of its own; a browser's numbers are exact up to 2**53
# ipywidgets 7 has the help text under another name, which 8 warns about
TOOLTIP = "tooltip" if "tooltip" in widgets.DOMWidget.class_trait_names() else "description_tooltip"
_NOTHING = inspect.Parameter.empty


def controls_for(function: Callable, wanted: dict[str, Any]) -> dict[str, widgets.Widget]:
    """Return a widget for each argument in `wanted`, or for each argument of the function if it is empty.

    A control's `value` is what the function gets. Raises TypeError for arguments that the function does
    not take or that have no control, ValueError for limits or choices that leave nothing to choose.
    """
    if not wanted:
        wanted = {name: None for name in _arguments(function) if _has_usual_control(function, name)}
    _check_arguments(function, wanted)
    return {name: _control(function, name, choice) for name, choice in wanted.items()}


def _arguments(function: Callable) -> dict[str, Any]:
    """Return the names a function takes, each with its default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some built-in functions tell no signature
        return {}
    return {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _check_arguments(function: Callable, names: dict[str, Any]) -> None:
    """Raise TypeError for names that a function does not take, as far as it tells its signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = _arguments(function)
    for name in names:
        if name not in known:
            called = getattr(function, "__name__", "the function")
            raise TypeError(f"{called} takes no argument {name!r}; it takes {', '.join(known)}.")


def _has_usual_control(function: Callable, name: str) -> bool:
    """Say whether an argument gets a control unasked: not a slider where None, which it cannot be set to, is usual."""
    try:
        control = _control(function, name, None)
    except TypeError:
        return False
    control.close()
    is_slider = isinstance(control, (widgets.IntSlider, widgets.FloatSlider))
    return not (is_slider and _arguments(function)[name] is None)


def _start(function: Callable, name: str) -> Any:
    """Return the function's own default for an argument, else the table's."""
    default = _arguments(function).get(name, _NOTHING)
    if default is not _NOTHING:
        return default
    return PARAMETERS[name].default if name in PARAMETERS else None


def _control(function: Callable, name: str, wanted: Any) -> widgets.Widget:
    """Return the widget for one argument: what is wanted, or what the table gives for its name and start."""
    if isinstance(wanted, widgets.Widget):
        return wanted
    start = _start(function, name)
    if isinstance(wanted, (list, dict)):
        return _choice(name, wanted, start)
    if isinstance(wanted, tuple):
        return _slider(name, wanted, start)
    if name == "mask_image":
        picture = _start(function, "image")
        return MaskChoice(name, picture if is_picture(picture) else None, start if wanted is None else wanted)
    return _usual_control(name, start if wanted is None else wanted)


def _usual_control(name: str, start: Any) -> widgets.Widget:
    """Return the widget that the table gives for a name, or that the value to start with asks for."""
    parameter = PARAMETERS.get(name)
    kind = parameter.kind if parameter else None
    is_seed = start is None or (isinstance(start, int) and not isinstance(start, bool) and 0 <= start <= LARGEST_SEED)
    if name == "seed" and is_seed:
        return widgets.BoundedIntText(value=start or 0, min=0, max=LARGEST_SEED, **_common(name))
    if parameter and parameter.usual:
        return _slider(name, _widened(parameter.usual, start), start)
    if parameter and kind == CHOICE:
        return _choice(name, list(parameter.choices), start)
    if name == "scheduler":
        return _choice(name, list(SCHEDULERS), start)
    if name == "image" or is_picture(start):
        return PictureChoice(name, start)
    if kind == TEXT and not isinstance(start, str | None):
        raise TypeError(f"{name} is {short(start)}; give a text to start with, a list of choices, or a widget.")
    if kind == TEXT or isinstance(start, str):
        lines = (start or "").count("\n") + 1
        if lines > 1:
            return widgets.Textarea(value=start, rows=lines, continuous_update=False, **_common(name))
        return _line(name, start or "")
    if kind == SWITCH or isinstance(start, bool):
        return widgets.Checkbox(value=bool(start), **_common(name))
    raise TypeError(
        f"no control is known for {name}={start!r}; give (low, high), a list or dictionary of choices, or a widget."
    )


def _line(name: str, start: str) -> widgets.Text:
    """Return a line of text, as wide as its column allows."""
    common = _common(name)
    common["style"] = {"description_width": "initial"}  # a name no wider than it is leaves room for a prompt
    return widgets.Text(value=start, placeholder="press Enter when done", continuous_update=False, **common)


def _common(name: str) -> dict[str, Any]:
    """Return what the widgets of all kinds are made with."""
    common = {"description": name, "style": LABEL_STYLE, "layout": widgets.Layout(width=CONTROL_WIDTH)}
    if name in PARAMETERS:
        common[TOOLTIP] = PARAMETERS[name].does
    return common


def _widened(limits: tuple[float, float], start: Any) -> tuple[float, float]:
    """Return the limits, moved outward to a number that lies beyond them."""
    is_number = isinstance(start, Real) and not isinstance(start, bool)
    return (min(limits[0], start), max(limits[1], start)) if is_number else limits


def _choice(name: str, wanted: list | dict, start: Any) -> widgets.Widget:
    """Return a list of choices: plain values, values by name, or pictures."""
    if isinstance(wanted, dict):
        labels, values = [str(label) for label in wanted], list(wanted.values())
    else:
        values = wanted
        labels = [
            f"{number}: {in_words(value)}" if is_picture(value) else str(value)
            for number, value in enumerate(values, 1)
        ]
    if not values:
        raise ValueError(f"{name} has no choices; give at least one.")
    options = values if labels == list(map(str, values)) else list(zip(labels, values))
    chosen = _same_or_first(start, values)
    control = widgets.Dropdown(options=options, value=chosen, equals=is_same, **_common(name))
    if chosen is None:  # which ipywidgets takes for no choice
        control.index = values.index(None)
    return control


def set_value(control: widgets.Widget, value: Any) -> None:
    """Set a control to a value; a choice of tensors by its place, since ipywidgets looks for the value with `==`."""
    if isinstance(control, widgets.Dropdown):
        control.index = next(place for place, (_, choice) in enumerate(control._options_full) if is_same(choice, value))
    else:
        control.value = value


def _same_or_first(start: Any, values: list) -> Any:
    """Return the value that equals `start`, the first one if none does; tensors and arrays equal only themselves."""
    return next((value for value in values if is_same(value, start)), values[0])


def _slider(name: str, limits: tuple, start: Any) -> widgets.Widget:
    """Return a slider from low to high, in steps of a third number if there is one, as ipywidgets' interact takes it.

    It runs over whole numbers if the table says so, or if all numbers given are such.
    """
    wanted = "give (low, high) or (low, high, step), low below high and step above 0"
    if not all(isinstance(number, Real) and not isinstance(number, bool) for number in limits):
        raise TypeError(f"{name} is {limits!r}; {wanted}, all of them numbers; for choices give a list.")
    is_range = len(limits) in (2, 3) and limits[0] < limits[1] and all(step > 0 for step in limits[2:])
    if not is_range or not all(map(isfinite, limits)):
        raise ValueError(f"{name} is {limits!r}; {wanted}, none of them infinite.")
    low, high = limits[:2]
    parameter = PARAMETERS.get(name)
    if parameter:
        whole, step = parameter.kind in (INTEGER, SIZE), parameter.step
    else:
        whole = all(isinstance(number, int) for number in limits)
        step = 1 if whole else (high - low) / 20
    step = limits[2] if len(limits) == 3 else step
    start = low if start is None else start
    if isinstance(start, bool) or not isinstance(start, Real):
        raise TypeError(f"{name} is {start!r}; give (low, high), a number to start at, or a widget.")
    value = min(max(start, low), high)
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, continuous_update=False, **_common(name))
