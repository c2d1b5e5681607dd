"""Check that what a function was given is a pipeline, and has the parts that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdkit.parameters import short

_NEEDED = ("unet", "vae", "scheduler", "tokenizer", "text_encoder")


def check_present(pipe: Any, parts: Sequence[str] = _NEEDED) -> None:
    """Raise TypeError if a pipeline is none of Stable Diffusion, or lacks one of `parts` (by default a call's)."""
    if not all(hasattr(pipe, part) for part in parts):
        raise TypeError(f"pipe is {short(pipe)}; give a Stable Diffusion pipeline, such as load_pipeline() returns.")
    for part in parts:
        if getattr(pipe, part) is None:
            raise TypeError(f"pipe.{part} is None; set it, for example to another pipeline's.")
