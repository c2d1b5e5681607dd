"""An axis of a grid: a menu of what can be varied, and a line of text for the values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from sdkit.call.check_together import takes_clip_skip
from sdkit.call.resolve import resolve
from sdkit.loading.adapters import adapters_of
from sdkit.loading.provenance import source_of
from sdkit.panel.axis_text import narrow, read_numbers, read_texts
from sdkit.panel.picture_controls import CONTROL_WIDTH, LABEL_STYLE
from sdkit.parameters import INTEGER, NUMBER, NUMBERS, OWN_NAMES, PARAMETERS, SIZE, TEXT, check_value, known_names
from sdkit.schedulers import usual_name
from sdkit.shot import in_words
from sdkit.show.html import Html, element, status
from sdkit.sweeping.variants import Parts, check_parts

REPLACE = "search and replace"  # of words in the prompt
NONE = "(none)"
_PARTS = Parts._fields  # scheduler, dtype, model: varied by name
_NAMED = ("scheduler", "dtype")  # names that are known, unlike the path of a model
_TYPED = (TEXT, INTEGER, NUMBER, SIZE, NUMBERS)  # kinds whose values can be written in a line
_ONE_PICTURE = "num_images_per_prompt"  # each cell of a sweep is one picture
_SHOWN_LETTERS = 60  # of the values that are read from a text
_EXAMPLES: Mapping[str, str] = {
    "prompt": "a cat, a dog, a house",
    "negative_prompt": '"", red, blue',
    "num_inference_steps": "5, 10, 20, 50",
    "timesteps": '"999, 666, 333", "999, 499"',
    "sigmas": '"14.6, 3, 0.5", "14.6, 1"',
    "guidance_scale": "1, 4, 7.5, 15",
    "eta": "0-1 [3]",
    "guidance_rescale": "0-1 [3]",
    "clip_skip": "0, 1",
    "strength": "0.2-1 (0.2)",
    "padding_mask_crop": "0, 16, 32",
    "seed": "0-2",
    "lora_scale": "0-1 [3]",
    "scheduler": "DDIM, Euler a, DPM++ 2M Karras",
    "dtype": "float32, bfloat16",
}
_OTHER_WORDS = ("cat", "dog", "house")
_HELP = (
    ("1, 2, 5", "these values"),
    ("1-5", "1, 2, 3, 4, 5"),
    ("1-5 (+2)", "in steps: 1, 3, 5"),
    ("10-1 (-3)", "downwards: 10, 7, 4, 1"),
    ("1-10 [5]", "five values from 1 to 10"),
    ("DDIM, Euler a", "names and texts, with commas between them"),
    ('"red, blue", green', "a text with a comma in it, in quotes"),
    ("cat, dog, house", "search and replace: the first is looked for in the prompt, and each is put in its place"),
)


def names_that_vary(pipe) -> list[str]:
    """Return what can be an axis with this pipeline: arguments of its call, parts by name, texts in the prompt."""
    known = {**known_names(pipe), **OWN_NAMES}
    left_out = {_ONE_PICTURE}
    left_out |= set() if takes_clip_skip(pipe) else {"clip_skip"}
    left_out |= set() if adapters_of(pipe) else {"lora_scale"}
    typed = [name for name in PARAMETERS if name in known and PARAMETERS[name].kind in _TYPED and name not in left_out]
    return [REPLACE, *_PARTS[::-1], *typed] if "prompt" in typed else [*_PARTS[::-1], *typed]


def example(pipe, name: str, prompt: str) -> str:
    """Return values for an axis to start with; `prompt` is the one whose words are replaced."""
    if name == REPLACE:
        word = next(iter(re.findall(r"[^\W\d_]{3,}", prompt)), prompt.strip() or "cat")
        return ", ".join([word, *(other for other in _OTHER_WORDS if other != word)][:3])
    if name == "model":
        return f'"{source_of(pipe).name or "built-in"}"'
    if name in ("height", "width"):
        side = size_of(pipe)[name]
        return ", ".join(str(round(side * share / 8) * 8) for share in (0.75, 1, 1.25))
    return _EXAMPLES.get(name, "0-1")


def size_of(pipe) -> dict[str, int]:
    """Return the height and width that a call of this pipeline has by itself, where its call takes them."""
    if "height" not in known_names(pipe):
        return {}
    call = resolve(pipe, {"prompt": ""})
    return {"height": call.height or 0, "width": call.width or 0}


def read_values(name: str, text: str) -> list[Any]:
    """Return the values that a text gives for an axis, each as `sweep` takes it, twice the same ones too.

    For `REPLACE` the first is the text that is searched. Raises ValueError, in words, for what cannot be read
    and for values that the argument cannot have.
    """
    kind = PARAMETERS[name].kind if name in PARAMETERS else TEXT
    if kind == NUMBERS or name in _NAMED:  # a prompt stays as it was written
        text = narrow(text)
    if kind in (INTEGER, SIZE):
        values: list[Any] = read_numbers(text, whole=True)
    elif kind == NUMBER:
        values = read_numbers(text)
    elif kind == NUMBERS:
        values = [read_numbers(entry, whole=name == "timesteps") for entry in read_texts(text)]
    else:
        values = read_texts(text)
    if not values:
        raise ValueError(f"{name} has no values; write some, such as {_EXAMPLES.get(name, '1, 2, 5')}.")
    if name == REPLACE and (len(values) < 2 or not values[0]):
        raise ValueError("write the text to look for, and others to put in its place: cat, dog, house.")
    return [_checked(name, value) for value in values]


def _checked(name: str, value: Any) -> Any:
    """Return a value in its usual spelling; raise ValueError if the argument cannot have it."""
    try:
        check_value(name, value)
        if name == "scheduler":
            return usual_name(value)
        if name in _PARTS:
            check_parts(Parts(**{name: value}))
    except (TypeError, ImportError) as error:  # one kind for whoever only shows it
        raise ValueError(str(error)) from error
    return value


def wide() -> widgets.Layout:
    """Return the layout of a control that is as wide as its column."""
    return widgets.Layout(width="auto", max_width=CONTROL_WIDTH, min_width="0")


class AxisChoice(widgets.VBox):
    """A menu, a line for the values, and below them what was read, or why it cannot be.

    `role` is what the axis is in the grid, such as "rows". `name` is what was chosen, None for nothing. `values`
    are those in the text, each once, [] where there are none or `error` says why they cannot be read. `changed()` is
    called whenever that changes.
    """

    def __init__(self, pipe, role: str, name: str | None, prompt: widgets.Widget | None):
        self._pipe, self._prompt = pipe, prompt
        self.values: list[Any] = []
        self.error: ValueError | None = None
        # The text is read when it is left or Enter is pressed: a half-written range is no error.
        self.menu = widgets.Dropdown(
            options=[NONE, *names_that_vary(pipe)],
            value=name or NONE,
            description=role,
            style=LABEL_STYLE,
            layout=wide(),
        )
        self.text = widgets.Text(
            description=f"{role[:-1]} values",
            placeholder="1, 2, 5 or 1-10 [5] or 1-5 (+2)",
            continuous_update=False,
            style=LABEL_STYLE,
            layout=wide(),
        )
        self.said = widgets.HTML(layout=widgets.Layout(max_width="480px", margin="0 2px 6px"))
        super().__init__([self.menu, self.text, self.said], layout=widgets.Layout(min_width="0"))
        self.changed: Callable[[], None] = lambda: None
        self.menu.observe(self._suggest, names="value")
        self.text.observe(self._read, names="value")
        self._suggest()

    @property
    def name(self) -> str | None:
        """Return what varies along this axis, None for nothing."""
        return None if self.menu.value == NONE else self.menu.value

    def choose(self, name: str | None, text: str) -> None:
        """Set the menu and the line of values."""
        self.menu.value = name or NONE
        self.text.value = text

    def _suggest(self, _: object = None) -> None:
        """Put an example into the line of values."""
        is_axis = self.name is not None
        self.text.layout.display = None if is_axis else "none"
        prompt = str(getattr(self._prompt, "value", ""))
        text = example(self._pipe, self.name, prompt) if self.name else ""
        if text == self.text.value:
            self._read()
        else:
            self.text.value = text

    def _read(self, _: object = None) -> None:
        """Read the values, say which they are, or why they cannot be read, and tell that they have changed."""
        self._take_values()
        self.changed()

    def _take_values(self) -> None:
        self.values, self.error = [], None
        if self.name is None:
            self.said.value = ""
            return
        try:
            values = read_values(self.name, self.text.value)
        except ValueError as error:
            self.error = error
            self.said.value = problem(str(error))
            return
        for value in values:
            if value not in self.values:
                self.values.append(value)
        text = status(_in_words(self.name, self.values, len(values) - len(self.values)))
        self.said.value = element("div", text, style="line-height:1.3;opacity:.8;overflow-wrap:anywhere")


def problem(text: str) -> Html:
    """Return what is wrong, in a box; a screen reader speaks it at once."""
    style = "border-left:4px solid #d32f2f;padding:2px 8px;margin:0;line-height:1.3;overflow-wrap:anywhere"
    return element("p", text, role="alert", style=style)


def _in_words(name: str, values: list[Any], repeated: int) -> str:
    """Say which values were read, how many, and that repeated ones count once."""
    listed = _listed([f'"{v}"' if isinstance(v, str) and "," in v else in_words(v) for v in values])
    text = f"{len(values)} values: {listed}" if len(values) > 1 else f"one value: {listed}; nothing to compare"
    if name == REPLACE:
        text = f"{values[0]!r} in the prompt becomes {listed}"
    return f"{text} ({repeated} repeated, made once)" if repeated else text


def _listed(entries: list[str]) -> str:
    """Return a list in a line; of a long one the first entries, as many as there is room for, and the last."""
    entries = [entry if len(entry) <= _SHOWN_LETTERS else f"{entry[: _SHOWN_LETTERS - 1]}…" for entry in entries]
    whole = ", ".join(entries)
    if len(whole) <= _SHOWN_LETTERS or len(entries) < 3:
        return whole
    fitting = (number for number in range(1, len(entries) - 1) if len(", ".join(entries[:number])) <= _SHOWN_LETTERS)
    return f"{', '.join(entries[: max(fitting, default=1)])}, ..., {entries[-1]}"


def notation() -> Html:
    """Return a table, folded, of how values are written."""
    rows = [element("tr", element("td", element("code", left)), element("td", right)) for left, right in _HELP]
    table = element("table", *rows, style="line-height:1.4")
    return element("details", element("summary", "how to write values"), table)
