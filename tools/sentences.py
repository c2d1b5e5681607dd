"""The sentences of checks in their code, and what their translations lack: python -m tools.sentences

A sentence stands as text in the code, as right=, missing= or hint= of a finding or as the first argument of `say`; its
translation stands in sdkit/exercises/ja/, in a file named as the module, those of no lesson in common.json.
"""

import ast
import json
import string
import sys
from pathlib import Path

from tools.lesson import LESSONS

PACKAGE = LESSONS.parent.parent / "sdkit" / "exercises"
CHECKS, JAPANESE = PACKAGE / "checks", PACKAGE / "ja"
KEYWORDS = ("right", "missing", "hint")


def sentences_of(source: str) -> list[str]:
    """Return the sentences in the code of a module; raise ValueError for one that is put together from parts."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        values = [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
        values += node.args[:1] if getattr(node.func, "id", None) == "say" else []
        for value in values:
            if isinstance(value, (ast.Name, ast.Attribute)):
                continue  # handed on from where it stands as text
            if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
                raise ValueError(f"line {value.lineno}: write the sentence as one text with {{fields}}")
            found.append(value.value)
    return list(dict.fromkeys(found))


def by_file() -> dict[Path, list[str]]:
    """Return {file of translations: the English sentences that belong there}."""
    files = {JAPANESE / f"{path.stem}.json": sentences_of(path.read_text(encoding="utf-8")) for path in modules()}
    shared = [text for path in sorted(PACKAGE.glob("*.py")) for text in sentences_of(path.read_text(encoding="utf-8"))]
    common = list(dict.fromkeys(shared))
    return {JAPANESE / "common.json": common} | {
        file: [text for text in sentences if text not in common] for file, sentences in files.items()
    }


def modules() -> list[Path]:
    """Return the modules with the lessons' checks."""
    return sorted(path for path in CHECKS.glob("*.py") if path.stem != "__init__")


def problems() -> list[str]:
    """Return what the translations lack: sentences that are missing or no longer used, and fields that differ."""
    found: list[str] = []
    before: dict[str, str] = {}
    for file, sentences in by_file().items():
        translated = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        found += [f"{file.name} lacks {text!r}" for text in sentences if not translated.get(text)]
        found += [f"{file.name} has {text!r}, which no check says" for text in translated if text not in sentences]
        found += [
            f"{file.name}: the fields of {text!r} are not those of its translation"
            for text in sentences
            if translated.get(text) and fields(text) != fields(translated[text])
        ]
        found += [
            f"{file.name} translates {text!r} otherwise than another file"
            for text, words in translated.items()
            if before.setdefault(text, words) != words
        ]
    return found


def fields(sentence: str) -> set[tuple[str, str]]:
    """Return the {fields} of a sentence, each with how it is to be written."""
    return {(name, form or "") for _, name, form, _ in string.Formatter().parse(sentence) if name is not None}


def main() -> int:
    """Print what the translations lack and return 1 if that is something."""
    lacks = problems()
    print("\n".join(lacks))
    return int(bool(lacks))


if __name__ == "__main__":
    sys.exit(main())
