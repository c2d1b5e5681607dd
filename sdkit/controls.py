"""Live controls for any function that makes pictures (core ipywidgets only, 7.7 and 8)."""

from __future__ import annotations

import base64
import inspect
from html import escape
from numbers import Real

from sdkit.parameters import CHOICE, INTEGER, NUMBER, PARAMETERS, SIZE, SWITCH, TEXT
from sdkit.shots import Shot, Shots, png_bytes

PANEL_CLASS = "sdkit-panel"


def explore(function, **controls):
    """Return a panel that calls `function` with the values of its controls when its button is pressed.

    Each keyword names an argument of `function` and says how it is chosen: a pair (low, high) is
    a slider, a list is a choice, a single value starts the control that the table of parameters
    gives for that name (`None` takes the usual start), a widget is used as it is. The function
    may return a picture, a shot, shots or a grid. Errors appear in the panel, in words.

    The panel's children are the controls in the order given, the button, and the view.
    Raises TypeError for names the function does not take.
    """
    import ipywidgets as widgets

    _check_arguments(function, controls)
    chosen = {name: _control(widgets, function, name, wanted) for name, wanted in controls.items()}
    button = widgets.Button(description="generate", button_style="primary", icon="play", tooltip="make the picture")
    view = widgets.HTML(layout=widgets.Layout(min_height="240px"))

    def press(_):
        button.disabled, button.description = True, "working"
        try:
            values = {name: control.value for name, control in chosen.items()}
            view.value = _as_html(function(**values), values)
        except Exception as error:  # whatever the function raises is shown, and the panel stays usable
            view.value = f'<p role="alert"><b>{escape(type(error).__name__)}</b>: {escape(str(error))}</p>'
        finally:
            button.disabled, button.description = False, "generate"

    button.on_click(press)
    panel = widgets.VBox([*chosen.values(), button, view])
    panel.add_class(PANEL_CLASS)
    return panel


def _check_arguments(function, controls):
    taken = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in taken) or not hasattr(function, "__code__"):
        return
    names = [p.name for p in taken]
    for name in controls:
        if name not in names:
            raise TypeError(f"{function.__name__} takes no argument {name!r}; it takes {', '.join(names)}.")


def _start(function, name):
    """Return the function's own default for an argument, else the table's."""
    try:
        default = inspect.signature(function).parameters[name].default
    except (KeyError, ValueError):
        default = inspect.Parameter.empty
    if default is not inspect.Parameter.empty:
        return default
    return PARAMETERS[name].default if name in PARAMETERS else None


def _control(widgets, function, name, wanted):
    """Return the widget for one argument."""
    if isinstance(wanted, widgets.Widget):
        return wanted
    common = {"description": name, "style": {"description_width": "160px"}, "layout": widgets.Layout(width="480px")}
    start = _start(function, name)
    if isinstance(wanted, list):
        return widgets.Dropdown(options=wanted, value=start if start in wanted else wanted[0], **common)
    parameter = PARAMETERS.get(name)
    if isinstance(wanted, tuple):
        return _slider(widgets, name, parameter, wanted, start, common)
    if wanted is None:
        wanted = start
    kind = parameter.kind if parameter else None
    if kind in (INTEGER, NUMBER, SIZE) and parameter.usual:
        return _slider(widgets, name, parameter, parameter.usual, wanted, common)
    if kind == TEXT or isinstance(wanted, str):
        return widgets.Textarea(value=wanted or "", rows=2, continuous_update=False, **common)
    if kind == SWITCH or isinstance(wanted, bool):
        return widgets.Checkbox(value=bool(wanted), **common)
    if kind == CHOICE:
        return widgets.Dropdown(options=parameter.choices, value=wanted or parameter.choices[0], **common)
    raise TypeError(f"no control is known for {name}={wanted!r}; give (low, high), a list of choices, or a widget.")


def _slider(widgets, name, parameter, limits, start, common):
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


def _as_html(made, values):
    """Show what a function returned as pictures with text for those who cannot see them."""
    if isinstance(made, Shots) and not made.axes:
        return "".join(_figure(shot.image, _said({**values, "seed": shot.settings.get("seed")})) for shot in made)
    said = _said(values)
    if isinstance(made, Shot):
        return _figure(made.image, said)
    if hasattr(made, "_repr_png_") or hasattr(made, "getbands"):
        return _figure(made, said)
    return f"<pre>{escape(str(made))}</pre>"


def _said(values):
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _figure(picture, said):
    small = hasattr(picture, "getbands") and picture.width <= 128
    data = png_bytes(picture) if hasattr(picture, "getbands") else picture._repr_png_()
    source = base64.b64encode(data).decode()
    style = "width:192px;image-rendering:pixelated" if small else "max-width:100%"
    return (
        '<figure style="display:inline-block;margin:4px">'
        f'<img alt="{escape(said, quote=True)}" style="{style}" src="data:image/png;base64,{source}">'
        f"<figcaption>{escape(said)}</figcaption></figure>"
    )
