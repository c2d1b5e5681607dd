"""What a check found out about one answer, as text, as HTML and for code."""

from __future__ import annotations

from dataclasses import dataclass

from sdkit.exercises.finding import Finding
from sdkit.exercises.messages import say
from sdkit.show.html import Html, element

# Its own colours, to be read on dark pages too; words and signs say the same.
_BOX = "background:{};color:#111;border-left:4px solid {};padding:6px 10px;line-height:1.5;max-width:46em"
_LIST = "list-style:none;padding:0;margin:4px 0 0"
_COLOURS = {"waiting": ("#eef1f4", "#607080"), "right": ("#e7f4e8", "#2e7d32"), "missing": ("#fff4e0", "#b26a00")}


@dataclass(frozen=True)
class Checked:
    """What `check_answer` found: for each thing it looked at whether it is right, what is missing, and a hint.

    `lesson` and `exercise` say which one it was, `findings` what was looked at; without any the exercise is not
    answered yet. `passed` is true if all is right, and then `points` are `worth`, else 0: an exercise is small, and
    what is half right is told in words. Shows itself as a list.
    """

    lesson: str
    exercise: str
    worth: int
    findings: tuple[Finding, ...]

    @property
    def answered(self) -> bool:
        """Say whether there was an answer."""
        return bool(self.findings)

    @property
    def passed(self) -> bool:
        """Say whether there was an answer and all of it is right."""
        return self.answered and all(finding.passed for finding in self.findings)

    @property
    def points(self) -> int:
        """The points that the answer gets: all or none."""
        return self.worth if self.passed else 0

    @property
    def missing(self) -> list[str]:
        """The names of the findings that are not right."""
        return [finding.name for finding in self.findings if not finding.passed]

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        about = {"exercise": self.exercise, "worth": self.worth}
        if not self.answered:
            return say("{exercise}: not answered yet.", **about)
        if self.passed:
            return say("{exercise}: all is right. Points: {worth} of {worth}.", **about)
        return say("{exercise}: not yet. Points: 0 of {worth}.", **about)

    def __repr__(self):
        lines = [self.verdict]
        for sign, text, hint in self._lines():
            lines += [f"  {sign} {text}", *[f"    {hint}"] * bool(hint)]
        return "\n".join(lines)

    def _repr_html_(self):
        kind = "right" if self.passed else "missing" if self.answered else "waiting"
        box = _BOX.format(*_COLOURS[kind])
        items = [_item(*line) for line in self._lines()]
        found = [element("ul", *items, style=_LIST)] if items else []
        return element("div", element("b", self.verdict), *found, style=box, role="status")

    def _lines(self) -> list[tuple[str, str, str]]:
        """Return (sign, text, hint) of each finding; a hint that was given just before is not given again."""
        lines, before = [], ""
        for finding in self.findings:
            hint = finding.help and say("Hint: {hint}", hint=finding.help)
            lines.append(("✓" if finding.passed else "✗", finding.text, "" if hint == before else hint))
            before = hint
        return lines


def _item(sign: str, text: str, hint: str) -> Html:
    more = [element("br"), element("i", hint)] if hint else []
    return element("li", sign, " ", text, *more)
