"""Live controls in a notebook for any function that makes pictures."""

from sdkit.panel.panel import explore

__all__ = ["explore"]
