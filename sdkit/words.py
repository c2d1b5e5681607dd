"""The words the built-in model was trained on, and what to do about those it was not.

Any text can be a prompt: the tokenizer takes unknown words apart into letters. But only words
from training mean something, and these are few enough to list.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cache

from sdkit.loading.pipeline import model_path

# One Latin word, one run of Japanese, or one other letter or sign (an emoji); marks and numbers mean nothing.
_PIECE = re.compile(
    r"[a-z\d]*[a-z][a-z\d]*|[\u3005\u3040-\u30ff\u3400-\u9fff]+|[\u2600-\u27bf\u2b50\U0001f300-\U0001faff]|[^\W\d_]"
)


@cache
def known_words() -> frozenset[str]:
    """Return every word of the built-in model's training captions: English, Japanese and emoji, in small letters.

    Raises FileNotFoundError if the built-in model's list is missing.
    """
    file = model_path() / "words.json"
    if not file.exists():
        raise FileNotFoundError(
            f"the list of words {file.name} is missing. It belongs to the built-in model; install the package again, "
            "or write it with training/export.py."
        )
    return frozenset(json.loads(file.read_text(encoding="utf-8")))


def unknown_words(prompt: str) -> dict[str, list[str]]:
    """Return the words of a prompt that the built-in model has never read, each with up to three near known ones.

    English counts by whole words. Japanese is written without spaces, so the longest known words
    are taken off from left to right, and what no known word covers is unknown.

    Raises TypeError if `prompt` is not a text.
    """
    if not isinstance(prompt, str):
        raise TypeError(f"prompt is a {type(prompt).__name__}; give one text.")
    found: dict[str, list[str]] = {}
    for piece in _PIECE.findall(prompt.lower()):
        for word in [piece] if piece.isascii() else _left_over(piece):
            if word not in known_words():
                found[word] = get_close_matches(word, sorted(known_words()), n=3, cutoff=0.6)
    return found


def _left_over(run: str) -> list[str]:
    """Return the parts of a run of Japanese (or an emoji) that no known word covers."""
    parts, unknown, place = [], "", 0
    while place < len(run):
        length = _longest_known(run, place)
        if length:
            parts.append(unknown)
            unknown = ""
        else:
            unknown += run[place]
        place += length or 1
    return [part for part in [*parts, unknown] if part]


def _longest_known(run: str, place: int) -> int:
    """Return the length of the longest known word that begins at a place of a run, 0 if none does."""
    longest = max(map(len, known_words()))
    for length in range(min(longest, len(run) - place), 0, -1):
        if run[place : place + length] in known_words():
            return length
    return 0
