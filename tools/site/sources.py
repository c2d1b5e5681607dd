"""The pages of one language as Sphinx reads them: links lead within the site, and pictures are HTML with their words.

Pictures do not go through Sphinx: so each is stored once for both languages, and keeps the alternative text and the
width that its notebook holds.
"""

import base64
import posixpath
import re
import zipfile
from io import BytesIO
from pathlib import Path

import nbformat

from sdkit.files import write_whole
from sdkit.lessons.source import LINK, reader_files
from tools.cells import CODE
from tools.lesson import DEEPER, HEAD, Lesson, headings_of, is_prose
from tools.links import COLAB, GITHUB, read_project
from tools.notebooks import WIDGET
from tools.site.live import Live
from tools.site.pages import (
    ALL,
    EXERCISES,
    HOME,
    LAB_PAGE,
    LANGUAGES,
    OWN,
    README,
    ROOT,
    pages,
    parts,
    place,
    section,
    slug,
    title,
    twins,
)
from tools.site.pictures import Pictures
from tools.site.words import WORDS

FOLDER = ROOT / "site"  # our own pages, in a folder for each language
LESSON, LESSON_EXERCISES = re.compile(r"\d\d_\w+\.ipynb"), "exercises"
# The heading of an exercise and the line below, on its level and points.
TASK = re.compile(r"^## \d+ · (.+?)\n\n\*(.+?)\*$", re.MULTILINE)
ADDRESS = re.compile(r"[a-z]+:")
TEXT = r"(?:[^\[\]]|\[[^\[\]]*\])*"
# What may hold a link, in the order in which it wins: code, HTML pictures, pictures, links.
PART = re.compile(
    rf'(?P<code>{CODE})|<img src="(?P<source>[^"]+)"(?: width="(?P<width>\d+)")? alt="(?P<words>[^"]*)">'
    rf"|!\[(?P<alt>{TEXT})\]\((?P<picture>[^)\s]+)\)|\[(?P<text>{TEXT})\]\((?P<target>[^)\s]+)\)",
    re.DOTALL,
)
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
COLAB_BLOCK = re.compile(r"<!-- colab -->.*?<!-- /colab -->", re.DOTALL)
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
PLACEHOLDER = re.compile(
    r"^<!-- (README|project|strip|lab|toctree|lessons|exercises|pages|english)(?:: (.*?))? -->$", re.MULTILINE
)
FILES, DOWNLOADS, LAB = "files", "downloads", "lab"


class Sources:
    """Writes the sources of one language; what pages show or offer besides text goes into the site's folder."""

    def __init__(self, language: str, sources: Path, site: Path, live: Live | None):
        """Take the folder for the sources and the site's own; `live` is None for a site without the lab."""
        self.language, self.sources, self.site, self.live = language, sources, site, live
        self.pages, self.words, self.pictures = pages(language), WORDS[language], Pictures(site)
        self.others = {name: (other, place) for other in LANGUAGES for name, place in pages(other).items()}

    def write(self) -> None:
        """Write all pages, and the notebooks that readers download."""
        for name, page in self.pages.items():
            if page.startswith("lessons/"):
                self._put(f"{page}.ipynb", nbformat.writes(self.notebook(name)))
            elif page not in OWN:
                text = FRONT_MATTER.sub("", (ROOT / name).read_text(encoding="utf-8"))
                self._put(f"{page}.md", self.markdown(text, name, page))
        for page, file in OWN.items():
            text = (FOLDER / self.language / file).read_text(encoding="utf-8")
            filled = PLACEHOLDER.sub(lambda found: self._filled(found[1], found[2] or ""), text)
            self._put(f"{page}.md", self.markdown(filled, README[self.language], page))
        files = reader_files(language=self.language)
        for name in filter(LESSON.fullmatch, files):
            both = {place: _alone(files[place]) for place in (name, f"{LESSON_EXERCISES}/{name}")}
            write_whole(self.site / self._download(name), zipped(both))

    def _put(self, name: str, text: str) -> None:
        write_whole(self.sources / name, text.encode("utf-8"))

    def notebook(self, name: str) -> nbformat.NotebookNode:
        """Return a notebook as a page: no widgets, pictures as HTML, a live panel at the end of a lesson's core."""
        lesson, page = Lesson.read(ROOT / name), self.pages[name]
        book = lesson.book
        book.metadata.language_info["pygments_lexer"] = "ipython3"
        cells = []
        for cell in lesson.cells:
            if cell.id == DEEPER:
                cells += self._live(page)
            cells.append(cell)
            if is_prose(cell):
                attached = {f"attachment:{file}": data for file, data in cell.pop("attachments", {}).items()}
                if cell.id == HEAD:
                    cell.source = COLAB_BLOCK.sub(lambda _: self._to_run(name, page), cell.source)
                cell.source = self.markdown(cell.source, name, page, attached)
            else:
                for output in cell.outputs:
                    self._show(output, page)
        book.cells = cells
        return book

    def _show(self, output: nbformat.NotebookNode, page: str) -> None:
        """Turn an output's picture into HTML with the alternative text that its notebook holds for it."""
        data = output.get("data", {})
        panel = data.pop(WIDGET, None) is not None
        if "image/png" not in data:
            return
        told = output.metadata.get("image/png", {})
        alt, own = (told["alt"], ' lang="en"') if "alt" in told else (self.words["unnamed_picture"], "")
        more = own.strip() if self.language != "en" else ""
        tag = self.pictures.tag(base64.b64decode(data["image/png"]), _up(page), alt, told.get("width"), more)
        if panel:
            said = self.words["panel_stored"]
            if self.live:
                said += f' <a href="#{slug(self.words["live"])}">{self.words["panel_live"]}</a>'
            tag = f'<figure class="panel">{tag}<figcaption>{said}</figcaption></figure>'
        output.data = nbformat.from_dict({"text/html": tag})
        output.metadata = nbformat.from_dict({})

    def _download(self, name: str) -> str:
        """Return where in the site a notebook and its exercises lie, to be downloaded."""
        return f"{DOWNLOADS}/{self.language}/{Path(name).stem}.zip"

    def _to_run(self, name: str, page: str) -> str:
        """Return the lines at a lesson's head on how to run it: as a file, and on Colab where the address is known."""
        start = posixpath.relpath(README[self.language], posixpath.dirname(name)) + self.words["start"]
        run = self.words["run"].format(start=start)
        line = f'<a href="{_up(page)}{self._download(name)}" download>{self.words["download"]}</a> {run}'
        if address := _address():
            repository = address.removeprefix(GITHUB).removesuffix("/").removesuffix(".git")
            line += f" · [{self.words['colab']}]({COLAB.format(repository=repository, notebook=name)})"
        if self.live:
            line += f'\n\n<a href="#{slug(self.words["live"])}">{self.words["to_live"]} ↓</a>'
        return line

    def _live(self, page: str) -> list[nbformat.NotebookNode]:
        if self.live is None:
            return []
        block = self.live.block(posixpath.basename(page), self.language, _up(page) + LAB)
        return [nbformat.v4.new_markdown_cell(block, id="live")]

    def markdown(self, text: str, name: str, page: str, attached: dict | None = None) -> str:
        """Return the text of the repository's file `name` as the page needs it; raise ValueError for dead links."""

        def part(found: re.Match[str]) -> str:
            if found["code"]:
                return found[0]
            if found["target"]:
                return self._link(self.markdown(found["text"], name, page), found["target"], name, page)
            source, alt = found["picture"] or found["source"], found["alt"] or found["words"]
            return self._picture(source, alt, found["width"], name, page, attached or {}) or found[0]

        return PART.sub(part, COMMENT.sub("", text))

    def _picture(self, source: str, alt: str, width: str | None, name: str, page: str, attached: dict) -> str | None:
        if ADDRESS.match(source) and source not in attached:
            raise ValueError(f"{name} shows {source}; the site shows no pictures of other servers")
        if source in attached:
            (data,) = attached[source].values()
            return self.pictures.tag(base64.b64decode(data), _up(page), alt)
        path = ROOT / _joined(name, source)
        return self.pictures.tag(path.read_bytes(), _up(page), alt, width and int(width))

    def _link(self, text: str, target: str, name: str, page: str) -> str:
        """Return a link: to a page of this language, else of the other, else to a copy of the file."""
        if ADDRESS.match(target):
            return f"[{text}]({target})"
        file, _, anchored = target.partition("#")
        file = _joined(name, file) if file else name
        place_there = f"#{place(file, anchored)}" if anchored else ""
        if self.pages.get(file) == EXERCISES:
            file, place_there = EXERCISES, f"#{slug(title(ROOT / file.replace('/exercises/', '/')))}"
            return f"[{text}]({posixpath.relpath(f'{EXERCISES}.md', posixpath.dirname(page) or '.')}{place_there})"
        if file in self.pages:
            there = self.pages[file] + (".ipynb" if file.endswith(".ipynb") else ".md")
            return f"[{text}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{place_there})"
        if file in self.others:
            other, there = self.others[file]
            return f'<a href="{_up(page)}{other}/{there}.html{place_there}" hreflang="{other}">{text}</a>'
        path = ROOT / file
        if not path.is_file():
            raise ValueError(f"{name} links to {target}, but there is no file {file}")
        write_whole(self.site / FILES / file, path.read_bytes())
        return f'<a href="{_up(page)}{FILES}/{file}">{text}</a>'

    def _filled(self, kind: str, asked: str) -> str:
        """Return the Markdown for a placeholder of our own pages; their links are those of a README."""
        if kind == "README":
            return section((ROOT / README[self.language]).read_text(encoding="utf-8"), asked)
        if kind == "project":
            address = _address()
            return self.words["project_here"].format(address=address) if address else self.words["project_unknown"]
        if kind == "strip":
            return self._strip(asked)
        if kind == "lab":
            lab = f"{_up(HOME)}{LAB}/{LAB_PAGE[self.language]}"
            return f'<p><a class="lab-link" href="{lab}">{asked}</a></p>' if self.live else ""
        if kind == "toctree":
            caption, _, listed = asked.partition(": ")
            return _toctree(listed.split(), caption)
        if kind == "lessons":
            return "\n\n".join(
                _toctree([f"lessons/{lesson}" for lesson in names], part) for part, names in parts(self.language)
            )
        if kind == "exercises":
            return "\n\n".join(map(self._exercises, sorted(self._lessons())))
        if kind == "english":
            told = (FOLDER / self.language / OWN[ALL]).read_text(encoding="utf-8")
            others = [name for name, page in pages("en").items() if page not in twins() and f"]({name})" not in told]
            return "\n".join(f"| [{headings_of((ROOT / name).read_text('utf-8'))[0]}]({name}) | |" for name in others)
        listed = [page for page in self.pages.values() if page.startswith("docs/") and page not in asked.split()]
        return _toctree([page.split("/")[1] for page in listed])

    def _lessons(self) -> list[Path]:
        return list((ROOT / "notebooks" / self.language).glob("[0-9]*.ipynb"))

    def _exercises(self, lesson: Path) -> str:
        """Return a section on the exercises of a lesson: what they ask for, and where they are."""
        book = Lesson.read(lesson.parent / LESSON_EXERCISES / lesson.name)
        tasks = [TASK.search(cell.source) for cell in book.prose if cell.id.endswith("-task")]
        links = self.words["exercise_links"].format(
            lesson=f"notebooks/{self.language}/{lesson.name}", file=f"{_up(EXERCISES)}{self._download(lesson.name)}"
        )
        return "\n".join([f"## {title(lesson)}\n", *(f"- {task[1]} ({task[2]})" for task in tasks), f"\n{links}"])

    def _strip(self, number: str) -> str:
        """Return the picture at the head of a lesson, with its words."""
        (path,) = (ROOT / "notebooks" / self.language).glob(f"{number}_*.ipynb")
        head = Lesson.read(path).cell(HEAD)
        attached = {f"attachment:{file}": data for file, data in head.attachments.items()}
        found = next(part for part in PART.finditer(head.source) if part["picture"] in attached)
        return self._picture(found["picture"], found["alt"], None, path.name, HOME, attached)


def _address() -> str | None:
    """Return the address of the repository, None while it is not decided."""
    return read_project(ROOT).get("urls", {}).get("Repository")


def _alone(data: bytes) -> bytes:
    """Return a notebook as it is offered alone: without the picture at its head, and links to pages only as words."""
    book = nbformat.reads(data.decode("utf-8"), as_version=4)
    for cell in book.cells:
        if is_prose(cell):
            cell.pop("attachments", None)
            cell.source = LINK.sub(lambda link: link[0] if link[2].endswith(".ipynb") else link[1], cell.source)
            cell.source = re.sub(r"!\[[^\]]*\]\(attachment:[^)]*\)\n*", "", cell.source)
    return (nbformat.writes(book) + "\n").encode("utf-8")


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip file of {name: content} that is the same each time."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _toctree(pages: list[str], caption: str = "") -> str:
    """Return a list of pages that also orders them; one with a caption shows only in the sidebar."""
    options = [f":caption: {caption[:1].upper()}{caption[1:]}", ":hidden:"] if caption else [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *options, "", *pages, "```"])


def _up(page: str) -> str:
    """Return what leads from a page to the folder of the site."""
    return "../" * (page.count("/") + 1)


def _joined(name: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
