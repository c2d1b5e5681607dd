"""What checks say, in the language that the environment variable SDKIT_LANGUAGE names.

English sentences stand where they are used, with {fields}; `ja/*.json` map them to Japanese ones with the same fields.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from sdkit.language import language

CATALOGUES = Path(__file__).resolve().parent


def say(sentence: str, **fields: object) -> str:
    """Return an English sentence in the reader's language, its {fields} filled in.

    A sentence that has no translation stays English; a test finds such sentences.
    """
    if language() != "en":
        sentence = catalogue(language()).get(sentence, sentence)
    return sentence.format(**fields)


@cache
def catalogue(named: str) -> dict[str, str]:
    """Return {English sentence: sentence} of a language's files."""
    sentences: dict[str, str] = {}
    for path in sorted((CATALOGUES / named).glob("*.json")):
        sentences.update(json.loads(path.read_text(encoding="utf-8")))
    return sentences
