"""The lessons and the pages they link to, as they go into a reader's folder.

They come from the repository, or from a wheel, where `pack` has put them. In the reader's folder all lessons lie
side by side, the exercises and the pages in folders beside them, and links lead from one to the other.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from sdkit.files import write_whole
from sdkit.language import LANGUAGES

PACKAGE = Path(__file__).resolve().parent.parent
PACKED = Path(__file__).resolve().parent / "packed"
NOTEBOOKS = "notebooks"  # a folder for each language in it
LESSONS = f"{NOTEBOOKS}/en"
EXERCISES = "exercises"  # in the folder of each language
CARD = "sdkit/model/README.md"
# Files here are pages for readers. A link to anything else, such as a script, keeps only its text.
PAGES = ("docs/", "sdkit/model/")
TRANSLATED = "docs/ja/"  # for readers of the Japanese lessons only
ABOUT = "about"

# [text](file.md#place) and src="file.png"; an address with a scheme is left alone, and so is `a[0](b)` in code.
FILE = r"([\w./-]+\.[a-z]+)((?:#[^)\s\"]*)?)"
LINK = re.compile(rf"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\({FILE}\)")
SOURCE = re.compile(rf'\b(src|href)="{FILE}"')


def reader_files(outputs: bool = False, language: str = "en") -> dict[str, bytes]:
    """Return {name in the reader's folder: content} of all lessons, exercises, and the pages that they link to.

    `outputs` keeps the stored outputs. `language` is "en" or "ja". Raises ValueError where there are no outputs,
    FileNotFoundError where there are no lessons.
    """
    files = project_files(language)
    if outputs and root() == PACKED:
        raise ValueError(
            "outputs is True, but the wheel holds the lessons without outputs; take them from the project's repository."
        )
    places = {name: place_of(name) for name in files}
    return {places[name]: _for_reader(name, path.read_bytes(), places, outputs) for name, path in files.items()}


def project_files(language: str = "en") -> dict[str, Path]:
    """Return {name in the project: path} of a language's lessons, their exercises, and the pages that they link to.

    A page that a page links to is there too. Raises FileNotFoundError where there are no lessons.
    """
    home, lessons = root(), f"{NOTEBOOKS}/{language}"
    files = {
        f"{folder}/{path.name}": path
        for folder in (lessons, f"{lessons}/{EXERCISES}")
        for path in sorted((home / folder).glob("[0-9]*.ipynb"))
    }
    if not files:
        raise FileNotFoundError(f"{home} holds no lessons in the language {language!r}.")
    to_read = list(files)
    while to_read:
        name = to_read.pop()
        for target in _linked(name, files[name].read_bytes()):
            path = PACKAGE.parent / target if target.startswith(f"{PACKAGE.name}/") else home / target
            if target.startswith(TRANSLATED) and language == "en":
                continue
            if target.startswith(PAGES) and target not in files and path.is_file():
                files[target] = path
                to_read.append(target)
    return files


def root() -> Path:
    """Return the folder that holds `notebooks/en`. Raises FileNotFoundError where there is none."""
    for folder in (PACKED, PACKAGE.parent):
        if (folder / LESSONS).is_dir():
            return folder
    raise FileNotFoundError(
        f"{PACKED} holds no lessons; build the wheel in the project's repository with `make wheel`."
    )


def place_of(name: str) -> str:
    """Return where a file of the project lies in the reader's folder."""
    if name.startswith(f"{NOTEBOOKS}/"):
        return name.split("/", 2)[2]
    if name == CARD:
        return f"{ABOUT}/model_card.md"
    folder = f"{ABOUT}/ja" if name.startswith(TRANSLATED) else ABOUT
    return f"{folder}/{posixpath.basename(name)}"


def pack(folder: str | Path) -> None:
    """Write into `folder`, for a wheel, what `project_files` lists, without outputs and what the package has anyway."""
    there = [language for language in LANGUAGES if (root() / NOTEBOOKS / language).is_dir()]
    files = {name: path for language in there for name, path in project_files(language).items()}
    for name, path in files.items():
        if not name.startswith(f"{PACKAGE.name}/"):
            data = path.read_bytes()
            write_whole(Path(folder) / name, _written(_cleared(_read(data))) if name.endswith(".ipynb") else data)


def source_of(cell: dict[str, Any]) -> str:
    """Return a cell's text, which notebooks store as one string or as a list of lines."""
    return "".join(cell["source"])


def _for_reader(name: str, data: bytes, places: dict[str, str], outputs: bool) -> bytes:
    def text(old: str) -> str:
        return _with_links(old, name, places)

    if name.endswith(".md"):
        return text(data.decode("utf-8")).encode("utf-8")
    if not name.endswith(".ipynb"):
        return data
    book = _read(data)
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = text(source_of(cell)).splitlines(keepends=True)
    return _written(book if outputs else _cleared(book))


def _with_links(text: str, name: str, places: dict[str, str]) -> str:
    """Return the text of the project's file `name` with its links as the reader's folder needs them."""

    def moved(target: str) -> str | None:
        place = places.get(_joined(name, target))
        return place and posixpath.relpath(place, posixpath.dirname(places[name]) or ".")

    def link(match: re.Match[str]) -> str:
        new = moved(match[2])
        return f"[{match[1]}]({new}{match[3]})" if new else match[1]

    def source(match: re.Match[str]) -> str:
        new = moved(match[2])
        return f'{match[1]}="{new}{match[3]}"' if new else match[0]

    return SOURCE.sub(source, LINK.sub(link, text))


def _linked(name: str, data: bytes) -> list[str]:
    """Return the names in the project of the files that a lesson or page links to."""
    if name.endswith(".ipynb"):
        texts = [source_of(cell) for cell in _read(data)["cells"] if cell["cell_type"] == "markdown"]
    else:
        texts = [data.decode("utf-8")] if name.endswith(".md") else []
    return [_joined(name, match[2]) for text in texts for links in (LINK, SOURCE) for match in links.finditer(text)]


def _joined(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _cleared(book: dict[str, Any]) -> dict[str, Any]:
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return book


def _read(data: bytes) -> dict[str, Any]:
    return json.loads(data)


def _written(book: dict[str, Any]) -> bytes:
    """Return a notebook as Jupyter stores it."""
    return (json.dumps(book, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
