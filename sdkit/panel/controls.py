"""Which control an argument gets, by the table of parameters (core ipywidgets only, 7.7 and 8)."""

from __future__ import annotations

import inspect
from numbers import Real

import ipywidgets as widgets

from sdkit.panel.picture_controls import LABEL, MaskChoice, PictureChoice
from sdkit.parameters import CHOICE, INTEGER, NUMBER, PARAMETERS, SCHEDULERS, SIZE, SWITCH, TEXT
from sdkit.shot import in_words, is_picture

_NOTHING = inspect.Parameter.empty
# ipywidgets 7 has the help text under another name, which 8 warns about
_TOOLTIP = "tooltip" if "tooltip" in widgets.DOMWidget.class_trait_names() else "description_tooltip"


def controls_for(function, wanted: dict) -> dict:
    """Return a widget for each argument in `wanted`, or for each argument of the function if it is empty.

    Raises TypeError for arguments that the function does not take or that have no control.
    """
    if not wanted:
        wanted = {name: None for name in _arguments(function) if _has_control(function, name)}
    _check_arguments(function, wanted)
    return {name: _control(function, name, one) for name, one in wanted.items()}


def _arguments(function):
    """Return the names a function takes, each with its default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some built-in functions tell no signature
        return {}
    return {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _check_arguments(function, controls):
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return
    names = _arguments(function)
    for name in controls if not any(p.kind is p.VAR_KEYWORD for p in parameters) else ():
        if name not in names:
            said = getattr(function, "__name__", "the function")
            raise TypeError(f"{said} takes no argument {name!r}; it takes {', '.join(names)}.")


def _has_control(function, name):
    try:
        _control(function, name, None).close()
    except TypeError:
        return False
    return True


def _start(function, name):
    """Return the function's own default for an argument, else the table's."""
    default = _arguments(function).get(name, _NOTHING)
    if default is not _NOTHING:
        return default
    return PARAMETERS[name].default if name in PARAMETERS else None


def _control(function, name, wanted):
    """Return the widget for one argument; its `value` is what the function gets."""
    if isinstance(wanted, widgets.Widget):
        return wanted
    parameter, start = PARAMETERS.get(name), _start(function, name)
    common = {"description": name, "style": LABEL, "layout": widgets.Layout(width="480px")}
    if parameter:
        common[_TOOLTIP] = parameter.does
    if isinstance(wanted, (list, dict)):
        return _choice(name, wanted, start, common)
    if isinstance(wanted, tuple):
        return _slider(name, parameter, wanted, start, common)
    start = start if wanted is None else wanted
    kind = parameter.kind if parameter else None
    if kind in (INTEGER, NUMBER, SIZE) and parameter.usual:
        return _slider(name, parameter, _reaching(parameter.usual, start), start, common)
    if kind == CHOICE or name == "scheduler":
        return _choice(name, list(parameter.choices if parameter else SCHEDULERS), start, common)
    if name == "mask_image":
        picture = _start(function, "image")
        return MaskChoice(name, picture if is_picture(picture) else None, start)
    if name == "image" or is_picture(start):
        return PictureChoice(name, start)
    if kind == TEXT or isinstance(start, str):
        return widgets.Textarea(value=start or "", rows=2, continuous_update=False, **common)
    if kind == SWITCH or isinstance(start, bool):
        return widgets.Checkbox(value=bool(start), **common)
    raise TypeError(
        f"no control is known for {name}={start!r}; give (low, high), a list or dictionary of choices, or a widget."
    )


def _choice(name, wanted, start, common):
    """Return a list of choices: plain values, values by name, or pictures."""
    if isinstance(wanted, dict):
        labels, values = [str(label) for label in wanted], list(wanted.values())
    else:
        values = wanted
        labels = [f"{n}: {in_words(one)}" if is_picture(one) else str(one) for n, one in enumerate(values, 1)]
    if not values:
        raise ValueError(f"{name} has no choices; give at least one.")
    options = values if labels == list(map(str, values)) else list(zip(labels, values))
    return widgets.Dropdown(options=options, value=start if start in values else values[0], **common)


def _reaching(limits, start):
    """Return the usual limits, or wider ones if the start lies outside."""
    if start is None or isinstance(start, bool) or not isinstance(start, Real):
        return limits
    return min(limits[0], start), max(limits[1], start)


def _slider(name, parameter, limits, start, common):
    if len(limits) != 2 or not limits[0] < limits[1]:
        raise ValueError(f"{name} is {limits!r}; give (low, high) with low below high.")
    low, high = limits
    whole = parameter.kind in (INTEGER, SIZE) if parameter else all(isinstance(one, int) for one in limits)
    step = parameter.step if parameter else (1 if whole else (high - low) / 20)
    start = low if start is None else start
    if isinstance(start, bool) or not isinstance(start, Real):
        raise TypeError(f"{name} is {start!r}; give (low, high), a number to start at, or a widget.")
    value = min(max(start, low), high)
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(value=value, min=low, max=high, step=step, continuous_update=False, **common)
