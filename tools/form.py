"""Check the form of the lessons: what a program can see of the rules for notebooks.

    python -m tools.form               all English lessons
    python -m tools.form FILE ...      these notebooks

Each rule is a function that takes a `Lesson` and yields what is wrong, in words.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

LESSONS = Path(__file__).resolve().parent.parent / "notebooks" / "en"
FILE_BYTES, PICTURE_BYTES = 1_000_000, 300_000
LINES, SHORT, SHARE_SHORT, MEDIAN, COLUMNS = 20, 10, 0.9, 5, 79
WORDS = (8, 120)
CODE_CELLS_IN_A_ROW = 2
CLAIMS = 3
HEAD, SETUP = "head", "setup"
FOOT = ("What you saw", "Try it", "Next")
ITEMS = {"What you saw": (1, 4), "Try it": (2, 4)}

RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]+)?")
HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
ITEM = re.compile(r"^(?:[-*]|\d+\.) ", re.MULTILINE)
TABLE_ROW = re.compile(r"^ *\|.*$", re.MULTILINE)
NOT_READ = re.compile(r"<!--.*?-->|</?\w[^>]*>|\]\([^)]*\)", re.DOTALL)  # comments, tags, addresses of links
ANSWER = re.compile(r"<details>\s*<summary>.*?\w.*?</summary>.*?\w.*?</details>", re.DOTALL)
HUB_ID = re.compile(r"[A-Za-z][\w.-]*/[\w.-]+")
NOT_A_HUB_ID = re.compile(r"(?:output|image|text)/.*|.*\.[a-z]{2,5}")  # a file, or a kind of data
HUB_OWNERS = re.compile(r"\b(?:stable-diffusion-v1-5|runwayml|CompVis|stabilityai|black-forest-labs)/\w", re.IGNORECASE)
OTHER_SDKIT = re.compile(r"\bpip3?\s+install\s+(?:-\S+\s+)*[\"']?sdkit(?![\w/])")

Problems = Iterator[str]
RULES: dict[str, Callable[["Lesson"], Problems]] = {}


def rule(function: Callable[["Lesson"], Problems]) -> Callable[["Lesson"], Problems]:
    """Add a function to the rules."""
    RULES[function.__name__] = function
    return function


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

    @property
    def foot(self) -> int:
        """Return the place of the cell where the foot begins, or the number of cells."""
        starts = [n for n, cell in enumerate(self.cells) if is_prose(cell) and FOOT[0] in HEADING.findall(cell.source)]
        return starts[0] if starts else len(self.cells)

    @property
    def body(self) -> list[nbformat.NotebookNode]:
        """Return the cells between head and foot."""
        return [cell for cell in self.cells[: self.foot] if cell.get("id") != HEAD]

    def nodes(self, kind: type | tuple[type, ...]) -> list[tuple[tuple[int, int, int], nbformat.NotebookNode, Any]]:
        """Return (place, cell, node) for each syntax node of a kind, in reading order."""
        found = []
        for number, (cell, tree) in enumerate(self.trees):
            for node in ast.walk(tree):
                if isinstance(node, kind):
                    found.append(((number, node.lineno, node.col_offset), cell, node))
        return sorted(found, key=itemgetter(0))


def problems(path: str | Path) -> list[str]:
    """Return what is wrong with a notebook, each with the name of the rule."""
    lesson = Lesson.read(path)
    return [f"{name}: {problem}" for name, check in RULES.items() for problem in check(lesson)]


def is_prose(cell: nbformat.NotebookNode) -> bool:
    """Say whether a cell is Markdown."""
    return cell.cell_type == "markdown"


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def lines_of(cell: nbformat.NotebookNode) -> list[str]:
    """Return the lines of a cell that are not blank."""
    return [line for line in cell.source.splitlines() if line.strip()]


def words_of(text: str) -> list[str]:
    """Return the words a reader sees, those of tables left out."""
    return re.findall(r"\S*\w\S*", NOT_READ.sub(" ", TABLE_ROW.sub("", text)))


@rule
def counts(lesson: Lesson) -> Problems:
    """One run from top to bottom leaves the counts 1 to N; a cell without a count is never compared."""
    for number, cell in enumerate(lesson.code, 1):
        if cell.execution_count != number:
            yield f"{cell.get('id')} has the count {cell.execution_count}, not {number}; use tools.notebooks"
            return  # the others would follow from it


@rule
def no_empty_cells(lesson: Lesson) -> Problems:
    """Each cell holds something."""
    for cell in lesson.cells:
        if not cell.source.strip():
            yield f"{cell.get('id')} is empty"


@rule
def no_stderr(lesson: Lesson) -> Problems:
    """Nothing goes to stderr, where warnings and progress bars would be."""
    for cell in lesson.code:
        if any(output.output_type == "stream" and output.name == "stderr" for output in cell.outputs):
            yield f"{cell.get('id')} wrote to stderr"


@rule
def no_errors(lesson: Lesson) -> Problems:
    """An error is stored only where the cell is tagged for it."""
    for cell in lesson.code:
        if "raises-exception" not in tags(cell) and any(output.output_type == "error" for output in cell.outputs):
            yield f"{cell.get('id')} raised an error"


@rule
def nothing_of_one_run(lesson: Lesson) -> Problems:
    """What belongs to one run is not stored: widget state, times, a picture's second format."""
    if "widgets" in lesson.book.metadata:
        yield "the notebook stores the state of widgets"
    for cell in lesson.code:
        if "execution" in cell.metadata:
            yield f"{cell.get('id')} stores when it ran"
        if any({"image/png", "image/jpeg"} <= set(output.get("data", {})) for output in cell.outputs):
            yield f"{cell.get('id')} stores a picture as PNG and as JPEG"


@rule
def sizes(lesson: Lesson) -> Problems:
    """Files and pictures are small."""
    size = lesson.path.stat().st_size
    if size > FILE_BYTES:
        yield f"the file has {size} bytes; {FILE_BYTES} are allowed"
    for cell in lesson.code:
        for output in cell.outputs:
            for kind, data in output.get("data", {}).items():
                size = len(data) * 3 // 4  # base64
                if kind.startswith("image/") and size > PICTURE_BYTES:
                    yield f"{cell.get('id')} stores a picture of {size} bytes; {PICTURE_BYTES} are allowed"


@rule
def ids(lesson: Lesson) -> Problems:
    """Each cell has its own readable id, as nbformat 4.5 allows it."""
    version = lesson.book.nbformat, lesson.book.nbformat_minor
    if version != (4, 5):
        yield f"the format is {version[0]}.{version[1]}, not 4.5; was the notebook saved from Colab?"
    found = Counter(cell.get("id") for cell in lesson.cells)
    for name, times in found.items():
        if times > 1:
            yield f"{times} cells have the id {name}"
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name or "") or RANDOM_ID.fullmatch(name):
            yield f"the id {name} is not readable; name what the cell does"


@rule
def head(lesson: Lesson) -> Problems:
    """The first cell has the number and title, and the question the lesson answers."""
    number = re.match(r"(\d\d)_[a-z0-9_]+$", lesson.path.stem)
    if not number:
        yield "the file is not named as in 03_prompt.ipynb"
    first = lesson.cells[0] if lesson.cells else None
    if first is None or first.get("id") != HEAD or not is_prose(first):
        yield f"the first cell is not Markdown with the id {HEAD}"
        return
    title = re.match(r"# (\d+) · \S", first.source)
    if not title:
        yield "the first line is not as in '# 3 · prompt'"
    elif number and int(number[1]) != int(title[1]):
        yield f"the title has the number {title[1]}, the file {number[1]}"
    if "**Question:**" not in first.source:
        yield "the head has no **Question:**"


@rule
def setup_comes_first(lesson: Lesson) -> Problems:
    """The first code cell is the setup."""
    if not lesson.code or lesson.code[0].get("id") != SETUP:
        yield f"the first code cell does not have the id {SETUP}"


@rule
def imports_in_setup(lesson: Lesson) -> Problems:
    """Imports are in the setup, named one by one, unless the import is the lesson."""
    for _, cell, node in lesson.nodes((ast.Import, ast.ImportFrom)):
        if cell.get("id") != SETUP and "import" not in tags(cell):
            yield f"{cell.get('id')} imports; move it to the setup or tag the cell 'import'"
        if any(alias.name == "*" for alias in node.names):
            yield f"{cell.get('id')} imports everything; name what is used"


@rule
def prose_between(lesson: Lesson) -> Problems:
    """At most two code cells follow each other without prose."""
    for kind, group in groupby(lesson.cells, key=lambda cell: cell.cell_type):
        row = [cell.get("id") for cell in group]
        if kind == "code" and len(row) > CODE_CELLS_IN_A_ROW:
            yield f"{', '.join(row)} have no prose between them"


@rule
def code_length(lesson: Lesson) -> Problems:
    """Code cells are short."""
    lengths = []
    for cell in lesson.code:
        lengths.append(len(lines_of(cell)))
        if lengths[-1] > LINES:
            yield f"{cell.get('id')} has {lengths[-1]} lines; {LINES} are allowed"
        widest = max((len(line) for line in lines_of(cell)), default=0)
        if widest > COLUMNS:
            yield f"{cell.get('id')} has {widest} columns; {COLUMNS} are allowed"
    if lengths and median(lengths) > MEDIAN:
        yield f"the median is {median(lengths)} lines; {MEDIAN} are allowed"
    if sum(length <= SHORT for length in lengths) < SHARE_SHORT * len(lengths):
        yield f"fewer than {SHARE_SHORT:.0%} of the code cells have at most {SHORT} lines"


@rule
def no_semicolons(lesson: Lesson) -> Problems:
    """No line ends with a semicolon, which silences nothing under nbval, or has one inside."""
    for cell, tokens in lesson.tokens:
        if any(token.type == tokenize.OP and token.string == ";" for token in tokens):
            yield f"{cell.get('id')} has a semicolon"


@rule
def no_comments(lesson: Lesson) -> Problems:
    """Explanations are prose, where they can be translated."""
    for cell, tokens in lesson.tokens:
        if any(token.type == tokenize.COMMENT for token in tokens):
            yield f"{cell.get('id')} has a comment; say it in Markdown"


@rule
def prose_length(lesson: Lesson) -> Problems:
    """A Markdown cell says something, and not too much at once."""
    for cell in filter(is_prose, lesson.body):
        number = len(words_of(cell.source))
        low = 0 if TABLE_ROW.search(cell.source) else WORDS[0]
        if not low <= number <= WORDS[1]:
            yield f"{cell.get('id')} has {number} words; {WORDS[0]} to {WORDS[1]} are allowed"


@rule
def guess_then_look(lesson: Lesson) -> Problems:
    """At least once the reader is asked something and can open the answer."""
    text = "\n\n".join(cell.source for cell in lesson.body if is_prose(cell))
    if text.count("<details>") != text.count("</details>"):
        yield "a <details> is not closed"
    answer = ANSWER.search(text)
    if not answer:
        yield "no answer is hidden in <details> with a <summary>"
    elif "?" not in text[: answer.start()]:
        yield "nothing is asked before the first answer"


@rule
def foot(lesson: Lesson) -> Problems:
    """The lesson ends with what was seen, what to try, and where to go next."""
    end = lesson.cells[lesson.foot :]
    if not end:
        yield f"there is no '## {FOOT[0]}'"
        return
    text = "\n\n".join(cell.source for cell in end)
    headings = tuple(HEADING.findall(text))
    if not all(map(is_prose, end)) or headings != FOOT or not text.startswith("## "):
        yield f"the end is not Markdown with only the headings {', '.join(FOOT)} in this order"
        return
    sections = dict(zip(FOOT, HEADING.split(text)[2::2]))
    for name, (low, high) in ITEMS.items():
        number = len(ITEM.findall(sections[name]))
        if not low <= number <= high:
            yield f"'{name}' has {number} items; {low} to {high} are allowed"
    if "](" not in sections["Next"]:
        yield "'Next' has no link"


@rule
def links_lead_somewhere(lesson: Lesson) -> Problems:
    """Links to other files of the project are not broken."""
    for cell in filter(is_prose, lesson.cells):
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", cell.source):
            if not re.match(r"[a-z]+:", target) and not (lesson.path.parent / target).exists():
                yield f"{cell.get('id')} links to {target}, which is not there"


@rule
def claims(lesson: Lesson) -> Problems:
    """What the prose says about pictures is asserted."""
    number = len(lesson.nodes(ast.Assert))
    if number < CLAIMS:
        yield f"there are {number} asserts; {CLAIMS} or more are expected"


@rule
def bare_call_first(lesson: Lesson) -> Problems:
    """The reader meets diffusers' own call before the helpers that wrap it."""
    calls = [place for place, _, node in lesson.nodes(ast.Call) if getattr(node.func, "id", None) == "pipe"]
    helpers = [found for found in lesson.nodes(ast.Name) if found[2].id in ("generate", "sweep")]
    if not helpers:
        return
    place, cell, helper = helpers[0]
    if not calls or calls[0] > place:
        yield f"{cell.get('id')} uses {helper.id} before any pipe(...)"


@rule
def model_by_name(lesson: Lesson) -> Problems:
    """One name, MODEL, says which model is used, so that changing it changes the whole lesson."""
    assigned = [node for _, _, node in lesson.nodes(ast.Assign) if ast.unparse(node).startswith("MODEL = ")]
    allowed = [node.value for node in assigned]
    for _, cell, node in lesson.nodes(ast.Constant):
        text = node.value
        if isinstance(text, str) and not any(node is value for value in allowed):
            if HUB_ID.fullmatch(text) and not NOT_A_HUB_ID.fullmatch(text):
                yield f"{cell.get('id')} names the model {text}; use MODEL"
    for _, cell, node in lesson.nodes(ast.Call):
        if ast.unparse(node.func).split(".")[-1] not in ("load_pipeline", "from_pretrained"):
            continue
        chosen = node.args[:1] or [keyword.value for keyword in node.keywords if keyword.arg in ("model", None)]
        if not chosen or isinstance(chosen[0], (ast.Constant, ast.JoinedStr)):
            yield f"{cell.get('id')} loads a model that is not MODEL"
    for cell in filter(is_prose, lesson.cells):
        if any(HUB_OWNERS.search(line) and "MODEL" not in line for line in cell.source.splitlines()):
            yield f"{cell.get('id')} names a model without MODEL"


@rule
def not_the_other_sdkit(lesson: Lesson) -> Problems:
    """The package index has another project under the name sdkit."""
    for cell in lesson.cells:
        if OTHER_SDKIT.search(cell.source):
            yield f"{cell.get('id')} tells to install another project"


def main(arguments: list[str] | None = None) -> int:
    """Print what is wrong with the notebooks and return 1 if something is."""
    parser = argparse.ArgumentParser(prog="python -m tools.form", description="Check the form of the lessons.")
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all English lessons if none is given")
    found = 0
    for path in parser.parse_args(arguments).files or sorted(LESSONS.glob("*.ipynb")):
        for problem in problems(path):
            found += 1
            print(f"{path.name}: {problem}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
