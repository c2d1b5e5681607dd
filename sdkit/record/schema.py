"""The one check of a record after `json.loads`: what came from a stranger's file is used only if it passes here.

It looks at types, sizes and names, before anything is decoded, loaded or called. The values of a call's
arguments are then checked by `sdkit.parameters`, as those of a caller are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sdkit.loading.memory import BYTES
from sdkit.parameters import NUMBERS, PARAMETERS, TEXT, check_value, short
from sdkit.record.encoding import LOST, decode, is_lost

FAMILY = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
MAX_LETTERS = 1_000_000  # of a prompt
_MAX_JSON_MARKS = 2 * MAX_LETTERS + 100_000  # brackets and commas; those in the two prompts are counted too
_MAX_DEPTH = 12
_MAX_ENTRIES = 10_000  # of a list or table
MAX_STEPS = 1000  # of own timesteps or noise levels
_MAX_INTEGER = 10**9
_MAX_SECONDS = 10_000_000  # that a picture took: four months
_MAX_TRAINING_STEPS = 10_000  # a scheduler keeps tables of this length
# What a record holds beside the pipeline's arguments, and arguments that no record holds.
_GENERATOR = ("generator_state", "generator_device")
_ARGUMENTS = {*PARAMETERS, *_GENERATOR} - {"return_dict", "lora_scale"}


class _Rule(NamedTuple):
    """What an entry of a table must be: a test, the same in words, and whether the table may lack it."""

    is_right: Callable[[Any], bool]
    wanted: str
    needed: bool = True


def parse_record(text: str) -> dict[str, Any]:
    """Return the record in a text: {"settings", "origin"}, and "seconds", "stored", "problem" if they are there.

    Its values are those of JSON, tensors and pictures still encoded. Raises ValueError if anything in it is not
    as `save_picture` writes it.
    """
    marks = sum(map(text.count, "[{,"))
    if marks > _MAX_JSON_MARKS:
        raise ValueError(f"it has {marks:,} lists, tables and commas; at most {_MAX_JSON_MARKS:,} are read.")
    try:
        record = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {_MAX_DEPTH} deep.") from error
    _check_depth(record, _MAX_DEPTH)
    _check(record, "record", _RECORD)
    _check(record["origin"], "origin", _ORIGIN)
    _check(record["origin"]["model"], "model", _MODEL)
    _check(record["origin"]["scheduler"], "scheduler", _SCHEDULER)
    unknown = sorted(name for name in record["settings"] if name not in _ARGUMENTS)
    if unknown:
        raise ValueError(f"no pipeline takes the setting {short(unknown[0])}.")
    if "seed" not in record["settings"]:
        raise ValueError("the settings have no seed.")
    origin = {name: value for name, value in record["origin"].items() if name in _ORIGIN}
    return {**{name: value for name, value in record.items() if name in _RECORD}, "origin": origin}


def settings_of_record(encoded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a parsed record, decoded. Raises ValueError for a value that no call of one picture has.

    What a file cannot keep stays {"not_recorded": its kind}.
    """
    settings = decode(dict(encoded))
    for name, value in settings.items():
        if is_lost(value):
            if not _is_note(value):
                raise ValueError(f"{name} is {short(value)}, neither a value nor a note that it is not there.")
        elif name in _GENERATOR:
            _check({name: value}, "settings", {name: _STATES[name]})
        elif value is not None or name not in ("image", "mask_image"):  # the pipelines' default for "not given"
            _check_setting(name, value)
    return settings


def _check_setting(name, value):
    try:
        check_value(name, value)
    except TypeError as error:
        raise ValueError(str(error)) from error
    kind = PARAMETERS[name].kind
    if kind == TEXT and not (value is None or _is_text(MAX_LETTERS)(value)):
        raise ValueError(f"{name} is {short(value)}; one picture has one text of at most {MAX_LETTERS:,} letters.")
    if kind == NUMBERS and value is not None and len(value) > MAX_STEPS:
        raise ValueError(f"{name} has {len(value):,} entries; at most {MAX_STEPS:,} are read.")
    if name == "num_images_per_prompt" and value != 1:
        raise ValueError(f"num_images_per_prompt is {value}; the record of one picture says 1.")
    if name == "output_type" and value != "pil":
        raise ValueError(f'output_type is {value!r}; a picture in a file was made with "pil".')
    if name == "cross_attention_kwargs" and not _is_value(value):
        raise ValueError(f"cross_attention_kwargs is {short(value)}; give names with numbers, texts or tensors.")


def _check(values, place, rules):
    """Raise ValueError if a table lacks what it needs or has a wrong entry; entries without a rule are ignored."""
    if not isinstance(values, dict):
        raise ValueError(f"its {place} is {short(values)}; it must be a table of names and values.")
    for name, rule in rules.items():
        if name in values and not rule.is_right(values[name]):
            raise ValueError(f"{name} in its {place} is {short(values[name])}; it must be {rule.wanted}.")
        if name not in values and rule.needed:
            raise ValueError(f"its {place} has no {name}.")


def _check_depth(value, left):
    """Raise ValueError if lists and tables are nested deeper than `left`, or one of them is too long."""
    if not isinstance(value, (list, dict)):
        return
    if not left:
        raise ValueError(f"it is nested more than {_MAX_DEPTH} deep.")
    if len(value) > _MAX_ENTRIES:
        raise ValueError(f"it has a list or table of {len(value):,} entries; at most {_MAX_ENTRIES:,} are read.")
    for entry in value.values() if isinstance(value, dict) else value:
        _check_depth(entry, left - 1)


def _is_text(most: int = 500) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _is_name(value) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z]\w{0,99}", value) is not None


def _is_number(value) -> bool:
    """Say whether a value is a number; infinite ones are, since schedulers have such limits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return not math.isnan(value) if isinstance(value, float) else abs(value) <= _MAX_INTEGER


def _is_plain(value) -> bool:
    return value is None or isinstance(value, bool) or _is_number(value) or _is_text()(value)


def _is_value(value) -> bool:
    """Say whether a decoded value is plain, a tensor or picture, or lists and tables of such."""
    if isinstance(value, dict):
        return all((_is_text(100)(key) or _is_number(key)) and _is_value(entry) for key, entry in value.items())
    return _is_list_of(_is_value)(value) if isinstance(value, list) else _is_plain(value) or not _is_json(value)


def _is_json(value) -> bool:
    return isinstance(value, (bool, int, float, str))


def _is_list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _is_table_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(_is_text(100)(name) and is_right(entry) for name, entry in value.items())
    )


def _is_table(value) -> bool:
    return isinstance(value, dict)


def _is_config(value) -> bool:
    """Say whether a value is a scheduler's configuration: plain values, or lists of numbers, for its own arguments."""
    if not _is_table_of(lambda entry: _is_plain(entry) or _is_list_of(_is_number)(entry))(value):
        return False
    steps = value.get("num_train_timesteps", 1)
    own_names = not any(name.startswith("_") for name in value)
    return own_names and isinstance(steps, int) and 1 <= steps <= _MAX_TRAINING_STEPS


def _is_digest(value) -> bool:
    """Say whether a value is a SHA-256 in hex digits, or None for numbers that could not be read."""
    return value is None or (isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None)


def _is_adapters(value) -> bool:
    """Say whether a value is a table of adapters; early versions wrote the strength of each alone."""
    if not isinstance(value, dict) or not all(_is_text(100)(name) and "." not in name for name in value):
        return False
    rules = {
        "tensors": _is_digest,
        "strengths": _is_table_of(_is_finite),
        "fused": lambda fused: isinstance(fused, bool),
    }
    return all(
        _is_finite(entry)
        or (isinstance(entry, dict) and set(entry) == set(rules) and all(rules[key](entry[key]) for key in rules))
        for entry in value.values()
    )


def _is_finite(value) -> bool:
    return _is_number(value) and math.isfinite(value)


def _is_note(value) -> bool:
    """Say whether a value is the note about something that a file cannot keep, or a list or table with such notes."""
    if isinstance(value, list):
        return True
    if LOST not in value:
        return all(_is_note(entry) for entry in value.values() if is_lost(entry))
    return set(value) == {LOST} and _is_text()(value[LOST])


def _is_state(value) -> bool:
    """Say whether a value is the state of a torch generator, as a tensor of bytes."""
    return value is None or (str(getattr(value, "dtype", "")) == "torch.uint8" and value.ndim == 1)


_TEXT = _Rule(_is_text(), "a text of at most 500 letters")
_TEXT_OR_NONE = _Rule(lambda value: value is None or _is_text()(value), "a text of at most 500 letters, or null")
_TEXTS = _Rule(_is_list_of(_is_text()), "a list of texts", needed=False)
_RECORD = {
    "settings": _Rule(_is_table, "a table of arguments"),
    "origin": _Rule(_is_table, "a table"),
    "seconds": _Rule(
        lambda value: _is_number(value) and 0 <= value < _MAX_SECONDS, "a number of seconds", needed=False
    ),
    "stored": _Rule(_is_table_of(_is_plain), "a table of texts", needed=False),
    "problem": _Rule(_is_text(), "a text of at most 500 letters", needed=False),
}
_ORIGIN = {
    "pipeline": _Rule(lambda value: value in FAMILY, f"one of {', '.join(FAMILY)}"),
    "model": _Rule(_is_table, "a table"),
    "scheduler": _Rule(_is_table, "a table"),
    "attention": _TEXTS,
    "device": _TEXT,
    "dtype": _Rule(
        lambda value: value in [f"torch.{name}" for name in BYTES], f"one of torch.{', torch.'.join(BYTES)}"
    ),
    "versions": _Rule(_is_table_of(_is_text()), "a table of texts"),
    "machine": _Rule(_is_table_of(_is_plain), "a table of numbers and texts", needed=False),
    "state": _Rule(_is_table_of(_is_table_of(_is_text())), "tables of texts", needed=False),
    "adapters": _Rule(_is_adapters, "a table of adapters, with their strengths and 64 hex digits", needed=False),
    "words": _Rule(_is_table_of(_is_digest), "a table of 64 hex digits", needed=False),
    "unknown": _TEXTS,
    "stored": _Rule(_is_table_of(_is_plain), "a table of texts", needed=False),  # where early sweeps wrote it
}
_MODEL = {
    "name": _TEXT_OR_NONE,
    "revision": _TEXT_OR_NONE,
    "fingerprint": _Rule(
        lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value) is not None, "16 hex digits"
    ),
}
_SCHEDULER = {
    "class": _Rule(_is_name, "the name of a class"),
    "config": _Rule(
        _is_config,
        f"a table of the scheduler's arguments: numbers, texts and lists of numbers, "
        f"num_train_timesteps from 1 to {_MAX_TRAINING_STEPS:,}",
    ),
}
_STATES = {
    "generator_state": _Rule(_is_state, "the state of a torch generator"),
    "generator_device": _Rule(_is_name, 'the name of a device, such as "cuda"'),
}
