"""textlint over the Japanese prose: `python -m tools.textlint`."""
