"""The lessons, and a reader's own copies of them: `python -m sdkit.lessons`."""
