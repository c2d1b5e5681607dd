"""What a sweep will make: its axes, its cells, each checked, and what they cost."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from sdkit.call.check_together import guidance_is_on, picture_count
from sdkit.call.generate import check_call, origin_of, settings_of, settings_of_one
from sdkit.parameters import NUMBERS, PARAMETERS, check_names, check_value, known_names
from sdkit.sweeping.variants import Parts, Variants, check_parts

MOST_AXES = 3


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sweep before it is made.

    `label` holds what varies, `arguments` the call's arguments, its seed among them; `settings`
    and `origin` are what the picture's record will say; `work` is in arbitrary units of time.
    """

    label: dict
    parts: Parts
    arguments: dict
    settings: dict
    origin: dict
    work: float


@dataclass(frozen=True)
class Plan:
    """What a sweep costs: pictures in all, those already there, seconds for the rest, and memory.

    `seconds` is None where nothing was measured; `memory` is bytes: the weights and all pictures.
    The work space of one call comes on top of it.
    """

    pictures: int
    there: int
    seconds: float | None
    memory: int

    def __repr__(self):
        there = f" ({self.there} already there)" if self.there else ""
        seconds = "unknown time" if self.seconds is None else f"about {duration(self.seconds)}"
        return f"<Plan: {self.pictures} pictures{there}, {seconds}, {self.memory / 1e6:.0f} MB of weights and pictures>"


def duration(seconds: float) -> str:
    """Say seconds in words: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def plan_cells(pipe, variants: Variants, arguments: dict, words=None) -> tuple[dict, list[Cell]]:
    """Return a sweep's axes and its checked cells, the last axis running fastest.

    `arguments` are the call's, the seed and the parts (model, dtype, scheduler), in order; lists
    among them are axes. `words` are texts of the prompt with those that replace them.
    """
    known = {**known_names(pipe), "seed": 0, **Parts()._asdict()}
    check_names(arguments, known, type(pipe).__name__)
    if arguments.get("generator") is not None:
        raise ValueError("generator is given, but each picture of a sweep gets its own; give seed.")
    axes = {name: _listed(values) for name, values in arguments.items() if _is_axis(name, values)}
    words = _checked_words(words or {}, known)
    axes = {**{name: axes.pop(name) for name in ("prompt",) if name in axes}, **words, **axes}
    if not 1 <= len(axes) <= MOST_AXES:
        named = ", ".join(axes) or "none"
        raise ValueError(f"{len(axes)} arguments are lists ({named}); give one to {MOST_AXES} lists of values.")
    for name, values in axes.items():
        if not values:
            raise ValueError(f"{name} is an empty list; give the values to compare.")
    held = {name: value for name, value in arguments.items() if name not in axes and value is not None}
    labels = [dict(zip(axes, values)) for values in product(*axes.values())]
    wanted = [_arguments_of({**held, **label}, words) for label in labels]
    cells: list = [None] * len(labels)
    for parts in dict.fromkeys(parts for parts, _ in wanted):  # a variant may be a whole model: each is made once
        variant = variants[parts]
        origin = origin_of(variant)
        for place, (its_parts, call) in enumerate(wanted):
            if its_parts == parts:
                cells[place] = _cell(variant, labels[place], parts, call, origin, "seed" in axes)
    return axes, cells


def _is_axis(name, value):
    if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist"):  # such as numpy.linspace(1, 9, 5)
        return not _is_list_by_nature(name)
    if isinstance(value, str) or not isinstance(value, Sequence):
        return False
    if _is_list_by_nature(name):
        return bool(value) and isinstance(value[0], Sequence)
    return name != "callback_on_step_end_tensor_inputs"


def _listed(values):
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _is_list_by_nature(name):
    return name in PARAMETERS and PARAMETERS[name].kind == NUMBERS


def _checked_words(words, known):
    if not isinstance(words, Mapping):
        raise TypeError(f'replace is a {type(words).__name__}; give a dictionary such as {{"cat": ["cat", "dog"]}}.')
    for word, values in words.items():
        if not isinstance(word, str) or not word:
            raise TypeError(f"replace holds the key {word!r}; give a text that is in the prompt.")
        if word in known:
            raise ValueError(f"replace holds {word!r}, the name of an argument; give more of the prompt around it.")
        if isinstance(values, str) or not isinstance(values, Sequence) or not all(isinstance(v, str) for v in values):
            raise TypeError(f"replace[{word!r}] is {values!r}; give a list of texts.")
    return {word: list(values) for word, values in words.items()}


def _arguments_of(values, words):
    """Return a cell's parts and call arguments."""
    parts = check_parts(Parts(**{name: values.pop(name, None) for name in Parts._fields}))
    swapped = {word: values.pop(word) for word in words}
    if swapped:
        prompt = values.get("prompt")
        for word in swapped:
            if not isinstance(prompt, str) or word not in prompt:
                raise ValueError(f"replace holds {word!r}, which is not in the prompt {prompt!r}.")
        longest_first = sorted(swapped, key=len, reverse=True)
        values["prompt"] = re.sub("|".join(map(re.escape, longest_first)), lambda hit: swapped[hit[0]], prompt)
    return parts, values


def _cell(pipe, label, parts, arguments, origin, seed_given):
    call = dict(arguments)
    seed = call.pop("seed", 0)
    check_value("seed", seed)
    check_call(pipe, call, seed_given=seed_given)
    if picture_count(pipe, call) != 1:
        raise ValueError("each cell of a sweep is one picture; for several, sweep the seed.")
    settings = settings_of_one(settings_of(pipe, call), 0, {"seed": seed})
    return Cell(label, parts, {**call, "seed": seed}, settings, origin, _work(pipe, settings))


def _work(pipe, settings):
    """Return what a picture's time goes with: UNet calls times pixels."""
    own = [settings[name] for name in ("timesteps", "sigmas") if settings.get(name) is not None]
    steps = len(own[0]) if own else settings["num_inference_steps"]
    area = (settings.get("height") or 1) * (settings.get("width") or 1)
    called = {name: value for name, value in settings.items() if value is not None}
    return max(1, steps * settings.get("strength", 1.0)) * (2 if guidance_is_on(pipe, called) else 1) * area


def memory_of(pipe, cells) -> int:
    """Return the bytes of the weights, a changed copy included, and of all pictures as 8-bit RGB."""
    weights = sum(one.numel() * one.element_size() for part in _modules(pipe) for one in part.parameters())
    copies = 2 if any(cell.parts.model or cell.parts.dtype for cell in cells) else 1
    side = pipe.unet.config.sample_size
    usual = math.prod((side, side) if isinstance(side, int) else side) * pipe.vae_scale_factor**2
    area = sum((cell.settings.get("height") or 0) * (cell.settings.get("width") or 0) or usual for cell in cells)
    return weights * copies + 3 * area


def _modules(pipe):
    return [part for part in pipe.components.values() if hasattr(part, "parameters")]
