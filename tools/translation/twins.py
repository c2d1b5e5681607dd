"""A Japanese notebook, made from the English one and the Japanese text of its Markdown cells.

Ids, code, outputs, attachments and metadata are the English notebook's. Each Markdown cell says in its metadata, under
`translates`, the fingerprint of the English text that it translates: "" where the cell is still English.
"""

import copy
import posixpath
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools.cells import Cells
from tools.lesson import Lesson, is_prose
from tools.links import END, START, colab_line, read_project, with_block
from tools.notebooks import write
from tools.translation.links import Links, cells_of_headings
from tools.translation.sources import EN, ROOT, fingerprint, japanese_name, notebooks

TRANSLATES = "translates"


class Text(NamedTuple):
    """The Japanese text of a cell, and the fingerprint of the English one that it translates."""

    source: str
    translates: str


@dataclass(frozen=True)
class Twin:
    """An English notebook, by its name in the repository, and what is there of the Japanese one."""

    name: str
    english: nbformat.NotebookNode
    japanese: nbformat.NotebookNode | None
    root: Path

    @classmethod
    def read(cls, name: str, root: Path = ROOT) -> "Twin":
        """Read both notebooks; `name` is the English one's."""
        other = root / (japanese_name(name) or "")
        return cls(name, Lesson.read(root / name).book, Lesson.read(other).book if other.is_file() else None, root)

    @property
    def path(self) -> Path:
        """Return where the Japanese notebook lies, or is to lie."""
        return self.root / (japanese_name(self.name) or "")

    @property
    def prose(self) -> Cells:
        """Return the English Markdown cells."""
        return {cell.id: cell.source for cell in self.english.cells if is_prose(cell)}

    @property
    def texts(self) -> dict[str, Text]:
        """Return the Japanese Markdown cells, those that are still English left out."""
        cells = [cell for cell in (self.japanese.cells if self.japanese else []) if is_prose(cell)]
        return {cell.id: Text(cell.source, cell.metadata.get(TRANSLATES, "")) for cell in cells if _translated(cell)}

    def made(self, texts: dict[str, Text]) -> nbformat.NotebookNode:
        """Return the Japanese notebook; cells that `texts` lacks stay English, and say so."""
        book = copy.deepcopy(self.english)
        links = Links(self.name, headings(self.root), self.root)
        for cell in book.cells:
            if is_prose(cell):
                text = texts.get(cell.id)
                if text is not None:
                    cell.source = links.corrected(self._with_colab(text.source, cell.source), cell.source)
                cell.metadata[TRANSLATES] = text.translates if text else ""
        return book

    def write(self, texts: dict[str, Text]) -> None:
        """Write the Japanese notebook, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write(self.made(texts), self.path)

    @property
    def new(self) -> list[str]:
        """Return the ids of the English cells without a translation."""
        return [name for name in self.prose if name not in self.texts]

    @property
    def stale(self) -> list[str]:
        """Return the ids of the cells whose English text has changed since it was translated."""
        texts = self.texts
        return [
            name for name, text in self.prose.items() if name in texts and texts[name].translates != fingerprint(text)
        ]

    @property
    def orphaned(self) -> list[str]:
        """Return the ids of Japanese cells that the English notebook does not have."""
        ids = {cell.id for cell in self.english.cells}
        return [cell.get("id") for cell in (self.japanese.cells if self.japanese else []) if cell.get("id") not in ids]

    @property
    def in_step(self) -> bool:
        """Say whether everything but the prose is as the English notebook has it: code, outputs, order, links."""
        return self.japanese is not None and self.japanese == self.made(self.texts)

    def _with_colab(self, japanese: str, english: str) -> str:
        if START not in english:
            return japanese
        if START not in japanese or END not in japanese:
            japanese = japanese.split(START)[0]
        return with_block(japanese, colab_line(read_project(self.root), japanese_name(self.name) or "", "ja"))


def all_twins(root: Path = ROOT) -> list[Twin]:
    """Return all notebooks of the English edition, each with its Japanese one."""
    return [Twin.read(name, root) for name in notebooks(EN, root)]


def named(words: str, root: Path = ROOT) -> Twin:
    """Return the twin that somebody means: by number ("06"), stem or path, as in "exercises/06"; raise ValueError."""
    path = posixpath.splitext(words.replace("\\", "/"))[0]
    below = "exercises/" in path
    wanted = posixpath.basename(path)
    for name in notebooks(EN, root):
        stem = posixpath.splitext(posixpath.basename(name))[0]
        if ("/exercises/" in name) == below and wanted in (stem, stem.split("_")[0], stem.split("_")[0].lstrip("0")):
            return Twin.read(name, root)
    raise ValueError(f"{words!r} names no notebook of {EN}; give a number or a name, such as 06 or 06_guidance_scale.")


@cache
def headings(root: Path) -> dict[str, dict[str, str]]:
    """Return {English name: {anchor of a heading: how a Japanese link names its cell}} of all notebooks."""
    return {twin.name: cells_of_headings(twin.prose) for twin in all_twins(root)}


def _translated(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get(TRANSLATES))
