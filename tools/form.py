"""Check the form of the lessons: what a program can see of the rules for notebooks.

    python -m tools.form               all English lessons
    python -m tools.form FILE ...      these notebooks

A Japanese lesson is held to the rules that do not read English words; tools.translation holds its prose to the English.

Each rule is a function that takes a `Lesson` and yields what is wrong, in words.
"""

import argparse
import ast
import posixpath
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from statistics import median

from PIL import ImageChops, ImageStat

from sdkit.lessons import source
from tools import prose_numbers, slide_marks, strip
from tools.lesson import (
    ARTICLE,
    DEEPER,
    FOLDED,
    HEAD,
    LESSONS,
    NEXT,
    NOT_READ,
    PANELS,
    REAL,
    SAW,
    SETUP,
    TABLE_ROW,
    YOURS,
    Lesson,
    anchor,
    headings_of,
    is_prose,
    lines_of,
    pictures_of,
    says,
    tags,
    words_of,
)
from tools.minutes import NUMBERED, minutes

FILE_BYTES, PICTURE_BYTES = 1_000_000, 300_000
LINES, SHORT, SHARE_SHORT, MEDIAN, COLUMNS = 20, 10, 0.9, 5, 79
SETUP_LINES, CORE_CELLS = 6, 20
WORDS = (8, 120)
NO_WORD_COUNT = {HEAD, YOURS, ARTICLE, NEXT}
MINUTES, MINUTES_OFF = (4, 20), 0.3  # what a head may say, and how far it may be from the estimate
STRIP_OFF = 4  # mean grey levels by which a JPEG may differ from its picture
CODE_CELLS_IN_A_ROW = 2
CLAIMS = 3
FIXED = (HEAD, SETUP, SAW, REAL, YOURS, DEEPER, NEXT)
DEEPER_SETUP = "deeper-setup"
BEGINNINGS = {
    SAW: "## What you saw",
    REAL: "> **On real Stable Diffusion 1.x** (documented, not run here)",
    YOURS: "## Your turn",
    DEEPER: "## Deeper",
    NEXT: "## Next",
}
ITEMS = (2, 4)  # of what was seen, and exercises
EXERCISES = ("Make", "Diagnose")
TO_EXERCISES = "Exercises that check themselves: [exercises/{number}]({place})"
APPENDIX = "](../../docs/article.md"
STOP = "A class can stop here"
GLOSSARY = "glossary.md"

RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f-]+)?")
ITEM = re.compile(r"^(?:[-*]|\d+\.) ", re.MULTILINE)
QUOTED_ITEM = re.compile(r"^> ?(?:[-*]|\d+\.) ", re.MULTILINE)
WEB_LINK = re.compile(r"\]\(https?://[^)\s]+")
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)|\b(?:src|href)=\"([^\"]+)\"")
CODE_SPAN = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
NOT_SHOWN = re.compile(r"<(?!/?(?:details|summary|a|img|b|i|sup|sub|br|code|table|tr|td|th)\b)/?[A-Za-z][^<>\n]*>")
NAMED_CELLS = re.compile(r"\bcells? ((?:`[A-Za-z0-9_-]+`(?:, and |, | and | or | to )?)+)", re.IGNORECASE)
STRIP = re.compile(r"!\[([^\]]*)\]\(attachment:([^)]+)\)")
TIME = re.compile(r"\b(\d+) minutes\b")
SENTENCE = re.compile(r"[A-Z]\S*(?: [a-z]\S*){3,}|\S+(?: \S+){2,}[.?!]")
VALUE = re.compile(r"[-+]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?|\b(?:True|False|None|nan|inf)\b")
HUB_ID = re.compile(r"[A-Za-z][\w.-]*/[\w.-]+")
NOT_A_HUB_ID = re.compile(r"(?:output|image|text)/.*|.*\.[a-z]{2,5}")  # a file, or a kind of data
HUB_OWNERS = re.compile(r"\b(?:stable-diffusion-v1-5|runwayml|CompVis|stabilityai|black-forest-labs)/\w", re.IGNORECASE)
OTHER_SDKIT = re.compile(r"\bpip3?\s+install\s+(?:-\S+\s+)*[\"']?sdkit(?![\w/])")

Problems = Iterator[str]
RULES: dict[str, Callable[[Lesson], Problems]] = {}
ENGLISH = {
    "fixed_cells", "head", "head_picture", "head_minutes", "numbers_in_prose", "prose_length", "words_before_use",
    "guess_then_look", "exercises", "exercises_that_check_themselves", "article_table", "next_lesson", "named_cells",
    "slides",
}  # fmt: skip


def rule(function: Callable[[Lesson], Problems]) -> Callable[[Lesson], Problems]:
    """Add a function to the rules."""
    RULES[function.__name__] = function
    return function


def problems(path: str | Path) -> list[str]:
    """Return what is wrong with a notebook, each with the name of the rule."""
    lesson = Lesson.read(path)
    rules = {name: check for name, check in RULES.items() if lesson.path.parent.name != "ja" or name not in ENGLISH}
    return [f"{name}: {problem}" for name, check in rules.items() for problem in check(lesson)]


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
    for cell in lesson.cells:
        bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
        for bundle in [*bundles, *cell.get("attachments", {}).values()]:
            for kind, data in bundle.items():
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
def fixed_cells(lesson: Lesson) -> Problems:
    """The cells that every lesson has are there, in order, and begin as they should."""
    names = [cell.get("id") for cell in lesson.cells]
    missing = [name for name in FIXED if name not in names]
    if missing:
        yield f"there is no cell {', '.join(missing)}"
        return
    places = [names.index(name) for name in FIXED]
    if places != sorted(places) or places[:2] != [0, 1] or places[-1] != len(names) - 1:
        yield f"the fixed cells are not {', '.join(FIXED)} in this order, two at the top and one at the end"
    if ARTICLE in names and names.index(ARTICLE) != len(names) - 2:
        yield f"{ARTICLE} does not stand right before {NEXT}"
    if DEEPER_SETUP in names and names.index(DEEPER_SETUP) != names.index(DEEPER) + 1:
        yield f"{DEEPER_SETUP} does not stand right after {DEEPER}"
    for cell in lesson.cells:
        kind = "code" if cell.get("id") in (SETUP, DEEPER_SETUP) else "markdown"
        if cell.get("id") in (*FIXED, ARTICLE, DEEPER_SETUP) and cell.cell_type != kind:
            yield f"{cell.get('id')} is not a {kind} cell"
        beginning = BEGINNINGS.get(cell.get("id"), "")
        if not cell.source.startswith(beginning):
            yield f"{cell.get('id')} does not begin with {beginning!r}"


@rule
def head(lesson: Lesson) -> Problems:
    """The first cell has the number and title, then the question, then the strip."""
    number = re.match(r"(\d\d)_[a-z0-9_]+$", lesson.path.stem)
    if not number:
        yield "the file is not named as in 03_prompt.ipynb"
    first = lesson.cell(HEAD)
    lines = lines_of(first) if first is not None else []
    title = re.match(r"# (\d+) · \S", lines[0]) if lines else None
    if not title:
        yield "the first line is not as in '# 3 · prompt'"
    elif number and int(number[1]) != int(title[1]):
        yield f"the title has the number {title[1]}, the file {number[1]}"
    if not (len(lines) > 1 and lines[1].rstrip(" *_").endswith("?")):
        yield "the second line does not end with a question mark"
    if not (len(lines) > 2 and STRIP.fullmatch(lines[2].strip())):
        yield f"the third line is not as in '![what is seen](attachment:{strip.NAME})'"


@rule
def head_picture(lesson: Lesson) -> Problems:
    """The head shows, and describes, the last picture of the cell that its metadata names."""
    first = lesson.cell(HEAD)
    if first is None:
        return
    for text, name in STRIP.findall(first.source):
        if len(words_of(text)) < 3:
            yield f"the text of the picture {name} does not say what is seen"
        if name not in first.get("attachments", {}):
            yield f"the picture {name} is not there; use tools.notebooks"
    if "strip" not in says(first):
        yield 'the metadata of the head names no cell for the picture, as {"lesson": {"strip": "axis"}} does'
        return
    try:
        fresh = strip.strip_of(lesson.book, says(first)["strip"])
    except ValueError as error:
        yield str(error)
        return
    if strip.NAME in first.get("attachments", {}):
        stored = strip.opened(first.attachments[strip.NAME][strip.KIND])
        if stored.size != fresh.size or max(ImageStat.Stat(ImageChops.difference(stored, fresh)).mean) > STRIP_OFF:
            yield f"the picture is not that of the cell {says(first)['strip']}; use tools.notebooks"


@rule
def head_minutes(lesson: Lesson) -> Problems:
    """The head says how many minutes the core takes, and that can be kept."""
    first = lesson.cell(HEAD)
    found = TIME.search(first.source) if first is not None else None
    if not found:
        yield "the head does not say how long the lesson takes, as in '12 minutes'"
        return
    said, estimate = int(found[1]), minutes(lesson)
    if not MINUTES[0] <= said <= MINUTES[1]:
        yield f"the head says {said} minutes; {MINUTES[0]} to {MINUTES[1]} are allowed"
    if abs(said - estimate) > MINUTES_OFF * estimate:
        yield f"the head says {said} minutes, but reading, running and looking take about {estimate:.0f}"


@rule
def core(lesson: Lesson) -> Problems:
    """The core is short and ends with a panel."""
    if len(lesson.core) > CORE_CELLS:
        yield f"there are {len(lesson.core)} cells before {DEEPER}; {CORE_CELLS} are allowed"
    if not any(last is cell for last in lesson.core[-1:] for cell in lesson.panels):
        yield f"the cell before {DEEPER} has no {' or '.join(f'{name}(...)' for name in PANELS)}"


@rule
def slides(lesson: Lesson) -> Problems:
    """Each cell stores whether it begins a slide, as the rule has it."""
    wrong = slide_marks.wrongly_marked(lesson)
    if wrong:
        cell, kind = wrong[0]
        yield f"{cell.get('id')} is {kind!r} on slides ({len(wrong)} cells are marked wrongly); use tools.slides mark"


@rule
def panels_have_pictures(lesson: Lesson) -> Problems:
    """A page without a kernel shows a panel as a picture, not as the text of a widget."""
    for cell in lesson.panels:
        if not pictures_of(cell):
            yield f"{cell.get('id')} is a panel without a still picture"
    for cell in lesson.code:
        if any("Box(children=" in output.get("data", {}).get("text/plain", "") for output in cell.outputs):
            yield f"{cell.get('id')} shows the text of a widget"


@rule
def setup_is_short(lesson: Lesson) -> Problems:
    """The setup fits on the first screen."""
    cell = lesson.cell(SETUP)
    if cell is not None and len(cell.source.splitlines()) > SETUP_LINES:
        yield f"{SETUP} has {len(cell.source.splitlines())} lines; {SETUP_LINES} are allowed"


@rule
def imports_in_setup(lesson: Lesson) -> Problems:
    """Imports are in the setup, or in that of Deeper, named one by one, unless the import is the lesson."""
    for _, cell, node in lesson.nodes((ast.Import, ast.ImportFrom)):
        if cell.get("id") not in (SETUP, DEEPER_SETUP) and "import" not in tags(cell):
            yield f"{cell.get('id')} imports; move it to {SETUP} or {DEEPER_SETUP} or tag the cell 'import'"
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
def no_language_in_code(lesson: Lesson) -> Problems:
    """Explanations are prose, where they can be translated; a comment is only a cell's name, as its first line."""
    for cell, tokens in lesson.tokens:
        comments = [token for token in tokens if token.type == tokenize.COMMENT]
        if any(token.start != (1, 0) or token.string != f"# {cell.get('id')}" for token in comments):
            yield f"{cell.get('id')} has a comment that is not its name as the first line; say it in Markdown"
    compared = [side for _, _, node in lesson.nodes(ast.Compare) for side in (node.left, *node.comparators)]
    for _, cell, node in lesson.nodes(ast.Constant):
        if any(node is side for side in compared):
            continue  # what another program says, as in `"did you mean" in str(error)`
        if isinstance(node.value, str) and SENTENCE.fullmatch(node.value.strip()):
            yield f"{cell.get('id')} holds the sentence {node.value.strip()!r}; say it in Markdown"


@rule
def named_cells(lesson: Lesson) -> Problems:
    """A cell that prose refers to, as in "cell `minus`", is there and shows its name."""
    for cell in lesson.prose:
        for match in NAMED_CELLS.finditer(cell.source):
            for name in re.findall(r"`([^`]+)`", match[1]):
                meant = lesson.cell(name)
                if meant is None or meant.cell_type != "code":
                    yield f"{cell.get('id')} speaks of the cell {name}, which is no code cell"
                elif meant.source.splitlines()[:1] != [f"# {name}"]:
                    yield f"{name} does not show its name, of which {cell.get('id')} speaks: '# {name}' as first line"


@rule
def refusals_are_asserted(lesson: Lesson) -> Problems:
    """A cell that tries what is to fail asserts, after it or in `else`, that it did."""
    for cell, tree in lesson.trees:
        tried = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
        proofs = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        proofs += [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
        for block in tried:
            inside = {id(node) for part in block.orelse for node in ast.walk(part)}
            if not any(id(proof) in inside or proof.lineno > block.end_lineno for proof in proofs):
                yield f"{cell.get('id')} tries something, and no assert after it says that it was refused"


@rule
def numbers_have_names(lesson: Lesson) -> Problems:
    """A printed line of numbers says what they are, or stands under a heading for each of its columns."""
    results = {id(cell): tree.body[-1] for cell, tree in lesson.trees if tree.body}
    for cell in lesson.code:
        for output in cell.outputs:
            data = output.get("data", {})
            text = output.get("text", "") if "data" not in output else data.get("text/plain", "")
            if any(kind.startswith(("image/", "text/html", "application/")) for kind in data):
                continue
            last = results.get(id(cell))
            if "data" in output and isinstance(getattr(last, "value", None), (ast.Name, ast.Attribute)):
                continue  # the line above the number is its name
            columns = 0  # that have a heading
            for line in text.splitlines():
                values = VALUE.findall(line)
                if not values or re.search(r"[^\W\d_]", VALUE.sub("", line)) or values in (["True"], ["False"]):
                    columns = len(line.split())
                elif len(line.split()) > columns:
                    yield f"{cell.get('id')} prints {line.strip()!r} without a name"
                    break


@rule
def numbers_in_prose(lesson: Lesson) -> Problems:
    """Numbers in prose come from the code, or from the output that the cell's metadata names, and agree with it."""
    for name, number in prose_numbers.unmarked(lesson):
        yield f'{name} says {number}; mark where it is from, {{"lesson": {{"numbers": {{"a-cell": ["{number}"]}}}}}}'
    yield from prose_numbers.wrong(lesson)


@rule
def everything_is_shown(lesson: Lesson) -> Problems:
    """A word in angle brackets stands in code font; elsewhere it would be taken for HTML and not be shown."""
    for cell in lesson.prose:
        for match in NOT_SHOWN.finditer(CODE_SPAN.sub("", cell.source)):
            yield f"{cell.get('id')} has {match[0]}, which is not shown; write it in backticks"


@rule
def prose_length(lesson: Lesson) -> Problems:
    """A Markdown cell says something, and not too much at once."""
    for cell in lesson.prose:
        if cell.get("id") in NO_WORD_COUNT:
            continue
        number = len(words_of(cell.source))
        low = 0 if TABLE_ROW.search(cell.source) else WORDS[0]
        if not low <= number <= WORDS[1]:
            yield f"{cell.get('id')} has {number} words; {WORDS[0]} to {WORDS[1]} are allowed"


@rule
def words_before_use(lesson: Lesson) -> Problems:
    """VAE, UNet and CLIP are explained, or linked to the glossary, in the cell that first speaks of them."""
    for word in ("VAE", "UNet", "CLIP"):
        first = next((cell for cell in lesson.prose if re.search(rf"\b{word}\b", CODE_SPAN.sub("", cell.source))), None)
        if first is None:
            continue
        bold = rf"[*_]*\b{word}\b[*_]*"
        after = r" \(|,? (?:is|was|stands for|short for|the|a|an|which|called)\b"
        explained = rf"\({bold}|{bold}(?:{after})|\bcalled {bold}"
        if GLOSSARY not in first.source and not re.search(explained, first.source):
            yield f"{first.get('id')} says {word} first, without explaining it or a link to the glossary"


@rule
def guess_then_look(lesson: Lesson) -> Problems:
    """A question stands before a cell, and its answer, folded, after it; at least once before the summary."""
    for cell in lesson.prose:
        if cell.source.count("<details>") != cell.source.count("</details>"):
            yield f"{cell.get('id')} has a <details> that is not closed"
    answered = 0
    for place, cell in enumerate(lesson.core):
        if cell.get("id") in (SAW, YOURS):
            break
        if not is_prose(cell) or not any("answer" in title.lower() for title, _ in FOLDED.findall(cell.source)):
            continue
        before = lesson.core[:place]
        asked = next((cell for cell in reversed(before) if is_prose(cell)), None)
        if before and is_prose(before[-1]):
            yield f"the answer in {cell.get('id')} does not stand right after the cell that shows it"
        elif asked is None or "?" not in FOLDED.sub("", NOT_READ.sub("", asked.source)):
            yield f"nothing is asked before the cell that the answer in {cell.get('id')} follows"
        else:
            answered += 1
    if not answered:
        yield "no question before a cell has its answer after it in <details> with <summary>Answer</summary>"


@rule
def summary(lesson: Lesson) -> Problems:
    """What you saw is a short list."""
    cell = lesson.cell(SAW)
    number = len(ITEM.findall(cell.source)) if cell is not None else ITEMS[0]
    if not ITEMS[0] <= number <= ITEMS[1]:
        yield f"{SAW} has {number} items; {ITEMS[0]} to {ITEMS[1]} are allowed"


@rule
def real_box(lesson: Lesson) -> Problems:
    """What is said about real Stable Diffusion stands in a box, and each statement names its source."""
    cell = lesson.cell(REAL)
    if cell is None:
        return
    if not all(line.startswith(">") for line in lines_of(cell)):
        yield f"{REAL} has lines outside the box, which do not begin with '>'"
    for text in QUOTED_ITEM.split(cell.source)[1:] or [cell.source]:
        if not WEB_LINK.search(text):
            yield f"{REAL} has no link to the source of {' '.join(text.split()[:6])!r}"


@rule
def exercises(lesson: Lesson) -> Problems:
    """Your turn lets the reader make something and find out what is wrong, a few times, each answer folded."""
    cell = lesson.cell(YOURS)
    if cell is None:
        return
    items = NUMBERED.split(cell.source)[1:]
    if not ITEMS[0] <= len(items) <= ITEMS[1]:
        yield f"{YOURS} has {len(items)} items; {ITEMS[0]} to {ITEMS[1]} are allowed"
    for begin in EXERCISES:
        if not any(item.startswith(f"**{begin}**") for item in items):
            yield f"no item of {YOURS} begins with **{begin}**"
    for number, item in enumerate(items, 1):
        if not FOLDED.search(item):
            yield f"item {number} of {YOURS} has no answer hidden in <details> with a <summary>"


@rule
def exercises_that_check_themselves(lesson: Lesson) -> Problems:
    """Your turn ends with a link to the lesson's exercises."""
    cell = lesson.cell(YOURS)
    place = f"{source.EXERCISES}/{lesson.path.name}"
    line = TO_EXERCISES.format(number=lesson.path.name[:2], place=place)
    if cell is not None and not cell.source.endswith(f"\n\n{line}"):
        yield f"{YOURS} does not end with: {line}"


@rule
def article_table(lesson: Lesson) -> Problems:
    """What the article says is one folded table with a link to the page that names it."""
    cell = lesson.cell(ARTICLE)
    if cell is None:
        return
    folded = FOLDED.findall(cell.source)
    if [title.strip() for title, _ in folded] != ["What the article says"] or not TABLE_ROW.search(folded[0][1]):
        yield f"{ARTICLE} is not one table in <details> with <summary>What the article says</summary>"
    if APPENDIX not in cell.source:
        yield f"{ARTICLE} has no link to docs/article.md"


@rule
def next_lesson(lesson: Lesson) -> Problems:
    """Where the core ends, and at the end, a link leads to the next lesson."""
    number = re.match(r"\d\d", lesson.path.name)
    following = [path.name for path in lesson.path.parent.glob(f"{int(number[0]) + 1 if number else 0:02}_*.ipynb")]
    for name in (DEEPER, NEXT):
        cell = lesson.cell(name)
        if cell is None:
            continue
        if name == DEEPER and STOP not in cell.source:
            yield f"{DEEPER} does not say '{STOP}'"
        links = [first for first, _ in LINK.findall(cell.source) if first.endswith(".ipynb")]
        if not links or (following and not set(links) & set(following)):
            yield f"{name} has no link to {', '.join(following) or 'a lesson'}"


@rule
def links_lead_somewhere(lesson: Lesson) -> Problems:
    """Links lead to a file of the project that a reader's copies of the lessons have, too, or to a heading here."""
    headings = {anchor(heading) for cell in lesson.prose for heading in headings_of(cell.source)}
    folder = _folder_of(lesson.path)
    language = "/".join(folder.split("/")[:2])  # without exercises/, whose lessons a reader has, too
    for cell in lesson.prose:
        text = CODE_SPAN.sub("", cell.source)
        rewritten = [match[2] for pattern in (source.LINK, source.SOURCE) for match in pattern.finditer(cell.source)]
        for target in (first or second for first, second in LINK.findall(text)):
            path, _, place = target.partition("#")
            name = posixpath.normpath(posixpath.join(folder, path))
            if re.match(r"[a-z]+:", target):
                continue
            if not path:
                if place not in headings:
                    yield f"{cell.get('id')} links to {target}, but there is no such heading"
            elif not (lesson.path.parent / path).exists():
                yield f"{cell.get('id')} links to {target}, which is not there"
            elif path not in rewritten or not name.startswith((f"{language}/", *source.PAGES)):
                yield f"{cell.get('id')} links to {target}, which a reader's copies do not have"


def _folder_of(path: Path) -> str:
    """Return the folder of the project that a notebook lies in, such as notebooks/ja/exercises."""
    folders = path.resolve().parent.parts
    if source.NOTEBOOKS not in folders:
        return source.LESSONS
    return "/".join(folders[len(folders) - 1 - folders[::-1].index(source.NOTEBOOKS) :])


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
    helpers = [
        (place, cell, name)
        for place, cell, node in lesson.nodes((ast.Name, ast.Attribute))
        if (name := ast.unparse(node).removeprefix("sd.").removeprefix("sdkit.")) in ("generate", "sweep")
    ]
    if not helpers:
        return
    place, cell, helper = helpers[0]
    if not calls or calls[0] > place:
        yield f"{cell.get('id')} uses {helper} before any pipe(...)"


@rule
def model_by_name(lesson: Lesson) -> Problems:
    """The environment, or one name, MODEL, says which model is used, so that changing it changes the whole lesson."""
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
        if not chosen and ast.unparse(node.func).endswith("load_pipeline"):
            continue  # the model that the environment names, or the built-in one
        if not chosen or isinstance(chosen[0], (ast.Constant, ast.JoinedStr)):
            yield f"{cell.get('id')} loads a model that is not MODEL"
    for cell in lesson.prose:
        lines = NOT_READ.sub(" ", cell.source).splitlines() if cell.get("id") != REAL else []
        if any(HUB_OWNERS.search(line) and "MODEL" not in line for line in lines):
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
