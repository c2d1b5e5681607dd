"""Which arguments the lessons teach, put behind a control, and prove; and the list of all claims.

    python -m tools.coverage           print a summary and what is missing; 1 if something is
    python -m tools.coverage write     write docs/coverage.md, docs/claims.md and the summary in README.md

The arguments are read from the installed diffusers. What covers them is read from the lessons:
a cell's metadata may hold `lesson`, a dictionary with

- `teaches`: a list of arguments the cell shows,
- `controls`: a list of arguments that the cell's `explore(...)` lets the reader move,
- `no_control`: {argument: why it cannot have a control},
- `claims`: {argument, or "model", "result", "record": the statement that the cell's assert checks},
- `source`: who says so, where it is not the lesson itself,
- `kind` of its claims: "identity" (exact, whatever the weights) or "measured" (an effect, with this run's numbers);
  without it, asserts that only ask whether things are equal are an identity, unless the cell is `built_in`,
- `n`: how many pictures, prompts or seeds a measured claim rests on, a number or a few words,
- `built_in`: true where numbers or asserts hold for the built-in model only; with another model it is skipped,
- `numbers` (in a Markdown cell, {code cell: the numbers of its output that the text names}; see
  tools/prose_numbers.py), `strip` (in the head, the cell whose picture stands there; see tools/strip.py) and `slow`
  (in the head of a lesson that only the long test run runs; see notebooks/conftest.py): nothing is asked about them
  here.

Arguments of a call go by their plain names, others by `from_pretrained.dtype`, `to.device`,
`img2img.strength`, `inpaint.mask_image`, `enable_attention_slicing.slice_size`.
"""

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tools.blocks import replace_block
from tools.lesson import LESSONS, Lesson, anchor, headings_of, is_prose, says
from tools.markdown import markdown_table

ROOT = LESSONS.parent.parent
DOCS = ROOT / "docs"
NAMING = ("teaches", "controls", "no_control", "claims")  # hold names of arguments
KEYS = {*NAMING, "source", "kind", "n", "built_in", "numbers", "strip", "slow"}
KINDS = ("identity", "measured")
# What claims may be about beside arguments, and how their headings name it.
TOPICS = {"model": "the model", "result": "the result", "record": "records"}
CALL_NAMES = {  # how the summary names the calls
    "pipe": "`pipe(...)`", "img2img": "image to image, besides", "inpaint": "inpainting, besides",
    "from_pretrained": "`from_pretrained`", "to": "`pipe.to`", "enable_attention_slicing": "attention slicing, on",
    "disable_attention_slicing": "attention slicing, off",
}  # fmt: skip
UNQUOTED = "/:,?!'=+"  # stand in the address of a heading as they are
SHOWN_CHARACTERS = 60  # a longer output is not shown in the list of claims
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
NEARLY = {"allclose", "isclose", "approx"}
WORD = re.compile(r"[A-Za-z]{3,}")
NO_WORDS = {"True", "False", "None", "nan", "inf", "dtype", "torch", "float", "bfloat"}


def arguments() -> list[str]:
    """Return the names of all arguments that must be covered, in the order of diffusers' signatures."""
    from diffusers import (
        DiffusionPipeline,
        StableDiffusionImg2ImgPipeline,
        StableDiffusionInpaintPipeline,
        StableDiffusionPipeline,
    )

    def called(pipeline):
        return [name for name in inspect.signature(pipeline.__call__).parameters if name not in ("self", "kwargs")]

    def documented(method):
        text = inspect.getdoc(getattr(DiffusionPipeline, method)) or ""
        return [f"{method}.{name}" for name in re.findall(r"^ {4}(\w+) ?\(`", text, re.MULTILINE)]

    plain = called(StableDiffusionPipeline)
    more = [
        f"{kind}.{name}"
        for kind, pipeline in (("img2img", StableDiffusionImg2ImgPipeline), ("inpaint", StableDiffusionInpaintPipeline))
        for name in called(pipeline)
        if name not in plain
    ]
    loading = documented("from_pretrained") + documented("to") + documented("enable_attention_slicing")
    return [*plain, *more, *loading, "disable_attention_slicing"]


@dataclass(frozen=True)
class Cell:
    """A cell that says in its metadata what it covers, and the heading that it stands under."""

    path: Path
    name: str
    source: str
    says: dict
    printed: str
    heading: str

    @property
    def place(self) -> str:
        """Return a Markdown link to its heading, seen from docs/."""
        target = f"../notebooks/{self.path.parent.name}/{self.path.name}"
        number, title = int(self.path.name[:2]), re.sub(r"^\d+ · ", "", self.heading)
        return f"[{number} · {title}]({target}#{quote(anchor(self.heading), safe=UNQUOTED)})"

    @property
    def kind(self) -> str:
        """Return what its claims are: "identity" or "measured"."""
        exact = not self.says.get("built_in") and only_equalities(self.source)
        return self.says.get("kind", "identity" if exact else "measured")

    @property
    def shown(self) -> str:
        """Return what it printed, if that is short and says in words what its numbers are."""
        text = " ".join(self.printed.split())
        return text if len(text) <= SHOWN_CHARACTERS and set(WORD.findall(text)) - NO_WORDS else ""


def only_equalities(source: str) -> bool:
    """Return whether the asserts of a cell ask only what is equal, is the same or was refused, and not what is larger
    or near. An order that is itself one side of an equality, as in `equal == (scale <= 1)`, tells cases apart.
    """
    try:
        tests = [node.test for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]
    except SyntaxError:
        return False
    return not any(map(_measures, tests))


def _measures(node):
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Compare):
        if any(isinstance(operator, ORDER) for operator in node.ops):
            return True
        parts = [part for part in parts if not isinstance(part, ast.Compare)]
    name = getattr(node, "attr", getattr(node, "id", None))
    return name in NEARLY or any(map(_measures, parts))


def cells(paths: Iterable[Path]) -> Iterator[Cell]:
    """Yield the cells of notebooks that hold `lesson` metadata."""
    for path in paths:
        heading = path.stem
        for cell in Lesson.read(path).cells:
            if is_prose(cell):
                heading = [heading, *headings_of(cell.source)][-1]
            if "lesson" in cell.metadata:
                outputs = cell.get("outputs", [])
                printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
                yield Cell(path, cell.id, cell.source, says(cell), printed, heading)


def wrong(found: list[Cell], known: list[str]) -> Iterator[str]:
    """Yield what is wrong with the metadata of cells."""
    for cell in found:
        where = f"{cell.path.name}: {cell.name}"
        for key in cell.says.keys() - KEYS:
            yield f"{where} has the unknown key {key}; known are {', '.join(sorted(KEYS))}"
        if cell.says.get("kind", KINDS[0]) not in KINDS:
            yield f"{where} has the kind {cell.says['kind']}; write {' or '.join(KINDS)}"
        for key in NAMING:
            for name in cell.says.get(key, ()):
                if name not in known and not (key == "claims" and name in TOPICS):
                    yield f"{where} names {name} under {key}, which diffusers does not have"
        if cell.says.get("controls") and "explore(" not in cell.source:
            yield f"{where} names controls but has no explore(...)"
        if cell.says.get("claims") and "assert" not in cell.source:
            yield f"{where} claims something but asserts nothing"


def covered(found: list[Cell], name: str) -> dict[str, list[Cell]]:
    """Return {what: cells} of one argument: where it is taught, moved and proved."""
    parts = {"lesson": ("teaches",), "control": ("controls", "no_control"), "claim": ("claims",)}
    return {
        part: [cell for cell in found if any(name in cell.says.get(key, ()) for key in keys)]
        for part, keys in parts.items()
    }


def missing(found: list[Cell], known: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (argument, parts that no cell covers)."""
    for name in known:
        parts = [part for part, places in covered(found, name).items() if not places]
        if parts:
            yield name, parts


def by_call(known: Iterable[str]) -> dict[str, list[str]]:
    """Return {call: its arguments}, each call by the name that people read."""
    groups: dict[str, list[str]] = {}
    for name in known:
        call = name.split(".")[0] if "." in name or "slicing" in name else "pipe"
        groups.setdefault(CALL_NAMES.get(call, call), []).append(name)
    return groups


def summary(found: list[Cell], known: list[str]) -> str:
    """Return as Markdown how many arguments each call has, and how many of them are covered."""
    left = {name for name, _ in missing(found, known)}
    rows = []
    for group, names in by_call(known).items():
        claims = sum(len(covered(found, name)["claim"]) for name in names)
        rows.append((group, f"{sum(name not in left for name in names)} of {len(names)}", claims))
    return markdown_table(("arguments of", "taught, moved and proved", "claims"), rows)


def coverage_page(found: list[Cell], known: list[str]) -> str:
    """Return the table of all arguments as Markdown."""
    lines = [
        "# What the lessons cover", "",
        "Written by `python -m tools.coverage write` from the installed diffusers and the lessons' cells.", "",
        f"{len(known) - len(list(missing(found, known)))} of {len(known)} arguments are covered in full.", "",
    ]  # fmt: skip
    rows = []
    for name in known:
        parts = covered(found, name)
        lesson = parts["lesson"][0].place if parts["lesson"] else "not yet"
        control = "not yet"
        if parts["control"]:
            cell = parts["control"][0]
            control = cell.says.get("no_control", {}).get(name) or f"`{cell.name}`"
        rows.append((f"`{name}`", lesson, control, len(parts["claim"]) or "not yet"))
    return "\n".join([*lines, markdown_table(("argument", "lesson", "control", "claims"), rows)]) + "\n"


def versions() -> str:
    """Return the tested versions of the libraries that the claims are about."""
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    return ", ".join(f"{name} {pins[name]}" for name in ("diffusers", "transformers", "torch"))


def claims_page(found: list[Cell], known: list[str]) -> str:
    """Return all claims as Markdown: a heading for each argument, in diffusers' order, then the other topics."""
    lines = [
        "# What the lessons claim, and where they show it", "",
        "Every line is checked by an `assert` that runs with its lesson: if it were false, the lesson would stop.", "",
        "- **identity**: exact, the same to the last bit or an error that really comes. It does not depend on what a "
        "model has learnt.",
        "- **measured**: an effect, as large as it was in the stored run; *n* says how many pictures, prompts or seeds "
        "it rests on, where that was noted.",
        f"- **run on**: everything ran on a CPU, with {versions()}. *Any model*: it is not marked as the built-in "
        "model's own; what stands in a lesson's first part is also run with two other checkpoints, the rest is "
        "not, and some of it needs the built-in model's scheduler, DDIM. *Built-in model*: the "
        "numbers are that model's own, and another one is not expected to repeat them.", "",
        "Written by `python -m tools.coverage write`.", "",
    ]  # fmt: skip
    rows: dict[str, list[list[str]]] = {name: [] for name in (*known, *TOPICS)}
    for cell in found:
        n = cell.says.get("n")
        kind = f"{cell.kind}, n = {n}" if n and cell.kind == "measured" else cell.kind
        model = "built-in model" if cell.says.get("built_in") else "any model"
        said_by = f" *Said by {cell.says['source']}.*" if "source" in cell.says else ""
        printed = f"`{cell.shown}`" if cell.shown else ""
        for name, claim in cell.says.get("claims", {}).items():
            row = (claim + said_by, kind, f"CPU, {model}", printed, cell.place)
            rows.setdefault(name, []).append([text.replace("|", "\\|") for text in row])
    headings = {name: TOPICS.get(name, name).replace(".", " ") for name in rows if rows[name]}
    groups = by_call(name for name in headings if name not in TOPICS) | {"and": [*TOPICS]}
    for group, names in groups.items():
        links = (f"[{headings[name]}](#{headings[name].replace(' ', '-')})" for name in names if name in headings)
        lines.append(f"- {group}: {', '.join(links)}")
    lines.append("")
    for name in headings:
        table = markdown_table(("claim", "kind", "run on", "the cell printed", "lesson and section"), rows[name])
        lines += [f"## {headings[name]}", "", table, ""]
    return "\n".join(lines)


def pages(paths: list[Path]) -> dict[Path, str]:
    """Return {file: text} of the pages made from the lessons."""
    found, known = list(cells(paths)), arguments()
    readme = ROOT / "README.md"
    return {
        DOCS / "coverage.md": coverage_page(found, known),
        DOCS / "claims.md": claims_page(found, known),
        readme: replace_block(readme.read_text(encoding="utf-8"), "coverage", summary(found, known)),
    }


def main(given: list[str] | None = None) -> int:
    """Print what is wrong or missing, or write the pages."""
    parser = argparse.ArgumentParser(prog="python -m tools.coverage", description="Say what the lessons cover.")
    parser.add_argument("command", nargs="?", choices=["write"])
    paths = sorted(LESSONS.glob("*.ipynb"))
    if parser.parse_args(given).command == "write":
        for file, text in pages(paths).items():
            file.write_text(text, encoding="utf-8")
        return 0
    found, known = list(cells(paths)), arguments()
    problems = [*wrong(found, known), *(f"{name}: no {', no '.join(parts)}" for name, parts in missing(found, known))]
    print("\n".join([summary(found, known), *problems]))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
