"""Slides of the lessons' cores, each deck one HTML file that needs no network.

    python -m tools.slides build [FILE ...]    write dist/slides/NAME.html; all lessons if none is given
    python -m tools.slides mark [FILE ...]     store in the lessons which cells begin a slide (tools.slide_marks)

With SDKIT_LANGUAGE=ja all lessons are the Japanese ones, and their decks are in dist/slides-ja. Decks show the stored
outputs. reveal.js comes from a package on PyPI, since there is pip where there is no npm, and is kept in .cache/slides.
"""

import argparse
import base64
import re
import sys
import zipfile
from copy import deepcopy
from html import escape
from io import BytesIO
from pathlib import Path

import nbformat

from sdkit.files import write_whole
from sdkit.language import LANGUAGES, language
from sdkit.lessons.source import LINK
from tools.environments import call
from tools.lesson import FOLDED, HEADING, LESSONS, Lesson, is_prose
from tools.notebooks import WIDGET, write
from tools.slide_marks import COLAB, HEIGHT, LATER, SKIP, SLIDE, WIDTH, kinds, mark

ROOT = LESSONS.parent.parent
SLIDES, CACHE = ROOT / "dist" / "slides", ROOT / ".cache" / "slides"
PACKAGE, WHEEL = "sphinx-revealjs==3.2.1", "sphinx_revealjs-3.2.1-py3-none-any.whl"
FOLDER = "sphinx_revealjs/_static/revealjs/dist"
STYLES, SCRIPT = ("reveal.css", "theme/white.css"), "reveal.js"
NOT_IN_DECKS = re.compile(r"@import url\([^)]*\);|/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=\S+")
STYLE_LINK = re.compile(r'<link [^>]*rel="stylesheet"[^>]*>')
FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


def reveal_js() -> dict[str, str]:
    """Return {name: text} of reveal.js and its styles, without the fonts that these would load."""
    if not (CACHE / WHEEL).exists():
        call(sys.executable, "-m", "pip", "download", "--no-deps", "--dest", CACHE, PACKAGE)
    with zipfile.ZipFile(CACHE / WHEEL) as wheel:
        texts = {name: wheel.read(f"{FOLDER}/{name}").decode("utf-8") for name in (*STYLES, SCRIPT)}
    return {name: NOT_IN_DECKS.sub("", text) for name, text in texts.items()}


def deck(lesson: Lesson, scripts: dict[str, str]) -> str:
    """Return the deck of a lesson as HTML; `scripts` are those that `reveal_js` returns."""
    from nbconvert.exporters import SlidesExporter

    book = deepcopy(lesson.book)
    cells = []
    for cell, kind in zip(book.cells, kinds(lesson)):
        if kind == SKIP:
            continue
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)  # its stored picture is shown
        parts = _parts(cell.source) if is_prose(cell) and kind == SLIDE else [cell.source]
        # An answer above a heading belongs to the slide before.
        for text, part_kind in zip(parts, [LATER, kind][-len(parts) :]):
            part = deepcopy(cell)
            part.id += "" if text is parts[-1] else "-above"  # ids must differ
            part.source = _alone(text) if is_prose(cell) else text
            part.metadata["slideshow"] = nbformat.from_dict({"slide_type": part_kind})
            cells.append(part)
    book.cells = cells
    exporter = SlidesExporter(
        template_name="deck",
        extra_template_basedirs=[str(Path(__file__).parent)],
        reveal_width=str(WIDTH),
        reveal_height=str(HEIGHT),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        language_code=_language_of(lesson.path),
    )
    page, _ = exporter.from_notebook_node(book, {"metadata": {"name": lesson.path.stem}})
    styles = "".join(f"<style>{scripts[name]}</style>" for name in STYLES)
    # The theme comes first, so that the deck's own rules, further down, win.
    page = STYLE_LINK.sub("", page).replace("<head>", f"<head>{styles}", 1)
    return page.replace("<!-- reveal.js -->", f"<script>{scripts[SCRIPT]}</script>", 1)


def _language_of(path: Path) -> str:
    """Return the language of a lesson: the folder it lies in is named after it."""
    return path.parent.name if path.parent.name in LANGUAGES else LANGUAGES[0]


def _parts(text: str) -> list[str]:
    """Return the answer that stands above the first heading of a text, if that is all there, and the rest."""
    found = HEADING.search(text)
    above = text[: found.start()].strip() if found else ""
    return [above, text[found.start() :]] if found and FOLDED.fullmatch(above) else [text]


def _alone(text: str) -> str:
    """Return a text as it stands in a deck: links to other files, such as the glossary, keep their words."""
    return FORMULA.sub(_drawn, LINK.sub(r"\1", COLAB.sub("", text)))


def _drawn(formula: re.Match[str]) -> str:
    """Return a formula as a picture: MathJax, which draws it in a notebook, would have to be loaded."""
    from matplotlib.mathtext import math_to_image

    file = BytesIO()
    math_to_image(f"${formula[1].strip()}$", file, format="svg")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img class="formula" alt="{escape(formula[1].strip())}" src="data:image/svg+xml;base64,{data}">'


def main(arguments: list[str] | None = None) -> int:
    """Build decks, or mark lessons, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description="Slides of the lessons' cores.")
    parser.add_argument("command", choices=["build", "mark"])
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all lessons of the language if none is given")
    given = parser.parse_args(arguments)
    paths = given.files or sorted((LESSONS.parent / language()).glob("*.ipynb"))
    if given.command == "mark":
        for path in paths:
            lesson = Lesson.read(path)
            if mark(lesson):
                write(lesson.book, path)
                print(path.name)
        return 0
    scripts = reveal_js()
    for path in paths:
        page = deck(Lesson.read(path), scripts).encode("utf-8")
        named = _language_of(path)
        folder = SLIDES if named == LANGUAGES[0] else SLIDES.with_name(f"{SLIDES.name}-{named}")
        print(f"{write_whole(folder / f'{path.stem}.html', page)}: {len(page) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
