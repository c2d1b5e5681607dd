"""The way into the denoising loop for one who watches it, such as a panel with its bar and its stop button.

`generate`, and all that uses it, reports here; without a watcher that costs nothing. A function
that calls a pipeline itself may report as well: `pipe(**watched(pipe, arguments))`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from sdkit.parameters import short


class Watcher(Protocol):
    """What is told of pipeline calls. Both methods may raise `StoppedError`."""

    def begin(self, pipe, arguments: dict[str, Any]) -> None:
        """Take note that a pipeline is about to be called."""

    def step(self, pipe, index: int, latents) -> None:
        """Take note that denoising step `index` is done; `latents` are (pictures, channels, height, width)."""


# A context variable, since the function that is watched passes nothing on; other threads do not see it.
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


class StoppedError(KeyboardInterrupt):
    """A watcher has stopped the work. What keeps its results on an interrupt keeps them here too."""


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Report the pipeline calls made inside the block to `watcher`."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def watched(pipe, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a pipeline's call, with a callback for the present watcher if there is one.

    A callback among the arguments is still called, with the tensors it asks for, and what it returns is
    checked: TypeError if it is no dictionary, ValueError if a name in it is no tensor of the pipeline's.
    """
    watcher, theirs = _watcher.get(), arguments.get("callback_on_step_end")
    if watcher is not None:
        watcher.begin(pipe, arguments)
    elif theirs is None:
        return arguments
    asked = arguments.get("callback_on_step_end_tensor_inputs") or []
    asked = asked if "callback_on_step_end_tensor_inputs" in arguments else ["latents"]
    asked = getattr(theirs, "tensor_inputs", asked)  # diffusers' own callback classes bring their names

    def each_step(pipe, index, timestep, tensors):
        changed = {}
        if theirs is not None:
            changed = theirs(pipe, index, timestep, {name: tensors[name] for name in asked})
            _check_returned(pipe, changed, tensors["latents"])
        if watcher is not None:
            watcher.step(pipe, index, changed.get("latents", tensors["latents"]))
        return changed

    names = list(dict.fromkeys(["latents", *asked]))
    return {**arguments, "callback_on_step_end": each_step, "callback_on_step_end_tensor_inputs": names}


def _check_returned(pipe, changed, latents) -> None:
    """Raise TypeError or ValueError for what diffusers cannot take from a callback, called with these latents."""
    import torch

    wanted = "return the dictionary that it got, with the tensors that shall change, or {} to change nothing"
    if not isinstance(changed, dict):
        returned = "nothing" if changed is None else f"a {type(changed).__name__}"
        raise TypeError(f"callback_on_step_end returned {returned}; {wanted}.")
    unknown = [name for name in changed if name not in pipe._callback_tensor_inputs]
    if unknown:
        raise ValueError(
            f"callback_on_step_end returned {short(unknown[0])}, which diffusers would not read; "
            f"known are {', '.join(pipe._callback_tensor_inputs)}."
        )
    for name, value in changed.items():
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"callback_on_step_end returned {short(value)} as {name}; give a torch tensor.")
    made = changed.get("latents", latents)
    for what in ("shape", "dtype", "device"):
        if getattr(made, what) != getattr(latents, what):
            raise ValueError(
                f"callback_on_step_end returned latents whose {what} is {_plain(getattr(made, what))}; "
                f"it must stay {_plain(getattr(latents, what))}."
            )


def _plain(value):
    return tuple(value) if isinstance(value, tuple) else value
