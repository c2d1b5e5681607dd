"""One or two arguments varied, everything else held."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from sdkit.effects import picture_count
from sdkit.generation import check_call, generate
from sdkit.parameters import NUMBERS, PARAMETERS, NoEffectWarning, check_names, check_value, known_names
from sdkit.shots import Shots

PATIENCE = 20  # seconds a sweep may take before a progress bar appears


def sweep(pipe, prompt=None, *, seed=0, **arguments) -> Shots:
    """Make one picture for each value, or pair of values, of the arguments given as lists.

    `sweep(pipe, "a cat", guidance_scale=[1, 4, 8], seed=7)` varies guidance_scale and holds the
    rest, the seed first of all; every picture starts from the same noise. Two lists make a table:
    the first is its rows, the second its columns; `prompt` counts as first and `seed` as last.
    Arguments that are lists by nature (timesteps, sigmas) are varied by a list of lists.

    Returns `Shots` whose `axes` name what was varied. Raises ValueError for no list, more than
    two, or an empty one, and what `generate` raises, before the first picture.
    """
    # Plain text on stderr: a widget would stay in a notebook's stored outputs.
    from tqdm import tqdm

    arguments = {"prompt": prompt, **arguments, "seed": seed}
    check_names(arguments, {**known_names(pipe), "seed": 0}, type(pipe).__name__)
    axes = {name: list(value) for name, value in arguments.items() if _is_axis(name, value)}
    if not 1 <= len(axes) <= 2:
        named = ", ".join(axes) or "none"
        raise ValueError(f"{len(axes)} arguments are lists ({named}); give one or two lists of values.")
    for name, values in axes.items():
        if not values:
            raise ValueError(f"{name} is an empty list; give the values to compare.")
    held = {name: value for name, value in arguments.items() if name not in axes and value is not None}
    shots = Shots(axes=axes)
    cells = [dict(zip(axes, values)) for values in product(*axes.values())]
    with warnings.catch_warnings():  # what has no effect is said once, when the cell is made
        warnings.simplefilter("ignore", NoEffectWarning)
        for cell in cells:
            both = {**held, **cell}
            check_value("seed", both.pop("seed"))
            if picture_count(pipe, check_call(pipe, both)) != 1:
                raise ValueError("each cell of a sweep is one picture; for several, sweep the seed.")
    for cell in tqdm(cells, desc="sweep", delay=PATIENCE, leave=False):
        shots.append(replace(generate(pipe, **held, **cell)[0], label=cell))
    return shots


def _is_axis(name, value):
    if isinstance(value, str) or not isinstance(value, (Sequence, range)):
        return False
    parameter = PARAMETERS.get(name)
    if parameter is not None and parameter.kind == NUMBERS:
        return bool(value) and isinstance(value[0], Sequence)
    return name not in ("callback_on_step_end_tensor_inputs",)
