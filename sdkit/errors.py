"""Errors and warnings of sdkit as a user sees them: the own line and the sentence that says what to do, no frames."""

from __future__ import annotations

import copy
import dis
import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = str(Path(__file__).parent)
# What says all in its sentence. Others, such as the one of a sweep that failed on its way, are shown with their causes.
_PLAIN = (ValueError, TypeError, LookupError, OSError, ImportError, MemoryError)
_RAISE = dis.opmap["RAISE_VARARGS"]


def plain_errors(function: Function) -> Function:
    """Let what a public function of sdkit refuses be shown in a notebook by the user's line and the sentence alone.

    The error stays what it is: IPython asks an error whether it shows itself, and this adds the answer to those that
    a `raise` in sdkit made. Errors of other libraries, of the user's own functions, and by accident are shown whole,
    and so is everything outside of notebooks; `sys.last_value.__traceback__` has all frames.
    """

    @wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except _PLAIN as error:
            if _is_raised_here(error):
                error._render_traceback_ = partial(_shown, error)  # type: ignore[union-attr]
            raise

    return cast(Function, call)


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of the line that called sdkit, however deep in sdkit the reason was found."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_code):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_raised_here(error: BaseException) -> bool:
    """Say whether a `raise` in sdkit made an error, on purpose."""
    frames = _frames(error)
    last = frames[-1]
    code = last.tb_frame.f_code
    return _is_ours(code) and code.co_code[last.tb_lasti] == _RAISE


def _shown(error: BaseException) -> list[str]:
    """Return the lines that IPython shows of an error: its traceback up to the call of sdkit, without its causes."""
    from IPython import get_ipython

    shell = get_ipython()
    users: TracebackType | None = None
    for frame in reversed(_before_ours(_frames(error))):
        users = TracebackType(users, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    alone = copy.copy(error)
    alone.__cause__ = alone.__context__ = None  # Dask makes copies keep their causes
    if users is None:
        return shell.InteractiveTB.get_exception_only(type(alone), alone)
    return shell.InteractiveTB.structured_traceback(type(alone), alone, users, tb_offset=0)


def _frames(error: BaseException) -> list[TracebackType]:
    """Return the frames of an error's traceback, the one that raised it last."""
    frames, frame = [], error.__traceback__
    while frame:
        frames.append(frame)
        frame = frame.tb_next
    return frames


def _before_ours(frames: list[TracebackType]) -> list[TracebackType]:
    """Return the frames before the first of sdkit, without those of IPython, which runs the cell."""
    ours = next((number for number, frame in enumerate(frames) if _is_ours(frame.tb_frame.f_code)), len(frames))
    return [frame for frame in frames[:ours] if not frame.tb_frame.f_globals.get("__name__", "").startswith("IPython.")]


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGE)
