"""The Japanese edition, kept in step with the English one: `python -m tools.translation`."""
