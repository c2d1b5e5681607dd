"""Run textlint over notebooks and Markdown files.

A notebook is read as one Markdown text in which a comment names each cell; so are files that have such comments.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sdkit.files import write_whole
from tools.cells import MARK, marked_text
from tools.japanese import shape_problems
from tools.textlint.terms import prh_rules, read_terms

HOME = Path(__file__).resolve().parent
ROOT = HOME.parents[1]
CONFIGURATION, RULES, MODULES = HOME / ".textlintrc.yaml", HOME / "prh.yml", HOME / "node_modules"
NODE = 20

# textlint passes over HTML with all the prose in it. Lines stay lines, so that places are right.
FOLD = re.compile(r"</?details>|<summary>.*?</summary>")
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)
SYMBOLS = re.compile(r"\$(?=\S)([^$`\n]+)(?<=\S)\$")


class NoNpmError(RuntimeError):
    """npm is not there, or could not install."""


@dataclass(frozen=True)
class Finding:
    """What textlint found: the file, the cell or None, the line (of the cell or file, from 1), the rule, the words."""

    file: Path
    cell: str | None
    line: int
    rule: str
    words: str

    def __str__(self) -> str:
        cell = f" {self.cell}" if self.cell else ""
        return f"{self.file}:{cell} line {self.line}: {self.words} [{self.rule}]"


def findings(files: Iterable[str | Path]) -> list[Finding]:
    """Return what textlint finds in notebooks and Markdown files.

    Raises NoNpmError where textlint is not installed and cannot be, FileNotFoundError for a file that is not there,
    ValueError for one of another kind, RuntimeError if textlint fails.
    """
    _install()
    write_whole(RULES, prh_rules(read_terms()).encode())
    texts = {Path(file): marked_text(file) for file in files}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        places = {}
        for number, (file, text) in enumerate(texts.items()):
            place = Path(folder).resolve() / f"{number:03}.md"
            place.write_text(_readable(text), encoding="utf-8")
            places[place] = file
        if places:
            for report in _textlint(list(places)):
                file = places[Path(report["filePath"])]
                lines = texts[file].splitlines()
                for message in report["messages"]:
                    cell, line = _place(lines, message["line"])
                    words = " ".join(message["message"].split())
                    found.append(Finding(file, cell, line, message["ruleId"], words))
    for file, text in texts.items():
        for line, words in shape_problems(text):
            found.append(Finding(file, *_place(text.splitlines(), line), "shape", words))
    return found


def missing() -> str | None:
    """Return a sentence on why textlint cannot be installed or run here, None if it can be."""
    npm, node = shutil.which("npm"), shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"
    if npm is None or node is None or int(re.sub(r"\D.*", "", version[1:]) or 0) < NODE:
        have = "is not installed" if npm is None else f"is there, with Node.js {version}"
        return f"npm {have}; textlint needs Node.js {NODE} or newer, and npm comes with it."
    return None


def _install() -> None:
    """Install textlint beside this file, if that has not been done for this package-lock.json."""
    lock = (HOME / "package-lock.json").read_bytes()
    done = MODULES / "installed"
    if done.exists() and done.read_bytes() == lock:
        return
    problem = missing()
    if problem:
        raise NoNpmError(problem)
    run = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=HOME, capture_output=True, text=True)
    if run.returncode:
        raise NoNpmError(f"`npm ci` failed in {HOME}:\n{run.stderr.strip()}")
    write_whole(done, lock)


def _textlint(files: list[Path]) -> list[dict]:
    program = MODULES / "textlint" / "bin" / "textlint.js"
    command = ["node", str(program), "--config", str(CONFIGURATION), "--format", "json", *map(str, files)]
    run = subprocess.run(command, cwd=HOME, capture_output=True, text=True)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"textlint failed: {run.stderr.strip() or run.stdout.strip()}")
    return json.loads(run.stdout)


def _readable(text: str) -> str:
    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    return SYMBOLS.sub(r"`\1`", FORMULA.sub(blank, FOLD.sub("", text)))


def _place(lines: list[str], line: int) -> tuple[str | None, int]:
    """Return (cell or None, line in it) for a line of a whole text, from 1."""
    for above in range(line - 1, -1, -1):
        mark = MARK.fullmatch(lines[above]) if above < len(lines) else None
        if mark:
            return mark[1], line - above - 1
    return None, line
