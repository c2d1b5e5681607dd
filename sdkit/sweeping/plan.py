"""What a sweep will make: its axes, and its cells, each checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from sdkit.call.generate import check_call, copied, settings_of, settings_of_picture
from sdkit.loading.provenance import origin_of
from sdkit.parameters import NUMBERS, OWN_NAMES, PARAMETERS, check_names, check_value, known_names
from sdkit.shot import Origin, SkippedCell
from sdkit.sweeping.variants import Parts, Variants, check_parts

MAX_AXES = 3
MAX_CELLS = 100_000  # of one sweep; each is planned, and its picture kept in memory


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a sweep before it is made.

    `label` holds what varies, `arguments` the call's arguments, its seed among them; `settings`
    and `origin` are what the picture's record will say. The picture has so many `pixels`, its UNet
    runs so many `steps`, each twice if the call is `guided`.
    """

    label: dict[str, Any]
    parts: Parts
    arguments: dict[str, Any]
    settings: dict[str, Any]
    origin: Origin
    pixels: int
    steps: int
    guided: bool

    @property
    def passes(self) -> int:
        """Return how many times the UNet looks at the picture."""
        return 2 * self.steps if self.guided else self.steps


def plan_cells(
    pipe,
    variants: Variants,
    arguments: dict[str, Any],
    words: Mapping[str, Sequence[str]] | None = None,
    *,
    skip: bool = False,
) -> tuple[dict[str, list], list[Cell], list[SkippedCell]]:
    """Return a sweep's axes, its checked cells, the last axis running fastest, and those that were skipped.

    `arguments` are the call's, the seed and the parts (model, dtype, scheduler), in order; lists
    among them are axes. `words` are texts of the prompt with those that replace them. With `skip` cells
    that cannot be made are left out, unless none can. Raises TypeError or ValueError for what no
    sweep can be made of.
    """
    known = {**known_names(pipe), **OWN_NAMES, **Parts()._asdict()}
    check_names(arguments, known, type(pipe).__name__)
    if arguments.get("generator") is not None:
        raise ValueError("generator is given, but each picture of a sweep gets its own; give seed.")
    words = _checked_words(words or {}, known)
    axes = _axes(arguments, words)
    held = {name: value for name, value in arguments.items() if name not in axes and value is not None}
    held = copied(held)  # records keep them: what the caller does to a picture afterwards changes none
    groups = _groups(held, axes, words)
    cells: dict[int, Cell] = {}
    impossible: dict[int, tuple[SkippedCell, ValueError]] = {}
    for parts in dict.fromkeys(group.parts for group in groups):  # a variant may be a whole model: each is made once
        having = [group for group in groups if group.parts == parts]
        try:
            variant = variants[parts]
        except ValueError as error:
            if not skip:
                raise
            for group in having:
                impossible |= group.skipped(error)
            continue
        origin = origin_of(variant)
        for group in having:
            try:
                cells |= group.cells(variant, origin, seed_given="seed" in axes)
            except ValueError as error:
                if not skip:
                    raise
                impossible |= group.skipped(error)
    if not cells:
        raise impossible[min(impossible)][1]
    return axes, [cells[number] for number in sorted(cells)], [impossible[number][0] for number in sorted(impossible)]


def _axes(arguments, words):
    """Return {name: values} of what is varied: the prompt, texts in it, the rest in the order of the call.

    Raises ValueError unless these are one to three, each with values.
    """
    listed = {name: values for name, values in arguments.items() if _is_axis(name, values)}
    prompt = {"prompt": listed["prompt"]} if "prompt" in listed else {}
    axes = {**prompt, **words, **listed}
    if not 1 <= len(axes) <= MAX_AXES:
        found = f"{len(axes)} arguments are lists ({', '.join(axes)})" if axes else "no argument is a list of values"
        raise ValueError(f"{found}; give one to {MAX_AXES}, such as seed=range(4) or guidance_scale=[1, 4, 8].")
    for name, values in axes.items():
        if not len(values):
            raise ValueError(f"{name} is an empty list; give the values to compare.")
    count = math.prod(map(len, axes.values()))
    if count > MAX_CELLS:
        raise ValueError(
            f"the lists make {count:,} pictures, more than the {MAX_CELLS:,} of one sweep; give fewer values."
        )
    return {name: _listed(values) for name, values in axes.items()}


def _is_axis(name, value):
    """Say whether a value is a list of values to compare, and not one that is a list by nature."""
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
    """Return {text: texts that replace it} as lists; raise TypeError or ValueError for what cannot be replaced."""
    if not isinstance(words, Mapping):
        raise TypeError(f'replace is a {type(words).__name__}; give a dictionary such as {{"cat": ["cat", "dog"]}}.')
    for word, values in words.items():
        if not isinstance(word, str) or not word:
            raise TypeError(f"replace holds the key {word!r}; give a text that is in the prompt.")
        if word in known:
            raise ValueError(f"replace holds {word!r}, the name of an argument; give more of the prompt around it.")
        is_list = isinstance(values, Sequence) and not isinstance(values, str)
        if not (is_list and all(isinstance(text, str) for text in values)):
            raise TypeError(f"replace[{word!r}] is {values!r}; give a list of texts.")
    return {word: list(values) for word, values in words.items()}


@dataclass(frozen=True)
class _Group:
    """Cells whose calls differ in the seed alone, so that they are checked once.

    `arguments` are the call's without the seed; `numbers`, `labels` and `seeds` tell the cells apart.
    """

    parts: Parts
    arguments: dict[str, Any]
    numbers: list[int]
    labels: list[dict[str, Any]]
    seeds: list[Any]

    def cells(self, pipe, origin: Origin, *, seed_given: bool) -> dict[int, Cell]:
        """Return the cells by their numbers, after all checks of their call. Raises what `generate` raises."""
        call = check_call(pipe, self.arguments, seed_given=seed_given)
        if call.count != 1:
            raise ValueError("each cell of a sweep is one picture; for several, sweep the seed.")
        assert call.height and call.width, "check_call refuses start pictures of unknown size"
        settings = settings_of(call)
        made = {}
        for number, label, seed in zip(self.numbers, self.labels, self.seeds):
            check_value("seed", seed)
            made[number] = Cell(
                label=label,
                parts=self.parts,
                arguments={**call.arguments, "seed": seed},
                settings=settings_of_picture(settings, 0, {"seed": seed}),
                origin=origin,
                pixels=call.height * call.width,
                steps=call.steps,
                guided=call.guided,
            )
        return made

    def skipped(self, error: ValueError) -> dict[int, tuple[SkippedCell, ValueError]]:
        """Return what stands in the places of these cells, none of which can be made for this reason."""
        return {number: (SkippedCell(label, str(error)), error) for number, label in zip(self.numbers, self.labels)}


def _groups(held, axes, words) -> list[_Group]:
    """Return the cells of all combinations of the axes' values, in groups that differ in the seed alone."""
    seeds = axes.get("seed", [held.get("seed", 0)])
    others = {name: values for name, values in axes.items() if name != "seed"}
    seed_axis = list(axes).index("seed") if "seed" in axes else len(axes)
    strides = [math.prod(map(len, list(axes.values())[place + 1 :])) for place in range(len(axes))]
    groups = []
    for places in product(*(range(len(values)) for values in others.values())):
        label = {name: values[place] for (name, values), place in zip(others.items(), places)}
        parts, arguments = _split({**held, **label}, words)
        arguments.pop("seed", None)
        numbers, labels = [], []
        for place, seed in enumerate(seeds):
            where = [*places[:seed_axis], place, *places[seed_axis:]] if "seed" in axes else places
            numbers.append(sum(stride * at for stride, at in zip(strides, where)))
            full = {**label, "seed": seed} if "seed" in axes else label
            labels.append({name: full[name] for name in axes})
        groups.append(_Group(parts, arguments, numbers, labels, list(seeds)))
    return groups


def _split(values, words):
    """Return the parts and the call's arguments among a cell's values, with its texts put into the prompt."""
    parts = check_parts(Parts(**{name: values.get(name) for name in Parts._fields}))
    call = {name: value for name, value in values.items() if name not in Parts._fields and name not in words}
    if words:
        call["prompt"] = _replaced(call.get("prompt"), {word: values[word] for word in words})
    return parts, call


def _replaced(prompt, texts):
    """Return the prompt with texts in the place of others, all at once; raise ValueError if one is not in it."""
    for word in texts:
        if not isinstance(prompt, str) or word not in prompt:
            raise ValueError(f"replace holds {word!r}, which is not in the prompt {prompt!r}.")
    longest_first = sorted(texts, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: texts[found[0]], prompt)
