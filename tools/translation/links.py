"""Links of the Japanese edition: to the Japanese lesson or page where there is one."""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from tools.cells import CODE, Cells
from tools.lesson import anchor, headings_of
from tools.translation.sources import EN, english_name, japanese_name

CODE_OR_LINK = re.compile(CODE + r"|(?<=\]\()(?P<target>[^)\s]+)(?=\))", re.DOTALL)
OUTSIDE = re.compile(r"[a-z]+:")


def targets(text: str) -> list[str]:
    """Return where the links and pictures of a Markdown text lead, those in code left out."""
    return [match["target"] for match in CODE_OR_LINK.finditer(text) if match["target"]]


class Links:
    """The links of one notebook or page: where they lead in English, and where the Japanese ones are to lead.

    `headings` is {English name of a notebook: what `cells_of_headings` says of it}.
    """

    def __init__(self, name: str, headings: dict[str, dict[str, str]], root: Path):
        """Take the file's English name, and the folder of the repository."""
        self.name, self.headings, self.root = name, headings, root
        self.folder, self.home = posixpath.dirname(name), posixpath.dirname(japanese_name(name) or "")

    def japanese(self, target: str) -> str:
        """Return where the Japanese link for an English target leads."""
        if OUTSIDE.match(target):
            return target
        file, place = self._parts(target)
        place = self._place(file, place)
        path = ""
        if file != self.name or target.partition("#")[0]:
            twin = japanese_name(file)
            there = twin is not None and (file.startswith(f"{EN}/") or (self.root / twin).exists())
            path = posixpath.relpath(twin if there and twin else file, self.home or ".")
        return path + (f"#{place}" if place else "")

    def corrected(self, japanese: str, english: str) -> str:
        """Return a Japanese text with links as they are to be, found by those of the English text."""
        left = [target for target in targets(english) if not OUTSIDE.match(target)]

        def new(match: re.Match[str]) -> str:
            target = match["target"]
            if not target or OUTSIDE.match(target):
                return match[0]
            file, place = self._parts(target)
            if file == self.name and not place:
                return match[0]  # to the same text in the other language
            same = [link for link in left if self._parts(link)[0] == file]
            exact = [link for link in same if place in (named := self._parts(link)[1], self._place(file, named))]
            if not same:
                return match[0]  # the English text has no such link
            link = (exact or same)[0]
            left.remove(link)
            return self.japanese(link)

        return CODE_OR_LINK.sub(new, japanese)

    def _place(self, file: str, place: str) -> str:
        """Return how a Japanese link names a place of a notebook that English ones name by its heading."""
        return self.headings.get(file, {}).get(place, place)

    def _parts(self, target: str) -> tuple[str, str]:
        """Return (English name of the file, anchor) for a target as either language's file has it."""
        path, _, place = target.partition("#")
        if not path:
            return self.name, unquote(place)
        found = [posixpath.normpath(posixpath.join(folder, path)) for folder in (self.home, self.folder)]
        files = [english_name(file) or file for file in found]
        return next((file for file in files if (self.root / file).exists()), files[-1]), unquote(place)


def cells_of_headings(cells: Cells) -> dict[str, str]:
    """Return {anchor of a heading: how a Japanese link names its cell} for a notebook's English cells.

    JupyterLab finds a heading in a link only if that is ASCII; a cell's id always is.
    """
    return {anchor(heading): f"cell-id={name}" for name, text in cells.items() for heading in headings_of(text)}
