"""The language that the reader wants to read, English or Japanese."""

from __future__ import annotations

import os

VARIABLE = "SDKIT_LANGUAGE"
LANGUAGES = ("en", "ja")


def language(named: str | None = None) -> str:
    """Return "en" or "ja": the one named, else the one in the environment variable SDKIT_LANGUAGE, else "en".

    Raises ValueError for others.
    """
    chosen = named or os.environ.get(VARIABLE) or "en"
    if chosen not in LANGUAGES:
        known = " or ".join(LANGUAGES)
        if named:
            raise ValueError(f"language is {chosen!r}; use {known}.")
        raise ValueError(f"the environment variable {VARIABLE} is {chosen!r}; set it to {known}, or to nothing.")
    return chosen
