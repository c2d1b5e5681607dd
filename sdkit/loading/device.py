"""The device that computes: a CUDA or Apple graphics card, or the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_OFFLOADING = ("_hf_hook", "_diffusers_hook")  # what accelerate and diffusers leave at modules that wait elsewhere


def usable_kinds() -> tuple[str, ...]:
    """Return the kinds of device that torch can use here, the fastest first: of "cuda", "mps" and "cpu"."""
    return tuple(kind for kind, usable in _usable().items() if usable)


def best_device() -> str:
    """Return the fastest kind of device that torch can use here: "cuda", "mps" or "cpu"."""
    return usable_kinds()[0]


def other_device(device: str) -> str | None:
    """Return another kind of device to compare with, None if there is none: the processor, or from it the fastest."""
    kind = device.split(":")[0]
    if kind != "cpu":
        return "cpu"
    return next((other for other in usable_kinds() if other != kind), None)


def check_device(device: str | torch.device) -> str:
    """Return the name of a device as torch writes it, such as "cuda:0".

    Raises ValueError if this machine's torch cannot use it, or knows no such device.
    """
    import torch

    try:
        if not isinstance(device, (str, torch.device)):
            raise TypeError  # torch takes a number for a graphics card, and without one for the processor
        named = torch.device(device)
        known = _usable().get(named.type)
        if known is None:  # torch has more kinds than these; whether one is there shows when it is used
            torch.empty(1, device=named).cpu()  # what "meta" cannot do, which has no memory
            known = True
        if named.type == "cuda" and known and (named.index or 0) >= torch.cuda.device_count():
            known = False
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ImportError):
        known = False
    if not known:
        usable = ", ".join(sorted(usable_kinds()))
        hint = 'did you mean "cuda"? ' if str(device).split(":")[0].lower() in ("gpu", "nvidia") else ""
        raise ValueError(
            f"device is {str(device)!r}, which this machine's torch cannot use; {hint}usable here: {usable}."
        )
    return str(named)


def device_of(pipe) -> torch.device:
    """Return the device that a pipeline computes on; parts that are offloaded wait elsewhere (`pipe.device`)."""
    parts = [part for part in pipe.components.values() if hasattr(part, "modules")]
    # diffusers asks each module for these, by a lookup that is slow for what is not there: 3 ms for each call.
    if any(hook in vars(module) for part in parts for module in part.modules() for hook in _OFFLOADING):
        return pipe._execution_device
    return pipe.device


def _usable():
    import torch

    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
