"""Which cells of a lesson begin a slide, stored in their metadata as Jupyter does: `"slideshow": {"slide_type": ...}`.

A slide begins at the head and at each heading, at a picture where the slide has one already, and where there is no
room left. Pictures, and the prose below them, appear one by one, so that a class can guess first. Deeper has no slides.
"""

import re
from math import ceil
from unicodedata import east_asian_width

import nbformat

from tools.lesson import FOLDED, Lesson, headings_of, is_prose, pictures_of, printed_by

SLIDE, GOES_ON, LATER, SKIP = "slide", "-", "fragment", "skip"
# Pixels of a slide, which is scaled to the screen; tools/deck/index.html.j2 has the letters to these sizes.
WIDTH, HEIGHT = 1280, 800
# A picture has 350 pixels there; the rest is left for an answer that comes with the slide after it.
PICTURE, LINE, CODE_LINE, GAP = 390, 34, 26, 24
LETTERS, CODE_LETTERS = 100, 100  # in a line; a Japanese letter takes the room of two

COLAB = re.compile(r"<!-- colab -->.*?<!-- /colab -->\s*", re.DOTALL)
PICTURE_LINE = re.compile(r"^!\[.*\)$", re.MULTILINE)
ADDRESS = re.compile(r"\]\([^)]*\)")


def mark(lesson: Lesson) -> bool:
    """Store in each cell how it stands on slides, and return whether that changed anything."""
    wrong = wrongly_marked(lesson)
    for cell, kind in wrong:
        cell.metadata.pop("slideshow", None)
        if kind != GOES_ON:
            cell.metadata["slideshow"] = nbformat.from_dict({"slide_type": kind})
    return bool(wrong)


def wrongly_marked(lesson: Lesson) -> list[tuple[nbformat.NotebookNode, str]]:
    """Return (cell, what it is on slides) for each cell that stores something else; GOES_ON is stored as nothing."""
    return [
        (cell, kind)
        for cell, kind in zip(lesson.cells, kinds(lesson))
        if cell.metadata.get("slideshow") != ({"slide_type": kind} if kind != GOES_ON else None)
    ]


def kinds(lesson: Lesson) -> list[str]:
    """Return for each cell SLIDE (it begins one), GOES_ON, LATER (it goes on, at a key press) or SKIP."""
    found: list[str] = []
    room, has_picture = 0, False
    for place, cell in enumerate(lesson.core):
        picture, height = _has_picture(cell), height_of(cell)
        begins = not found or (is_prose(cell) and bool(headings_of(cell.source)))
        needs, picture_comes = height, picture
        if is_prose(cell) and not FOLDED.search(cell.source):
            # It speaks of the cell below, and moves to the next slide with it; an answer stays with what it explains.
            below = lesson.core[place + 1 : place + 2]
            if below and not is_prose(below[0]):
                needs, picture_comes = height + height_of(below[0]), _has_picture(below[0])
        if begins or needs > room or (picture_comes and has_picture):
            found.append(SLIDE)
            room, has_picture = HEIGHT, False
        else:
            found.append(LATER if picture or (has_picture and is_prose(cell)) else GOES_ON)
        room, has_picture = room - height, has_picture or picture
    return found + [SKIP] * (len(lesson.cells) - len(found))


def _has_picture(cell: nbformat.NotebookNode) -> bool:
    return not is_prose(cell) and bool(pictures_of(cell))


def height_of(cell: nbformat.NotebookNode) -> int:
    """Return how high a cell stands on a slide, in pixels: an estimate."""
    if is_prose(cell):
        text = FOLDED.sub(r"\1", COLAB.sub("", cell.source))
        pictures = len(PICTURE_LINE.findall(text))
        lines = ADDRESS.sub("]", PICTURE_LINE.sub("", text)).splitlines()
        # A paragraph is filled, whatever its lines in the file; a blank line takes half of one.
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
        filled = sum(ceil(_width(line) / LETTERS) for part in paragraphs for line in _filled(part))
        return PICTURE * pictures + LINE * filled + GAP * len(paragraphs)
    code = sum(max(1, ceil(_width(line) / CODE_LETTERS)) for line in cell.source.splitlines())
    printed = 0 if pictures_of(cell) else len(printed_by(cell).splitlines())
    return GAP + CODE_LINE * (code + printed) + PICTURE * bool(pictures_of(cell))


def _width(line: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in line)


def _filled(paragraph: str) -> list[str]:
    """Return the lines of a paragraph as they are filled: those of lists and tables apart, all others as one."""
    lines: list[str] = []
    for line in paragraph.splitlines():
        if lines and not re.match(r"\s*(>|[-*|]|\d+\.) ?", line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return lines
