"""Answers as a check can use them; what is of another kind is said in a plain sentence, and the check ends."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from sdkit.exercises.finding import refuse
from sdkit.shot import Shot, is_picture

_LARGEST = 1e30  # of a number that is an answer; beyond it Python's own sums begin to fail


def picture_of(answer: Any) -> Any:
    """Return the PIL picture of an answer: a picture, a shot, or a list that holds one of them."""
    alone = _alone_of(answer)
    picture = getattr(alone, "image", alone)
    if not is_picture(picture):
        raise refuse(
            "picture",
            missing="The answer is of the type {kind}, not a picture.",
            hint="Give the picture itself, such as pipe(...).images[0], or a shot of sd.generate(...).",
            kind=kind_of(answer),
        )
    return picture


def shot_of(answer: Any) -> Shot:
    """Return an answer that is a shot with a PIL picture, alone or in a list."""
    alone = _alone_of(answer)
    if not isinstance(alone, Shot) or not is_picture(alone.image):
        raise refuse(
            "shot",
            missing="The answer is of the type {kind}, not a shot: the settings of the picture are missing.",
            hint="Make it with sd.generate(...), which returns shots: pictures with their settings.",
            kind=kind_of(answer),
        )
    return alone


def pictures_of(answer: Any, count: int) -> list[Any]:
    """Return an answer's PIL pictures, of which there must be `count`."""
    if not isinstance(answer, (list, tuple)) or len(answer) != count:
        raise refuse(
            "pictures",
            missing="A list of {count} pictures is expected; this is of the type {kind}.",
            hint="Collect the pictures in a list, in the order that the task gives.",
            count=count,
            kind=kind_of(answer),
        )
    return [picture_of(entry) for entry in answer]


def pipeline_of(answer: Any) -> Any:
    """Return an answer that is a pipeline: something with a UNet, a VAE and a text encoder."""
    if any(getattr(answer, part, None) is None for part in ("unet", "vae", "text_encoder")):
        raise refuse(
            "pipeline",
            missing="The answer is of the type {kind}, not a pipeline.",
            hint="Give the pipeline itself, as sd.load_pipeline() returns it.",
            kind=kind_of(answer),
        )
    return answer


def number_of(answer: Any) -> float:
    """Return an answer that is a number."""
    value = answer.item() if getattr(answer, "shape", None) == () else answer  # numpy's and torch's numbers
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST:
        raise refuse(
            "number",
            missing="The answer is of the type {kind}, not a number.",
            hint="Give one plain number, without quotes or brackets.",
            kind=kind_of(answer),
        )
    return value


def whole_of(answer: Any) -> int:
    """Return an answer that is a whole number."""
    value = number_of(answer)
    if value != int(value):
        raise refuse(
            "number",
            missing="{value} is no whole number.",
            hint="Give a number without a decimal point.",
            value=value,
        )
    return int(value)


def text_of(answer: Any) -> str:
    """Return an answer that is a text."""
    if not isinstance(answer, str):
        raise refuse(
            "text",
            missing="The answer is of the type {kind}, not a text.",
            hint='Give a text in quotes, such as "a cat".',
            kind=kind_of(answer),
        )
    return answer


def chosen_of(answer: Any, choices: tuple[str, ...]) -> str:
    """Return an answer that is one of some texts; capital letters and blanks around it do not count."""
    if not isinstance(answer, str):
        raise refuse(
            "choice",
            missing="The answer is of the type {kind}, not one of the texts {choices}.",
            hint="Write one of them in quotes.",
            kind=kind_of(answer),
            choices=", ".join(choices),
        )
    text = answer.strip().lower()
    if text not in choices:
        raise refuse(
            "choice",
            missing='"{text}" is none of the choices: {choices}.',
            hint="Copy one of the choices, letter by letter.",
            text=text,
            choices=", ".join(choices),
        )
    return text


def choices_of(answer: Any, choices: tuple[str, ...]) -> set[str]:
    """Return an answer that is a list of some of these texts, in any order, as a set."""
    example = '["{}", "{}"]'.format(*choices)
    if not isinstance(answer, (list, tuple, set)) or not all(isinstance(entry, str) for entry in answer):
        raise refuse(
            "list",
            missing="The answer is of the type {kind}, not a list of texts in quotes.",
            hint="A list of two texts looks like {example}.",
            kind=kind_of(answer),
            example=example,
        )
    if not answer:
        raise refuse(
            "list",
            missing="The list is empty.",
            hint="A list of two texts looks like {example}.",
            example=example,
        )
    return {chosen_of(entry, choices) for entry in answer}


def table_of(answer: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return an answer that is a dictionary with these keys, and perhaps more."""
    if isinstance(answer, dict) and not set(names) <= set(answer):
        raise refuse(
            "keys",
            missing="In the dictionary there is no key {names}.",
            hint="Keep the keys of the task and fill in the values.",
            names=", ".join(name for name in names if name not in answer),
        )
    if not isinstance(answer, dict):
        raise refuse(
            "keys",
            missing="A dictionary with the keys {names} is expected; this is of the type {kind}.",
            hint="Keep the keys of the task and fill in the values.",
            names=", ".join(names),
            kind=kind_of(answer),
        )
    return {name: answer[name] for name in names}


def called(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call an answer that is a function, and return what it returns; its exceptions are told, not raised."""
    if not callable(function) or isinstance(function, type) or hasattr(function, "unet"):  # a pipeline can be called
        raise refuse(
            "function",
            missing="The answer is of the type {kind}, not a function.",
            hint="Give the name of your function without brackets, so that the check can call it.",
            kind=kind_of(function),
        )
    try:
        return function(*args, **kwargs)
    except Exception as error:
        line, told = _line_of(error, function), f"{type(error).__name__}: {error}"[:300]
        if line is None:
            raise refuse(
                "error",
                missing="Your function raised {error}.",
                hint="Call it yourself in a new cell: there Python shows the whole way to the error.",
                error=told,
            ) from error
        raise refuse(
            "error",
            missing="Your function raised {error} in its line {line}.",
            hint="Call it yourself in a new cell: there Python shows the whole way to the error.",
            error=told,
            line=line,
        ) from error


def returned(value: Any, read: Callable[..., Any], *args: Any) -> Any:
    """Return what `read`, one of the functions above, makes of what a function returned; None is told as such."""
    if value is None:
        raise refuse(
            "return",
            missing="Your function returned nothing (None).",
            hint="End it with a line return ..., outside of loops.",
        )
    return read(value, *args)


def kind_of(value: Any) -> str:
    """Name a value's type in Python's words, which need no translation: "str", "list (3)", "PIL.Image"."""
    if is_picture(value):
        return "PIL.Image"
    name = type(value).__name__
    return f"{name} ({len(value)})" if isinstance(value, (list, tuple)) else name


def _alone_of(answer: Any) -> Any:
    """Return what a list of one holds; refuse a list of several pictures or shots, and return all else as it is."""
    if not isinstance(answer, (list, tuple)) or not answer:
        return answer
    if len(answer) > 1 and all(is_picture(getattr(entry, "image", entry)) for entry in answer):
        raise refuse(
            "alone",
            missing="The answer holds {count} pictures. One is asked for.",
            hint="Give one of them, such as the first: add [0].",
            count=len(answer),
        )
    return answer[0] if len(answer) == 1 else answer


def _line_of(error: Exception, function: Any) -> int | None:
    """Return the number of the last line of a function's own file that an error went through, or None."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None
