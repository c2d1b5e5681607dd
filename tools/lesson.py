"""A lesson as it lies in its file: its cells, its core, its code as Python reads it, and what its outputs say."""

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

LESSONS = Path(__file__).resolve().parent.parent / "notebooks" / "en"
HEAD, SETUP, SAW, REAL, YOURS, DEEPER, ARTICLE, NEXT = (
    "head", "setup", "saw", "real", "yours", "deeper", "article", "next",
)  # fmt: skip
PANELS = ("explore", "explore_grid")

HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
CODE_BLOCK = re.compile(r"```.*?```", re.DOTALL)
TABLE_ROW = re.compile(r"^ *\|.*$", re.MULTILINE)
NOT_READ = re.compile(r"<!--.*?-->|</?\w[^>]*>|\]\([^)]*\)", re.DOTALL)  # comments, tags, addresses of links
FOLDED = re.compile(r"<details>\s*<summary>(.*?\w.*?)</summary>(.*?\w.*?)</details>", re.DOTALL)


@dataclass(frozen=True)
class Lesson:
    """A notebook and the file it was read from."""

    path: Path
    book: nbformat.NotebookNode

    @classmethod
    def read(cls, path: str | Path) -> "Lesson":
        """Read a notebook as it is; nbformat.read would repair its ids."""
        return cls(Path(path), nbformat.v4.reads_json(Path(path).read_text(encoding="utf-8")))

    @property
    def cells(self) -> list[nbformat.NotebookNode]:
        """Return all cells."""
        return self.book.cells

    @property
    def code(self) -> list[nbformat.NotebookNode]:
        """Return the code cells."""
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[nbformat.NotebookNode]:
        """Return the Markdown cells."""
        return [cell for cell in self.cells if is_prose(cell)]

    @property
    def core(self) -> list[nbformat.NotebookNode]:
        """Return the cells before `deeper`; all cells if there is no such cell."""
        place = self.place(DEEPER)
        return self.cells if place is None else self.cells[:place]

    def cell(self, name: str) -> nbformat.NotebookNode | None:
        """Return the first cell with an id, or None."""
        place = self.place(name)
        return None if place is None else self.cells[place]

    def place(self, name: str) -> int | None:
        """Return the place of the first cell with an id, or None."""
        return next((place for place, cell in enumerate(self.cells) if cell.get("id") == name), None)

    @cached_property
    def trees(self) -> list[tuple[nbformat.NotebookNode, ast.Module]]:
        """Return (cell, syntax tree) for each code cell that is valid Python."""
        return list(self._read_code(lambda source: ast.parse(source)))

    @cached_property
    def tokens(self) -> list[tuple[nbformat.NotebookNode, list[tokenize.TokenInfo]]]:
        """Return (cell, tokens) for each code cell that is valid Python."""
        return list(self._read_code(lambda source: list(tokenize.generate_tokens(io.StringIO(source).readline))))

    def _read_code(self, read):
        for cell in self.code:
            try:
                yield cell, read(TransformerManager().transform_cell(cell.source))
            except (SyntaxError, tokenize.TokenError):  # a cell may show what an error looks like
                continue

    @cached_property
    def panels(self) -> list[nbformat.NotebookNode]:
        """Return the code cells that make a panel."""
        found = [cell for _, cell, node in self.nodes(ast.Call) if ast.unparse(node.func).split(".")[-1] in PANELS]
        return [cell for cell in self.code if any(cell is panel for panel in found)]

    def nodes(self, kind: type | tuple[type, ...]) -> list[tuple[tuple[int, int, int], nbformat.NotebookNode, Any]]:
        """Return (place, cell, node) for each syntax node of a kind, in reading order."""
        found = []
        for number, (cell, tree) in enumerate(self.trees):
            for node in ast.walk(tree):
                if isinstance(node, kind):
                    found.append(((number, node.lineno, node.col_offset), cell, node))
        return sorted(found, key=itemgetter(0))


def is_prose(cell: nbformat.NotebookNode) -> bool:
    """Say whether a cell is Markdown."""
    return cell.cell_type == "markdown"


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def says(cell: nbformat.NotebookNode) -> dict[str, Any]:
    """Return what a cell's metadata says about the lesson."""
    return cell.metadata.get("lesson", {})


def lines_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return the lines of a cell that are not blank."""
    return [line for line in cell.source.splitlines() if line.strip()]


def words_of(text: str) -> list[str]:
    """Return the words a reader sees, those of tables left out."""
    return re.findall(r"\S*\w\S*", NOT_READ.sub(" ", TABLE_ROW.sub("", text)))


def headings_of(text: str) -> list[str]:
    """Return the headings of a Markdown text."""
    return HEADING.findall(CODE_BLOCK.sub("", text))


def anchor(heading: str) -> str:
    """Return how JupyterLab names a heading in links, before it is quoted for an address: with dashes for blanks."""
    return re.sub("[`*]", "", heading).replace(" ", "-")


def pictures_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return the PNGs among a cell's outputs, each in base64."""
    return [data["image/png"] for data in (output.get("data", {}) for output in cell.outputs) if "image/png" in data]


def printed_by(cell: nbformat.NotebookNode) -> str:
    """Return all that a cell's outputs say in words and numbers: what was printed, results and tables."""
    texts = []
    for output in cell.outputs:
        data = output.get("data", {})
        page = re.sub(r"<style.*?</style>", " ", data.get("text/html", ""), flags=re.DOTALL)
        texts += [output.get("text", ""), data.get("text/plain", ""), re.sub(r"<[^>]*>", " ", page)]
    return "\n".join(text for text in texts if text.strip())
