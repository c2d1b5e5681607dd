"""The Markdown cells of a notebook as one text, for people and programs that work on prose.

Before each cell stands a line `<!-- cell: ID -->`. A last line `<!-- done -->` says that the text is complete.
"""

import json
import re
from pathlib import Path

from tools.lesson import Lesson

Cells = dict[str, str]  # {id: text} of the Markdown cells, in order

# Blocks and spans of code in Markdown; a span may go on in the next line.
CODE = r"```.*?```|`(?:[^`\n]|\n(?!\s*\n))*`"
# What stands in a message without code font: a field that is filled in, such as {value:g}, and calls and attributes.
NOT_PROSE = re.compile(r"\{\w+[^}]*\}|\.?[A-Za-z_]\w*(?:\([^()]*\)|\[[^\]]*\]|\.\w+)+|\.[a-z]\w*", re.ASCII)
SENTENCE = re.compile(r"\W$")  # its end
MARK = re.compile(r"<!-- cell: ([A-Za-z0-9_-]+) -->")
DONE = "<!-- done -->"


def marked_text(path: str | Path) -> str:
    """Return a notebook's Markdown cells as one text, or a Markdown file as it is.

    A catalogue of messages (.json, {English: Japanese}) becomes a text in which each Japanese sentence is a cell, named
    by its number; one that ends without a mark, such as the head of a column, is a heading. Raises ValueError for other
    files.
    """
    path = Path(path)
    if path.suffix == ".ipynb":
        return joined({cell.id: cell.source for cell in Lesson.read(path).prose})
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        sentences = json.loads(path.read_text(encoding="utf-8"))
        prose = [NOT_PROSE.sub(r"`\g<0>`", text) for text in sentences.values()]
        marked = [text if SENTENCE.search(english) else f"# {text}" for english, text in zip(sentences, prose)]
        return joined({str(number): text for number, text in enumerate(marked, 1)})
    raise ValueError(f"{path} is neither a notebook (.ipynb) nor Markdown (.md) nor a catalogue of messages (.json)")


def joined(cells: Cells) -> str:
    """Return {id: text} as one text, with the comments."""
    return "\n\n".join(f"<!-- cell: {name} -->\n{text}" for name, text in cells.items()) + "\n"


def split(text: str) -> Cells:
    """Return {id: text} from such a text; raise ValueError for words before the first cell and for an id used twice."""
    before, *parts = MARK.split(text.removesuffix("\n").removesuffix(DONE))
    if before.strip():
        raise ValueError(f"there is text before the first <!-- cell: ID -->: {before.strip()[:60]!r}")
    cells: Cells = {}
    for name, source in zip(parts[::2], parts[1::2], strict=True):
        if name in cells:
            raise ValueError(f"the cell {name} is there twice")
        cells[name] = source.strip("\n")
    return cells
