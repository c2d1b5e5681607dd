"""The lessons keep their form."""

import base64
import io
import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools import form, slide_marks, strip
from tools.lesson import Lesson

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(form.LESSONS.glob("*.ipynb"))


# The lessons


def test_the_lessons_are_there():
    assert LESSONS and LESSONS[0].name == "01_start.ipynb"
    assert [int(path.name[:2]) for path in LESSONS] == list(range(1, len(LESSONS) + 1))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_follow_the_rules(path):
    assert form.problems(path) == []


# The rules: a notebook that keeps all of them, and changes that break one each

HEAD = """# 1 · start

What changes from call to call?

![A white square, four times as wide as it is high](attachment:strip.jpg)

Afterwards you know what a seed is, and can make one picture twice. 5 minutes."""
SETUP = """import sdkit as sd

pipe = sd.load_pipeline()
PROMPT = 'a cat'"""
ASK = "The next two cells call one model with one prompt, and with the same noise. Are the two pictures equal?"
PLAIN = "first = pipe(PROMPT).images[0]\nfirst"
COMPARE = """# compare
shot = sd.generate(pipe, PROMPT)[0]
assert shot and shot.image
assert shot.image == first
print("mean", shot.mean)"""
AFTER = """Both calls in cell `compare` made one picture each. Their mean is 26.5, and the UNet (the network that
removes noise) ran 50 times.

<details><summary>Answer</summary>

Yes. With 1000 other seeds they would be equal, too.

</details>"""
SAW_TEXT = """## What you saw

- Equal pictures from equal seeds.
- One call for each of them."""
REAL_TEXT = """> **On real Stable Diffusion 1.x** (documented, not run here)
>
> - Seeds do the same in 512 x 512 pixels, see [the model card](https://huggingface.co/CompVis/a-model).
> - The noise is larger: [diffusers](https://github.com/huggingface/diffusers/blob/main/a.py)."""
YOURS_TEXT = """## Your turn

1. **Make** a picture of a dog.

   <details><summary>One way</summary>

   `pipe("a dog")`

   </details>

2. **Diagnose** two pictures that differ. Which argument did it?

   <details><summary>Answer</summary>

   The seed.

   </details>

Exercises that check themselves: [exercises/01](exercises/01_start.ipynb)"""
PANEL = "sd.explore(picture, seed=(0, 99))"
DEEPER_TEXT = """## Deeper

What follows are the proofs. A class can stop here. Next: [2 · anatomy](01_start.ipynb)"""
PROOF = "assert pipe is not None"
TRY = """refused = False
try:
    pipe()
except ValueError as error:
    refused = True
    print(error)
assert refused"""
ARTICLE_TEXT = """<details><summary>What the article says</summary>

| the article | does it hold? |
| :--- | :--- |
| a seed of 123 | yes |

From [the article](../../docs/article.md).

</details>"""
NEXT_TEXT = "## Next\n\n[2 · anatomy](01_start.ipynb)"


ITEM = "**Make** it.\n<details><summary>One way</summary>\nSo.\n</details>\n1. "


def png(size=(400, 100), colour="white"):
    """Return a PNG in base64."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def good_book():
    """Return a small notebook that follows every rule."""
    picture = new_output("display_data", {"image/png": png(), "text/plain": "<PIL.Image.Image>"})
    mean = new_output("stream", name="stdout", text="mean 26.53\n")
    numbers = {"compare": ["26.5"], "known": ["50", "1000"]}
    cells = [
        new_markdown_cell(HEAD, id="head", metadata={"lesson": {"strip": "plain"}}),
        new_code_cell(SETUP, id="setup"),
        new_markdown_cell(ASK, id="ask"),
        new_code_cell(PLAIN, id="plain", outputs=[picture]),
        new_code_cell(COMPARE, id="compare", outputs=[mean]),
        new_markdown_cell(AFTER, id="after", metadata={"lesson": {"numbers": numbers}}),
        new_markdown_cell(SAW_TEXT, id="saw"),
        new_markdown_cell(REAL_TEXT, id="real"),
        new_markdown_cell(YOURS_TEXT, id="yours"),
        new_code_cell(PANEL, id="panel", outputs=[picture]),
        new_markdown_cell(DEEPER_TEXT, id="deeper"),
        new_code_cell(PROOF, id="proof"),
        new_markdown_cell("The pipeline is there. What does it say to a call without a prompt?", id="try"),
        new_code_cell(TRY, id="refusal"),
        new_markdown_cell(ARTICLE_TEXT, id="article"),
        new_markdown_cell(NEXT_TEXT, id="next"),
    ]
    book = new_notebook(cells=cells)
    add_counts(book)
    strip.put(book)
    return book


def add_counts(book):
    """Number the code cells as a run does."""
    for number, cell in enumerate((cell for cell in book.cells if cell.cell_type == "code"), 1):
        cell.execution_count = number


def cell_of(book, name):
    """Return the cell with an id."""
    return next(cell for cell in book.cells if cell.id == name)


def field(name, **fields):
    """Return a change that sets fields of one cell."""
    return lambda book: cell_of(book, name).update(fields)


def text(name, old, new):
    """Return a change of a part of one cell's text."""

    def change(book):
        cell = cell_of(book, name)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def output(*args, cell="proof", **fields):
    """Return a change that stores an output."""
    return lambda book: cell_of(book, cell).outputs.append(new_output(*args, **fields))


def picture(**kind):
    """Return a change that lets the cell of the strip show another picture."""
    return output("display_data", {"image/png": png(**kind)}, cell="plain")


def printed(text, cell="proof"):
    """Return a change that stores a printed text."""
    return output("stream", name="stdout", text=text, cell=cell)


def marked(name="after", **numbers):
    """Return a change of what a cell says about its numbers."""
    return lambda book: cell_of(book, name).metadata.lesson.numbers.update(numbers)


def insert(before, cell):
    """Return a change that adds a cell before another."""

    def change(book):
        book.cells.insert(book.cells.index(cell_of(book, before)), cell)
        add_counts(book)

    return change


def without(name):
    """Return a change that takes a cell away."""

    def change(book):
        book.cells.remove(cell_of(book, name))
        add_counts(book)

    return change


def move(name, before):
    """Return a change that puts a cell before another."""

    def change(book):
        cell = cell_of(book, name)
        book.cells.remove(cell)
        insert(before, cell)(book)

    return change


def both(*changes):
    """Return several changes as one."""

    def change(book):
        for one in changes:
            one(book)

    return change


def unmarked(book):
    """Change nothing; `problems_after` then leaves the cells without what they are on slides."""


def prose(name="more", source="Here is one more cell, and nobody knows what for."):
    """Return a Markdown cell."""
    return new_markdown_cell(source, id=name)


def code(name, source="x = 0"):
    """Return a code cell."""
    return new_code_cell(source, id=name)


def lengthen(book):
    """Make the code cells longer than most should be."""
    for cell in book.cells:
        if cell.cell_type == "code" and cell.id != "setup":
            cell.source += "\nx = 0" * 4


def many_cells(book):
    """Make the core longer than it may be."""
    for number in range(11):
        insert("saw", prose(f"more-{number}"))(book)
    text("head", "5 minutes", "6 minutes")(book)


def endless(book):
    """Write so much that the core takes longer than a class has."""
    text("head", "5 minutes", "21 minutes")(book)
    text("yours", "The seed.", "The seed. " * 1000)(book)


def no_id(book):
    """Take away one id, as Colab does with all."""
    del cell_of(book, "proof")["id"]


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
INNER_IMPORT = "def root(x):\n    from math import sqrt\n    return sqrt(x)\n\n\n"
TABLE = "| seed | mean |\n| --- | --- |\n| 1 | 5 |"
UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
OTHER = "With `%pip install -q " + "sdkit` both"
HUB = "stabilityai/sd-turbo"
STRIP_LINE = "![A white square, four times as wide as it is high](attachment:strip.jpg)"
NO_PROOF = TRY.replace("\nassert refused", "").replace("refused = False", "assert pipe")
PANEL_TEXT = {"text/plain": "VBox(children=(HBox(), HBox()))"}

# rule, a part of what it says, change
BAD = [
    ("counts", "proof has the count None", field("proof", execution_count=None)),
    ("counts", "proof has the count 9, not 5", field("proof", execution_count=9)),
    ("no_empty_cells", "nothing", insert("article", code("nothing", " "))),
    ("no_stderr", "proof", output("stream", name="stderr", text="a warning")),
    ("no_errors", "proof", output(**ERROR)),
    ("nothing_of_one_run", "state of widgets", lambda book: book.metadata.update(widgets={})),
    ("nothing_of_one_run", "when it ran", field("proof", metadata={"execution": {"iopub.status.busy": "12:00"}})),
    ("nothing_of_one_run", "as JPEG", output("display_data", {"image/png": "A", "image/jpeg": "A"})),
    ("sizes", "proof stores a picture of 307500 bytes", output("display_data", {"image/png": "A" * 410_000})),
    ("sizes", "head stores", lambda book: cell_of(book, "head").attachments.update(b={"image/png": "A" * 410_000})),
    ("sizes", "the file has", printed("A" * 1_000_000)),
    ("ids", "0a1b2c3d", field("proof", id="0a1b2c3d")),
    ("ids", UUID, field("proof", id=UUID)),
    ("ids", "the proof", field("proof", id="the proof")),
    ("ids", "2 cells", field("proof", id="refusal")),
    ("ids", "None", no_id),
    ("ids", "4.4", lambda book: book.update(nbformat_minor=4)),
    ("fixed_cells", "no cell saw, real", both(without("saw"), without("real"))),
    ("fixed_cells", "in this order", move("real", "saw")),
    ("fixed_cells", "in this order", insert("setup", prose())),
    ("fixed_cells", "in this order", move("next", "article")),
    ("fixed_cells", "right before next", move("article", "proof")),
    ("fixed_cells", "deeper-setup does not stand", insert("refusal", code("deeper-setup", "import math"))),
    ("fixed_cells", "deeper-setup is not a code cell", insert("proof", prose("deeper-setup"))),
    ("fixed_cells", "saw does not begin", text("saw", "## What", "### What")),
    ("fixed_cells", "real does not begin", text("real", ", not run here", "")),
    ("fixed_cells", "yours does not begin", text("yours", "## Your turn", "## Try it")),
    ("fixed_cells", "deeper does not begin", text("deeper", "## Deeper", "## More")),
    ("fixed_cells", "next does not begin", text("next", "## Next\n", "")),
    ("head", "first line", text("head", "# 1 · start", "Start")),
    ("head", "number 2, the file 01", text("head", "# 1", "# 2")),
    ("head", "question mark", text("head", "call?", "call.")),
    ("head", "third line", text("head", STRIP_LINE, "Afterwards.\n\n" + STRIP_LINE)),
    ("head_picture", "what is seen", text("head", "A white square, four times as wide as it is high", "strip")),
    ("head_picture", "is not there", lambda book: cell_of(book, "head").pop("attachments")),
    ("head_picture", "names no cell", field("head", metadata={})),
    ("head_picture", "proof, which has no picture", field("head", metadata={"lesson": {"strip": "proof"}})),
    ("head_picture", "not that of the cell plain", picture(colour="red")),
    ("head_picture", "not that of the cell plain", picture(size=(40, 10))),
    ("head_minutes", "does not say", text("head", "5 minutes.", "")),
    ("head_minutes", "8 minutes, but", text("head", "5 minutes", "8 minutes")),
    ("head_minutes", "21 minutes; 4 to 20", endless),
    ("core", "21 cells before deeper", many_cells),
    ("core", "no explore(...)", insert("deeper", prose())),
    ("core", "no explore(...)", text("panel", "explore", "look")),
    ("panels_have_pictures", "without a still", field("panel", outputs=[])),
    ("panels_have_pictures", "text of a widget", output("display_data", PANEL_TEXT, cell="panel")),
    ("slides", "head is 'slide' on slides", unmarked),
    ("everything_is_shown", "has <cat>, which is not shown", text("ask", "?", " of a <cat>?")),
    ("setup_is_short", "7 lines", text("setup", "PROMPT = 'a cat'", "PROMPT = 'a cat'" + "\nx = 0" * 3)),
    ("imports_in_setup", "proof imports", text("proof", "assert", "import math\nassert")),
    ("imports_in_setup", "proof imports", text("proof", "assert", INNER_IMPORT + "assert")),
    ("imports_in_setup", "everything", text("setup", "import sdkit as sd", "from sdkit import *")),
    ("prose_between", "setup, one, two", both(insert("ask", code("one")), insert("ask", code("two")))),
    ("code_length", "21 lines", text("proof", "assert", "x = 0\n" * 20 + "assert")),
    ("code_length", "fewer than 90%", text("proof", "assert", "x = 0\n" * 10 + "assert")),
    ("code_length", "median", lengthen),
    ("code_length", "80 columns", text("proof", "assert pipe", "assert pipe" + "e" * 57)),
    ("no_semicolons", "plain", text("plain", "\nfirst", "\nfirst;")),
    ("no_language_in_code", "comment", text("proof", "None", "None  # it is there")),
    ("no_language_in_code", "comment", text("proof", "assert", "# claim\nassert")),
    ("no_language_in_code", "comment", text("proof", "assert", "x = 0\n# proof\nassert")),
    ("no_language_in_code", "sentence 'This is", text("proof", "assert", 'print("This is what we saw")\nassert')),
    ("no_language_in_code", "sentence 'so it", text("proof", "assert", 'print("so it is.")\nassert')),
    ("named_cells", "lost, which is no", text("after", "cell `compare`", "cells `compare` and `lost`")),
    ("named_cells", "saw, which is no", text("after", "cell `compare`", "cell `saw`")),
    ("named_cells", "plain does not show its name", text("after", "cell `compare`", "cell `plain`")),
    ("refusals_are_asserted", "refusal", field("refusal", source=NO_PROOF)),
    ("numbers_have_names", "'26 13.5'", printed("26 13.5\n")),
    ("numbers_have_names", "'[1, True]'", output("execute_result", {"text/plain": "[1, True]"})),
    ("numbers_have_names", "'1 0.5 2'", printed("seed mean\n1 0.5\n1 0.5 2\n")),
    ("numbers_in_prose", "after says 12", text("after", "Both", "Of 12, both")),
    ("numbers_in_prose", "after says 0.5", text("after", "Both", "By 0.5, both")),
    ("numbers_in_prose", "says 26.5, but the output of compare", field("compare", outputs=[])),
    ("numbers_in_prose", "says 50, but the output of compare", marked(compare=["26.5", "50"])),
    ("numbers_in_prose", "does not say 26.53", marked(compare=["26.53", "26.5"])),
    ("numbers_in_prose", "does not say 13", marked(known=["50", "1000", "13"])),
    ("numbers_in_prose", "lost, which is no code cell", marked(lost=["50"])),
    ("prose_length", "3 words", insert("saw", prose(source="They are equal. <!-- Nobody can read this comment. -->"))),
    ("prose_length", "121 words", insert("article", prose(source="cat " * 121))),
    ("words_before_use", "after says UNet", text("after", " (the network that\nremoves noise)", "")),
    ("words_before_use", "ask says VAE", text("ask", "model", "VAE")),
    ("guess_then_look", "nothing is asked", text("ask", "equal?", "equal.")),
    ("guess_then_look", "right after the cell", insert("after", prose())),
    ("guess_then_look", "not closed", text("saw", "Equal", "<details> Equal")),
    ("guess_then_look", "no question", text("after", "Answer", "More")),
    ("summary", "saw has 1 items", text("saw", "- One call for each of them.", "")),
    ("real_box", "lines outside", text("real", "> - The noise", "- The noise")),
    (
        "real_box",
        "source of 'The noise is larger:",
        text("real", "[diffusers](https://github.com/huggingface/diffusers/blob/main/a.py)", "diffusers"),
    ),
    ("real_box", "no link", field("real", source=REAL_TEXT.split(">\n")[0] + "> A seed does the same.")),
    ("exercises", "5 items", both(text("head", "5 minutes", "8 minutes"), text("yours", "1. ", "1. " + ITEM * 3))),
    ("exercises_that_check_themselves", "yours does not end with: Exercises that", text("yours", "Exercises", "More")),
    ("exercises", "**Make**", text("yours", "**Make**", "Make")),
    ("exercises", "**Diagnose**", text("yours", "**Diagnose**", "**Find**")),
    ("exercises", "item 1 of yours", text("yours", "<summary>One way</summary>", "")),
    ("article_table", "not one table", text("article", "What the article says<", "The article<")),
    ("article_table", "not one table", text("article", "\n|", "\n")),
    ("article_table", "no link", text("article", "[the article](../../docs/article.md)", "it")),
    ("next_lesson", "stop here", text("deeper", "A class can stop here.", "")),
    ("next_lesson", "deeper has no link", text("deeper", "[2 · anatomy](01_start.ipynb)", "2")),
    ("next_lesson", "next has no link", text("next", "[2 · anatomy](01_start.ipynb)", "2")),
    ("links_lead_somewhere", "02_lost.ipynb, which is not", text("after", "Both", "As [here](02_lost.ipynb), both")),
    ("links_lead_somewhere", "no such heading", text("after", "Both", "As [here](#Lost), both")),
    ("links_lead_somewhere", "copies do not have", text("after", "Both", "As [here](../../training/run.md), both")),
    ("claims", "2 asserts", both(text("compare", "assert shot and", "shot and"), text("proof", "assert ", ""))),
    ("bare_call_first", "compare uses generate", text("plain", "pipe(", "pipe.unet(")),
    ("bare_call_first", "setup uses generate", text("setup", "pipe =", "helper = sd.generate\npipe =")),
    ("bare_call_first", "setup uses sweep", text("setup", "pipe =", "helper = sweep\npipe =")),
    ("model_by_name", "not MODEL", text("setup", "pipeline()", 'pipeline("built-in")')),
    ("model_by_name", "not MODEL", text("setup", "load_pipeline()", "from_pretrained()")),
    ("model_by_name", HUB, text("setup", "pipe =", f'name = "{HUB}"\npipe =')),
    ("model_by_name", "without MODEL", text("after", "Both", f"With `{HUB}` both")),
    ("not_the_other_sdkit", "after", text("after", "Both", OTHER)),
]

NAMES_PRINTED = "seed: 1\nmean 0.5\nTrue\n"
GOOD = {
    "as it is": lambda book: None,
    "an error on purpose": field("proof", metadata={"tags": ["raises-exception"]}, outputs=[nbformat.from_dict(ERROR)]),
    "an import on purpose": both(
        field("proof", metadata={"tags": ["import"]}), text("proof", "assert", "import math\nassert")
    ),
    "an import for Deeper": insert("proof", code("deeper-setup", "import math")),
    "a table": insert("article", prose(source=TABLE)),
    "a magic": text("proof", "assert", "%time x = 0\nassert"),
    "a file": text("plain", "\nfirst", '\nfirst.save("output/cat.png")'),
    "no article": without("article"),
    "a Hub model as MODEL": text("setup", "()", f'(MODEL)\nMODEL = "{HUB}"'),
    "a Hub model in prose": text("after", "Both", f'With `MODEL = "{HUB}"` both'),
    "our wheel": text("after", "Both", "With `%pip install sd_one_parameter-0.1.0-py3-none-any.whl` both"),
    "a refusal in else": field("refusal", source=NO_PROOF + "\nelse:\n    assert False"),
    "what another program says": text("proof", "assert", 'assert "did you mean this?" not in str(pipe)\nassert'),
    "named numbers": printed(NAMES_PRINTED),
    "numbers under names": printed("seed mean\n1 0.5\n2 0.7\n"),
    "an attribute as result": both(
        field("proof", source="assert pipe\npipe.size"), output("execute_result", {"text/plain": "(8, 8)"})
    ),
    "a number from code": both(text("plain", "PROMPT", "PROMPT, num=25"), text("after", "Both", "In 25, both")),
    "a page": text("after", "Both", "As [here](../../docs/article.md) told, both"),
    "a heading": text("after", "Both", "As [here](#Your-turn) told, both"),
    "the glossary": text("after", " (the network that\nremoves noise)", ", see [a](../../docs/glossary.md),"),
}


def problems_after(change, folder):
    """Return what the rules say about the good notebook after a change."""
    book = good_book()
    change(book)
    if change is not unmarked:
        slide_marks.mark(Lesson(None, book))
    for page in (
        "docs/article.md", "docs/glossary.md", "training/run.md", "notebooks/en/exercises/01_start.ipynb",
    ):  # fmt: skip
        (folder / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / page).touch()
    path = folder / "notebooks" / "en" / "01_start.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book), encoding="utf-8")
    return form.problems(path)


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD.keys())
def test_rules_accept_what_is_good(change, tmp_path):
    assert problems_after(change, tmp_path) == []


@pytest.mark.parametrize("rule, words, change", BAD, ids=[f"{rule}: {words}" for rule, words, _ in BAD])
def test_rules_can_fail(rule, words, change, tmp_path):
    found = problems_after(change, tmp_path)
    assert [problem for problem in found if problem.startswith(f"{rule}: ") and words in problem]
    assert {problem.split(":")[0] for problem in found} == {rule}


@pytest.mark.parametrize("first", ["deeper", None])
def test_a_notebook_without_a_core_is_told_so(first, tmp_path):
    def change(book):
        kept = [cell.id for cell in book.cells].index(first) if first else len(book.cells)
        book.cells = book.cells[kept:] + [code("look", "explore(picture)")] * bool(first)

    found = problems_after(change, tmp_path)
    assert "core: the cell before deeper has no explore(...) or explore_grid(...)" in found


def test_each_rule_is_shown_to_fail():
    assert {rule for rule, _, _ in BAD} == set(form.RULES)


def test_checking_prints_the_problems(tmp_path, capsys):
    path = tmp_path / "notebooks" / "en" / "01_start.ipynb"
    problems_after(lambda book: None, tmp_path)
    assert form.main([str(path)]) == 0
    problems_after(no_id, tmp_path)
    assert form.main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("01_start.ipynb: ids: the id None")
