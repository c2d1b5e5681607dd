"""How much larger than usual a notebook shows pictures, grids and panels, for a room with a projector."""

from __future__ import annotations

import os

NAME = "SDKIT_ZOOM"
LARGEST = 3


def zoom() -> float:
    """Return the number in the environment variable SDKIT_ZOOM, from 1 to 3; 1 where it is not set.

    Raises ValueError for anything else.
    """
    text = os.environ.get(NAME, "").strip() or "1"
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= LARGEST:
        raise ValueError(f"the environment variable {NAME} is {text!r}; give a number from 1 (as usual) to {LARGEST}.")
    return factor
