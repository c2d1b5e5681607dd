"""Commands that keep the notebooks in order."""
