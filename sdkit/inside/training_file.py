"""A training's state in one safetensors file, so that it can be stopped at any time and goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdkit.errors import plain_errors
from sdkit.files import expanded
from sdkit.inside.tensor_file import read_tensors, write_tensors

_OPTIMIZER, _LOSSES = "optimizer", "losses"


@plain_errors
def save_training(path: str | Path, *, losses: Sequence[float], optimizer: Any, **networks: Any) -> Path:
    """Write what a training needs to go on, whole or not at all, and return the path.

    That is the weights of the `networks`, each under its name; what the `optimizer` remembers of earlier steps; and
    the loss of each step so far, which also says how many there were. The optimizer's settings, such as its
    learning rate, are not kept: the code that trains gives them.
    """
    import torch

    tensors = {name: network.state_dict() for name, network in networks.items()}
    tensors[_OPTIMIZER] = optimizer.state_dict()["state"]
    tensors[_LOSSES] = torch.tensor(losses, dtype=torch.float64)
    return write_tensors(path, tensors)


@plain_errors
def load_training(path: str | Path, *, optimizer: Any, **networks: Any) -> list[float]:
    """Bring the networks and the optimizer to the state that `save_training` wrote, and return the losses so far.

    Where there is no file nothing changes, and there are no losses: the training begins. Raises ValueError for a file
    of other networks or a damaged one.
    """
    path = expanded(path)
    if not path.exists():
        return []
    found = read_tensors(path)
    parts = {_LOSSES, *networks}
    if set(found) - {_OPTIMIZER} != parts:
        raise ValueError(
            f"{path} holds {', '.join(sorted(found))} and not {', '.join(sorted(parts))}; give the file of this "
            "training, or another name to begin anew."
        )
    try:
        for name, network in networks.items():
            network.load_state_dict(found[name])
    except RuntimeError as error:
        raise ValueError(f"{path} is of another network ({error}); give another name to begin anew.") from error
    moments = {int(number): moment for number, moment in found.get(_OPTIMIZER, {}).items()}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return found[_LOSSES].tolist()
