"""Pictures together with everything needed to make them again."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture and its record.

    `image` is a PIL picture (or an array or tensor slice for other output types). `settings` are
    the call's arguments for this one picture, the seed among them; `origin` names the pipeline,
    model, scheduler, device, dtype and library versions; `label` holds what a sweep varied;
    `seconds` is the share of the call's time.
    """

    image: Any
    settings: dict
    origin: dict
    label: dict = field(default_factory=dict)
    seconds: float = 0.0

    def __repr__(self):
        size = "x".join(map(str, getattr(self.image, "size", getattr(self.image, "shape", ()))))
        return f"<Shot {size}, seed {self.settings.get('seed')}>"

    def _repr_png_(self):
        return png_bytes(self.image) if hasattr(self.image, "getbands") else None


class Shots(list):
    """A list of `Shot`; `axes` maps what was varied to its values (empty for a plain call)."""

    def __init__(self, shots=(), axes=None):
        super().__init__(shots)
        self.axes = dict(axes or {})

    @property
    def images(self) -> list:
        """Return the pictures alone, as a diffusers result's `images` does."""
        return [shot.image for shot in self]

    def __repr__(self):
        varied = ", ".join(self.axes) or "nothing varied"
        return f"<{len(self)} shot{'s' * (len(self) != 1)}: {varied}>"

    def _repr_png_(self):
        if not self or not hasattr(self[0].image, "getbands"):
            return None
        if len(self) == 1:
            return self[0]._repr_png_()
        from sdkit.grid import draw_grid

        return draw_grid(self)._repr_png_()


def png_bytes(image) -> bytes:
    """Return a PIL picture as PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
