"""Which files of the repository are pages of the site, where they lie there, and what their headings are called."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tools.lesson import HEAD, Lesson, anchor, headings_of

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGES = ("en", "ja")
README = {"en": "README.md", "ja": "README.ja.md"}
CARD = {"en": "sdkit/model/README.md", "ja": "docs/ja/model.md"}
LAB_PAGE = {"en": "index.html", "ja": "ja.html"}
HOME, EXERCISES, ALL = "index", "exercises", "docs/index"
OWN = {HOME: "index.md", EXERCISES: "exercises.md", ALL: "docs.md"}  # in site/LANGUAGE
# A row of a README's table of lessons, and the head of such a table.
ROW = re.compile(r"^\| \d+ \| \[[^\]]+\]\(notebooks/\w+/(\S+)\.ipynb\) \|")
PART = re.compile(r"^\| \| ([^|]+?) \| [^|]+ \|$")


@cache
def pages(language: str) -> dict[str, str]:
    """Return {name in the repository: place in the language's folder, without a suffix} of all pages."""
    found = {README[language]: HOME}
    for path in sorted((ROOT / "notebooks" / language).glob("[0-9]*.ipynb")):
        found[f"notebooks/{language}/{path.name}"] = f"lessons/{path.stem}"
        found[f"notebooks/{language}/exercises/{path.name}"] = EXERCISES
    docs = Path("docs") if language == "en" else Path("docs", language)
    found |= {(docs / path.name).as_posix(): f"docs/{path.stem}" for path in sorted((ROOT / docs).glob("*.md"))}
    found[CARD[language]] = "docs/model"
    if language == "en":
        found["training/README.md"] = "docs/training"
    return found


def twins() -> set[str]:
    """Return the pages that are there in both languages."""
    return {EXERCISES, ALL, *set.intersection(*(set(pages(language).values()) for language in LANGUAGES))}


def parts(language: str) -> list[tuple[str, list[str]]]:
    """Return (name of a part, names of its lessons without the suffix) as the README lists them."""
    found: list[tuple[str, list[str]]] = []
    for line in (ROOT / README[language]).read_text(encoding="utf-8").splitlines():
        if head := PART.match(line):
            found.append((head[1], []))
        elif row := ROW.match(line):
            found[-1][1].append(row[1])
    return [part for part in found if part[1]]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading of the second level; raise ValueError if there is no such heading."""
    _, found, below = f"\n{text}".partition(f"\n## {heading}\n")
    if not found:
        raise ValueError(f"no heading '## {heading}'; the headings are {', '.join(headings_of(text))}")
    return re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0].strip()


def slug(heading: str) -> str:
    """Return the id of a heading on its page, made as GitHub makes it; `heading` may be Markdown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def title(path: Path) -> str:
    """Return the title of a notebook."""
    return headings_of(Lesson.read(path).cell(HEAD).source)[0]


@cache
def places(name: str) -> dict[str, str]:
    """Return {anchor as a link in the repository has it: id on the page} for a notebook or page."""
    path = ROOT / name
    if path.suffix != ".ipynb":
        return {slug(heading): slug(heading) for heading in headings_of(path.read_text(encoding="utf-8"))}
    found = {}
    for cell in Lesson.read(path).prose:
        headings = headings_of(cell.source)
        found |= {anchor(heading): slug(heading) for heading in headings}
        # Japanese links name the cell: JupyterLab finds only headings of ASCII.
        found |= {f"cell-id={cell.id}": slug(headings[0])} if headings else {}
    return found


def place(name: str, anchored: str) -> str:
    """Return the id on the page for the anchor of a link; raise ValueError if the file has no such heading."""
    found = places(name).get(unquote(anchored))
    if found is None:
        raise ValueError(f"{name} has no heading #{anchored} that a link leads to; it has {', '.join(places(name))}")
    return found
