"""docs/terms.md, the one list of Japanese terms, as rules for textlint's prh."""

import re
from dataclasses import dataclass
from pathlib import Path

TERMS = Path(__file__).resolve().parents[2] / "docs" / "terms.md"
LONG_MARK = "ー"


@dataclass(frozen=True)
class Term:
    """A thing by its English and its Japanese name, with the forms that are not used, as JavaScript's patterns."""

    english: str
    japanese: str
    refused: tuple[str, ...]


def read_terms(path: str | Path = TERMS) -> list[Term]:
    """Return the terms of the page's table; raise ValueError for a line that has not three cells."""
    lines = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    terms = []
    for line in lines[2:]:  # below the names of the columns
        # A pattern may hold a bar; elsewhere one ends a cell.
        cells = [cell.strip() for cell in re.split(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line)[1:-1]]
        if len(cells) != 3:
            raise ValueError(
                f"a line of {path} has {len(cells)} cells, not English, Japanese and what is not used: {line}"
            )
        english, japanese, refused = cells
        forms = [form.strip() for form in refused.split(",") if form.strip()]
        terms.append(Term(english, japanese, tuple(_pattern(form, japanese) for form in forms)))
    return terms


def prh_rules(terms: list[Term]) -> str:
    """Return the terms as a rule file for prh, in YAML."""
    lines = ["version: 1", "rules:"]
    for term in terms:
        if term.refused:
            patterns = "".join(f"\n      - {pattern}" for pattern in term.refused)
            lines.append(f"  - expected: {_first(term.japanese)}\n    patterns:{patterns}\n    prh: {term.english}")
    return "\n".join(lines) + "\n"


def _first(japanese: str) -> str:
    """Return the word itself out of "内蔵モデル; at first ..."."""
    return japanese.split(";")[0].strip()


def _pattern(form: str, japanese: str) -> str:
    form = form.strip("`")
    if form.startswith("/"):
        return form
    missing = f"(?!{LONG_MARK})" if any(word == form + LONG_MARK for word in re.split(r"[;, ]+", japanese)) else ""
    return f"/{re.escape(form)}{missing}/"
