"""Which arguments the lessons teach, put behind a control, and prove; and the list of all claims.

    python -m tools.coverage           print a summary and what is missing; 1 if something is
    python -m tools.coverage write     write docs/coverage.md, docs/claims.md and the summary in README.md

The arguments are read from the installed diffusers. What covers them is read from the lessons:
a cell's metadata may hold `lesson`, a dictionary with

- `teaches`: a list of arguments the cell shows,
- `controls`: a list of arguments that the cell's `explore(...)` lets the reader move,
- `no_control`: {argument: why it cannot have a control},
- `claims`: {argument, or "model", "result", "record": the statement that the cell's assert checks},
- `source`: who says so, where it is not the lesson itself.

Arguments of a call go by their plain names, others by `from_pretrained.dtype`, `to.device`,
`img2img.strength`, `inpaint.mask_image`, `enable_attention_slicing.slice_size`.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.blocks import replace_block
from tools.form import LESSONS, Lesson
from tools.markdown import markdown_table

ROOT = LESSONS.parent.parent
DOCS = ROOT / "docs"
KEYS = {"teaches", "controls", "no_control", "claims", "source"}
TOPICS = ("model", "result", "record")  # what claims may be about beside arguments
CALL_NAMES = {  # how the summary names the calls
    "pipe": "`pipe(...)`", "img2img": "image to image, besides", "inpaint": "inpainting, besides",
    "from_pretrained": "`from_pretrained`", "to": "`pipe.to`", "enable_attention_slicing": "attention slicing, on",
    "disable_attention_slicing": "attention slicing, off",
}  # fmt: skip
SHOWN_CHARACTERS = 90  # of a cell's output in the list of claims


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
    """A cell that says in its metadata what it covers."""

    path: Path
    name: str
    source: str
    says: dict
    printed: str

    @property
    def place(self) -> str:
        """Return where it stands, as a Markdown link seen from docs/."""
        return f"[{self.path.stem}](../notebooks/{self.path.parent.name}/{self.path.name}) `{self.name}`"


def cells(paths: Iterable[Path]) -> Iterator[Cell]:
    """Yield the cells of notebooks that hold `lesson` metadata."""
    for path in paths:
        for cell in Lesson.read(path).cells:
            if "lesson" in cell.metadata:
                outputs = cell.get("outputs", [])
                printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
                yield Cell(path, cell.id, cell.source, cell.metadata["lesson"], printed)


def wrong(found: list[Cell], known: list[str]) -> Iterator[str]:
    """Yield what is wrong with the metadata of cells."""
    for cell in found:
        where = f"{cell.path.name}: {cell.name}"
        for key in cell.says.keys() - KEYS:
            yield f"{where} has the unknown key {key}; known are {', '.join(sorted(KEYS))}"
        for key in KEYS - {"source"}:
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


def summary(found: list[Cell], known: list[str]) -> str:
    """Return as Markdown how many arguments each call has, and how many of them are covered."""
    left = {name for name, _ in missing(found, known)}
    groups: dict[str, list[str]] = {}
    for name in known:
        group = name.split(".")[0] if "." in name or "slicing" in name else "pipe"
        groups.setdefault(CALL_NAMES.get(group, group), []).append(name)
    rows = []
    for group, names in groups.items():
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


def claims_page(found: list[Cell]) -> str:
    """Return the list of all claims as Markdown."""
    lines = [
        "# Every claim, and the cell that checks it", "",
        "Written by `python -m tools.coverage write`. Each claim is an `assert` that runs with its lesson; a false one "
        f"makes the lesson fail. The output is that of the stored run ({versions()}, on a CPU).", "",
    ]  # fmt: skip
    rows = []
    for cell in found:
        shown = " ".join(cell.printed.split())
        shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[: SHOWN_CHARACTERS - 1]}…"
        for name, claim in cell.says.get("claims", {}).items():
            said_by = cell.says.get("source", "this lesson")
            row = (f"`{name}`", claim, said_by, cell.place, f"`{shown}`" if shown else "")
            rows.append([text.replace("|", "\\|") for text in row])
    return "\n".join([*lines, markdown_table(("about", "claim", "says", "checked in", "output"), rows)]) + "\n"


def pages(paths: list[Path]) -> dict[Path, str]:
    """Return {file: text} of the pages made from the lessons."""
    found, known = list(cells(paths)), arguments()
    readme = ROOT / "README.md"
    return {
        DOCS / "coverage.md": coverage_page(found, known),
        DOCS / "claims.md": claims_page(found),
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
