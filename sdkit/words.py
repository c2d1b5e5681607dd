"""The words the built-in model was trained on, and what to do about those it was not; marks of other programs.

Any text can be a prompt: the tokenizer takes unknown words apart into letters. But only words
from training mean something, and these are few enough to list. What other programs read as a command,
such as the weight in "(cat:1.3)", is letters to diffusers as well.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from sdkit.errors import plain_errors
from sdkit.loading.locate import BUILT_IN_FOLDER

# One Latin word, one run of Japanese, or one other letter or sign (an emoji); marks and numbers mean nothing.
_PIECE = re.compile(
    r"[a-z\d]*[a-z][a-z\d]*|[\u3005\u3040-\u30ff\u3400-\u9fff]+|[\u2600-\u27bf\u2b50\U0001f300-\U0001faff]|[^\W\d_]"
)


_LONG = 7  # letters, of words in which two slips are taken for slips


class Mark(NamedTuple):
    """A part of a prompt that another program reads as a command: the text as it stands, and what to do instead."""

    text: str
    instead: str


_WEIGHT = "leave the marks out; for weights, pass prompt_embeds made with another library, such as compel"
_STRONGER = "leave the marks out; to stress something, say it earlier or twice"
_ONE_TEXT = "write one description, or pass prompt_embeds"
# Compiled at their first use. Each reads a text in linear time: from any place it looks no further than the next
# bracket or 30 letters.
_MARKS = (
    # (cat:1.3), not (16:9) or (a happy cat :3)
    (r"\([^()]*?[^()\d](?:\s?:\s?[+-]?\d?\.\d+|(?<!\s):[+-]?\d\.?)\s?\)", _WEIGHT),
    (r"\({2}[^()]+\){2}", _STRONGER),
    (r"\({1,3}[^()]+\){1,3}\s?:\s?[+-]?\d?\.\d+\s?\)", _WEIGHT),  # ((cat):1.3)
    (r"\({3,9}[^()]+$", _STRONGER),  # never closed
    (r"\[[^][]+\]", _STRONGER),
    (r"\{{2}[^{}]+\}{2}", _STRONGER),
    (r"\{[^{}|]+\|[^{}]+\}", "give each text to sweep in a list"),
    (r"(?<!\w)__[^\W_]+(?:[-/_][^\W_]+)*__(?!\w)", "give each text to sweep in a list"),
    (r"\([^()]+\)(?:\+{1,9}|-{1,9}|\d\.\d+)(?!\w)", _WEIGHT),
    (r"[^\W\d_]{2,30}(?:\+{2,9}|-{2,9})(?![\w+-])", _WEIGHT),  # cat++, not C++
    (r"(?<![\w.])-?\d?\.?\d{1,9}::[^:]{1,200}::", _WEIGHT),  # 1.2::cat::
    (r"(?<!::)\b[^\W\d]\w{0,30}::(?:-?\d?\.?\d{1,9})?(?=\s|$)", _ONE_TEXT),  # cat::2 dog::1
    (r"<(?:wildcard|random)\b[^<>]*>", "give each text to sweep in a list"),
    (r"<(?:lora|lyco|locon|hypernet)\b[^<>]*>", "call pipe.load_lora_weights(...) and leave it out"),
    (r"(?<!\w)embedding:[\w./-]+", "call pipe.load_textual_inversion(...) and write the embedding's own token"),
    (r"(?<![\w\"'])(?:AND|BREAK|AND_[A-Z]{2,9})(?![\w\"'])", _ONE_TEXT),
    (r"\.(?:and|blend|swap)\(", _ONE_TEXT),
    (r"(?<!\S)--(?:ar|v|no|niji|seed|stylize|style|chaos|tile|iw|q|s)(?!\w)", "give it as an argument of the call"),
)

# The wide brackets and signs of a Japanese keyboard.
_NARROW = str.maketrans("（）［］｛｝＜＞：＋．｜", "()[]{}<>:+.|")


def marks_of_other_programs(prompt: str) -> list[Mark]:
    """Return what other programs would read as a command in a prompt, and diffusers reads as letters.

    Weights ("(cat:1.3)", "((blue))", "[blue]", "cat++", "1.2::cat::"), "<lora:name:1>", AND and BREAK in capitals,
    choices ("{cat|dog}", "__animal__") and the like, also in the wide signs of a Japanese keyboard. Ordinary
    brackets, emoji, words in capitals and a single plus are none.

    Sources: the pages on prompts of AUTOMATIC1111's web UI, of compel, and of sd-dynamic-prompts.
    """
    narrow = prompt.translate(_NARROW)  # as long as the prompt
    found = [
        Mark(prompt[match.start() : match.end()], instead)
        for pattern, instead in _MARKS
        for match in re.finditer(pattern, narrow)
        if _is_mark(match.group(), prompt)
    ]
    return list(dict.fromkeys(found))


def _is_mark(text, prompt):
    if text.isupper() and text.isidentifier():  # in a prompt all in capitals AND is a word like the others
        return any(letter.islower() for letter in prompt)
    if text.startswith("["):  # "[1]" is a footnote
        return any(letter.isalpha() for letter in text)
    return True


@cache
def known_words() -> frozenset[str]:
    """Return every word of the built-in model's training captions: English, Japanese and emoji, in small letters.

    Raises FileNotFoundError if the built-in model's list is missing.
    """
    file = BUILT_IN_FOLDER / "words.json"
    if not file.exists():
        raise FileNotFoundError(
            f"the list of words {file.name} is missing. It belongs to the built-in model; install the package again, "
            "or write it with training/export.py."
        )
    return frozenset(json.loads(file.read_text(encoding="utf-8")))


@plain_errors
def unknown_words(prompt: str) -> dict[str, list[str]]:
    """Return the words of a prompt that the built-in model has never read, each with up to three near known ones.

    English counts by whole words. Japanese is written without spaces, so the longest known words
    are taken off from left to right, and what no known word covers is unknown. What another program would
    read as a command, such as "(cat:1.3)", is unknown too, and the known words in it are near.

    Raises TypeError if `prompt` is not a text.
    """
    if not isinstance(prompt, str):
        raise TypeError(f"prompt is a {type(prompt).__name__}; give one text.")
    found: dict[str, list[str]] = {
        mark.text: [word for word in _PIECE.findall(mark.text.lower()) if word in known_words()][:3]
        for mark in marks_of_other_programs(prompt)
    }
    for piece in _PIECE.findall(prompt.lower()):
        for word in [piece] if piece.isascii() else _left_over(piece):
            if word not in known_words():
                found[word] = _near(word)
    return found


def _near(word: str) -> list[str]:
    """Return up to three known words spelled much like a word; words that name nothing, such as "by", help nobody."""
    names = sorted(known for known in known_words() if len(known) > 2 or not known.isascii())
    # One letter of three is a third of a word; of a longer word less may differ, or "photo" would mean a ghost.
    alike = get_close_matches(word, names, n=len(names), cutoff=0.6 if len(word) < 4 else 0.7)
    # Of these only slips of the pen: "bees" has most letters of "best", and is another word.
    most = 1 if len(word) < _LONG else 2
    return [name for name in alike if _slips(word, name) <= most][:3]


def _slips(one: str, other: str) -> int:
    """Return how many slips make one word of another: a letter too many, left out, replaced, or swapped with the next.

    This is the optimal string alignment distance (Damerau 1964, "A technique for computer detection and correction of
    spelling errors").
    """
    rows = [list(range(len(other) + 1))]  # row i: from the first i letters of one to the first 0, 1, 2 ... of the other
    for i, letter in enumerate(one, 1):
        before, row = rows[-1], [i]
        for j, wanted in enumerate(other, 1):
            fewest = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != wanted))
            if min(i, j) > 1 and (one[i - 2], letter) == (wanted, other[j - 2]):
                fewest = min(fewest, rows[-2][j - 2] + 1)
            row.append(fewest)
        rows.append(row)
    return rows[-1][-1]


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
