"""Nested dictionaries of tensors in one safetensors file: how lesson 29 keeps a training, to go on from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sdkit.errors import plain_errors
from sdkit.files import expanded, write_whole

_BETWEEN = "/"  # of the keys of the nested dictionaries, in the name of a tensor


@plain_errors
def write_tensors(path: str | Path, tensors: Mapping[Any, Any]) -> Path:
    """Write tensors, or dictionaries of tensors however nested, to a safetensors file and return its path.

    The file appears whole or not at all. Keys are written as text: `{"unet": {"bias": tensor}}` is the tensor
    `unet/bias`. Raises TypeError for what is no tensor, ValueError for a key that holds a slash.
    """
    from safetensors.torch import save

    return write_whole(path, save({name: tensor.contiguous() for name, tensor in _flat(tensors, ())}))


@plain_errors
def read_tensors(path: str | Path) -> dict[str, Any]:
    """Return what `write_tensors` has written, as nested dictionaries with keys of text.

    Raises FileNotFoundError if there is no such file, ValueError if it is damaged or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = expanded(path)
    try:
        flat = load(path.read_bytes())
    except SafetensorError as error:
        raise ValueError(f"{path} is no whole safetensors file ({error}); delete it, and begin again.") from error
    found: dict[str, Any] = {}
    for name, tensor in sorted(flat.items()):
        *outer, last = name.split(_BETWEEN)
        place = found
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ValueError(
                    f"{path} has a tensor {name!r} below another tensor; `write_tensors` writes none such."
                )
        place[last] = tensor
    return found


def _flat(tensors: Mapping[Any, Any], above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield each tensor with the keys that lead to it, joined."""
    import torch

    for key, value in tensors.items():
        if _BETWEEN in str(key):
            raise ValueError(f"a key is {key!r}; give keys without {_BETWEEN!r}.")
        keys = (*above, str(key))
        if isinstance(value, Mapping):
            yield from _flat(value, keys)
        elif isinstance(value, torch.Tensor):
            yield _BETWEEN.join(keys), value
        else:
            raise TypeError(f"{_BETWEEN.join(keys)} is of type {type(value).__name__}; give tensors.")
