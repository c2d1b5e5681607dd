"""One thing that a check looked at: is it right, what is missing, and a hint."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdkit.exercises.messages import say


@dataclass(frozen=True)
class Finding:
    """One thing that a check looked at.

    `name` is a short name for it, the same in every language, such as "background"; `passed` says whether it is right.
    `right` and `missing` are the sentences for both cases and `hint` what may help, English ones with {fields}, which
    `fields` fill in. `text` and `help` are what the reader gets to see.
    """

    name: str
    passed: bool
    right: str
    missing: str
    hint: str
    fields: dict[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What is right, or what is missing, in the reader's language."""
        sentence = self.right if self.passed else self.missing
        return say(sentence, **self.fields)

    @property
    def help(self) -> str:
        """The hint in the reader's language; nothing where all is right."""
        return "" if self.passed else say(self.hint, **self.fields)


class Refused(Exception):
    """Ends a check: the answer is nothing that the rest of it could look at. `finding` says why."""

    def __init__(self, finding: Finding):
        super().__init__(finding.name)
        self.finding = finding


def finding(name: str, passed: object, /, *, right: str, missing: str, hint: str, **fields: object) -> Finding:
    """Return a `Finding`; `fields` are what stands for the {fields} in its sentences."""
    return Finding(name, bool(passed), right, missing, hint, fields)


def refuse(name: str, *, missing: str, hint: str, **fields: object) -> Refused:
    """Return the exception that ends a check with one finding: `raise refuse("picture", missing=..., hint=...)`."""
    return Refused(Finding(name, False, "", missing, hint, fields))
