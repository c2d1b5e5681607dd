"""The lessons keep their form, and a changed picture in one of them does not go unnoticed."""

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from shutil import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools import form, notebooks

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(form.LESSONS.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def few_seconds(monkeypatch):
    """Let a cell that takes a moment have half a minute, not ten.

    Now and then asyncio overlooks that the kernel has answered, and looks again only when the time is over: seen in
    runs of all tests, with a kernel that sat idle, a client that waited, and a test that then passed.
    """
    monkeypatch.setattr(notebooks, "CELL_SECONDS", 30)


# The lessons


def test_the_lessons_are_there():
    assert LESSONS and LESSONS[0].name == "01_start.ipynb"
    assert [int(path.name[:2]) for path in LESSONS] == list(range(1, len(LESSONS) + 1))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_follow_the_rules(path):
    assert form.problems(path) == []


# The rules: a notebook that keeps all of them, and changes that break one each

HEAD = "# 1 · start\n**Question:** what changes from call to call?\n10 min"
SETUP = 'from sdkit import generate, load_pipeline\n\nMODEL = "built-in"'
GUESS = """The next two cells call one model with one prompt. Are the pictures equal?

<details><summary>Answer</summary>

Yes.
</details>"""
COMPARE = 'shot = generate(pipe, "a cat")[0]\nassert shot\nassert shot.image\nassert shot.image == first'
AFTER = "Both calls made one picture each, and the two are equal."
FOOT = """## What you saw
- Equal pictures.

## Try it
1. Another seed.
2. Another prompt.

## Next
[Again](01_start.ipynb)"""


def good_book():
    """Return a small notebook that follows every rule."""
    cells = [
        new_markdown_cell(HEAD, id="head"),
        new_code_cell(SETUP, id="setup"),
        new_code_cell("pipe = load_pipeline(MODEL)", id="load"),
        new_markdown_cell(GUESS, id="guess"),
        new_code_cell('first = pipe("a cat").images[0]\nfirst', id="plain"),
        new_code_cell(COMPARE, id="compare"),
        new_markdown_cell(AFTER, id="after"),
        new_markdown_cell(FOOT, id="foot"),
    ]
    book = new_notebook(cells=cells)
    add_counts(book)
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


def output(*args, **fields):
    """Return a change that stores an output."""
    return lambda book: cell_of(book, "load").outputs.append(new_output(*args, **fields))


def insert(place, cell):
    """Return a change that adds a cell."""

    def change(book):
        book.cells.insert(place, cell)
        add_counts(book)

    return change


def lengthen(book):
    """Make the code cells longer than most should be."""
    for name in ("setup", "load", "plain"):
        cell_of(book, name).source += "\nx = 0" * 5


def setup_second(book):
    """Put another code cell before the setup."""
    book.cells[1:3] = book.cells[2:0:-1]
    add_counts(book)


def no_id(book):
    """Take away one id, as Colab does with all."""
    del cell_of(book, "load")["id"]


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
INNER_IMPORT = "def root(x):\n    from math import sqrt\n    return sqrt(x)\n\n\npipe ="
TABLE = "| seed | mean |\n| --- | --- |\n| 1 | 0.5 |"
UUID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
OTHER = "With `%pip install -q " + "sdkit` both"
HUB = "stabilityai/sd-turbo"

# rule, a part of what it says, change
BAD = [
    ("counts", "load has the count None", field("load", execution_count=None)),
    ("counts", "load has the count 7, not 2", field("load", execution_count=7)),
    ("no_empty_cells", "nothing", insert(7, new_code_cell(" ", id="nothing"))),
    ("no_stderr", "load", output("stream", name="stderr", text="a warning")),
    ("no_errors", "load", output(**ERROR)),
    ("nothing_of_one_run", "state of widgets", lambda book: book.metadata.update(widgets={})),
    ("nothing_of_one_run", "when it ran", field("load", metadata={"execution": {"iopub.status.busy": "12:00"}})),
    ("nothing_of_one_run", "as JPEG", output("display_data", {"image/png": "A", "image/jpeg": "A"})),
    ("sizes", "picture of 307500 bytes", output("display_data", {"image/png": "A" * 410_000})),
    ("sizes", "the file has", output("stream", name="stdout", text="A" * 1_000_000)),
    ("ids", "0a1b2c3d", field("load", id="0a1b2c3d")),
    ("ids", UUID, field("load", id=UUID)),
    ("ids", "load it", field("load", id="load it")),
    ("ids", "2 cells", field("load", id="after")),
    ("ids", "None", no_id),
    ("ids", "4.4", lambda book: book.update(nbformat_minor=4)),
    ("head", "id head", field("head", id="title")),
    ("head", "first line", text("head", "# 1 · start", "Start")),
    ("head", "number 2, the file 01", text("head", "# 1", "# 2")),
    ("head", "no **Question:**", text("head", "**Question:**", "Question:")),
    ("setup_comes_first", "setup", setup_second),
    ("imports_in_setup", "load imports", text("load", "pipe =", "import math\npipe =")),
    ("imports_in_setup", "load imports", text("load", "pipe =", INNER_IMPORT)),
    ("imports_in_setup", "everything", text("setup", "generate, load_pipeline", "*")),
    ("prose_between", "setup, load, third", insert(3, new_code_cell("x = 0", id="third"))),
    ("code_length", "21 lines", text("load", "pipe =", "x = 0\n" * 20 + "pipe =")),
    ("code_length", "fewer than 90%", text("load", "pipe =", "x = 0\n" * 10 + "pipe =")),
    ("code_length", "median", lengthen),
    ("code_length", "80 columns", text("load", "pipe =", "p" * 57 + " =")),
    ("no_semicolons", "plain", text("plain", "\nfirst", "\nfirst;")),
    ("no_comments", "load", text("load", "MODEL)", "MODEL)  # load it")),
    ("prose_length", "3 words", field("after", source="They are equal. <!-- Nobody can read this comment. -->")),
    ("prose_length", "121 words", field("after", source="cat " * 121)),
    ("guess_then_look", "nothing is asked", text("guess", "equal?", "equal.")),
    ("guess_then_look", "not closed", text("guess", "</details>", "")),
    ("guess_then_look", "no answer", field("guess", source="Will the pictures of the next two cells be equal?")),
    ("foot", "no '## What you saw'", field("foot", source=AFTER)),
    ("foot", "in this order", text("foot", "## Try it", "### Try it")),
    ("foot", "in this order", insert(8, new_markdown_cell("## More", id="more"))),
    ("foot", "in this order", insert(8, new_code_cell("x = 0", id="more"))),
    ("foot", "'Try it' has 1 items", text("foot", "2. Another prompt.", "")),
    ("foot", "no link", text("foot", "[Again](01_start.ipynb)", "The end.")),
    ("links_lead_somewhere", "02_lost.ipynb", text("after", "Both", "As [here](02_lost.ipynb), both")),
    ("claims", "2 asserts", text("compare", "assert shot.image == first", "shot.image == first")),
    ("bare_call_first", "compare uses generate", text("plain", "pipe(", "pipe.unet(")),
    ("bare_call_first", "load uses generate", text("load", "pipe =", "helper = generate\npipe =")),
    ("model_by_name", "not MODEL", text("load", "MODEL", '"built-in"')),
    ("model_by_name", "not MODEL", text("load", "MODEL", "")),
    ("model_by_name", HUB, text("load", "pipe =", f'name = "{HUB}"\npipe =')),
    ("model_by_name", "without MODEL", text("after", "Both", f"With `{HUB}` both")),
    ("not_the_other_sdkit", "after", text("after", "Both", OTHER)),
]

GOOD = {
    "as it is": lambda book: None,
    "an error on purpose": field("load", metadata={"tags": ["raises-exception"]}, outputs=[nbformat.from_dict(ERROR)]),
    "an import on purpose": field("plain", metadata={"tags": ["import"]}, source='import math\npipe("a cat")'),
    "a table": field("after", source=TABLE),
    "a magic": text("load", "pipe =", "%time pipe ="),
    "a file": text("plain", "\nfirst", '\nfirst.save("output/cat.png")'),
    "a Hub model as MODEL": text("setup", "built-in", HUB),
    "a Hub model in prose": text("after", "Both", f'With `MODEL = "{HUB}"` both'),
    "our wheel": text("after", "Both", "With `%pip install sd_one_parameter-0.1.0-py3-none-any.whl` both"),
}


def problems_after(change, folder):
    """Return what the rules say about the good notebook after a change."""
    book = good_book()
    change(book)
    path = folder / "01_start.ipynb"
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


def test_each_rule_is_shown_to_fail():
    assert {rule for rule, _, _ in BAD} == set(form.RULES)


def test_checking_prints_the_problems(tmp_path, capsys):
    problems_after(lambda book: None, tmp_path)
    assert form.main([str(tmp_path / "01_start.ipynb")]) == 0
    problems_after(no_id, tmp_path)
    assert form.main([str(tmp_path / "01_start.ipynb")]) == 1
    assert capsys.readouterr().out.startswith("01_start.ipynb: ids: the id None")


# Running notebooks and comparing what they show

SOURCES = {
    "setup": "import sys\nfrom pathlib import Path\n\nfrom ipywidgets import IntSlider, Output\nfrom PIL import Image",
    "where": f"print(sys.executable == {sys.executable!r}, Path.cwd().name)",
    "picture": 'Image.new("RGB", (400, 300), "white")',
    "captured": "captured = Output()\nwith captured:\n    print(1)\ncaptured",
    "slider": "IntSlider(3)",
}
NO_KERNEL = {"argv": ["false"], "display_name": "none", "language": "python"}


def write_book(path, sources):
    """Write a notebook that has not been run."""
    cells = [new_code_cell(source, id=name) for name, source in sources.items()]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def nbval(folder):
    """Compare the notebooks of a folder as `make test` does; return the files in which a cell fails and the report."""
    copy(ROOT / "notebooks" / "conftest.py", folder)
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "--color=no", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "-rf", f"--rootdir={folder}", folder]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return re.findall(r"^FAILED (.+?)::", done.stdout, re.MULTILINE), done.stdout + done.stderr


def paste_square(path):
    """Paste a red square of 12 x 12 pixels into a notebook's first stored picture."""
    book = nbformat.read(path, as_version=4)
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    data = next(output.data for output in outputs if "image/png" in output.get("data", {}))
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as stored:
        picture = stored.convert("RGB")
    picture.paste((255, 0, 0), (0, 0, 12, 12))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
    nbformat.write(book, path)


def expect_only_a_changed_picture_fails(path):
    """Check that nbval passes a notebook, and fails its copy in which a picture has changed."""
    paste_square(copy(path, path.with_name("changed.ipynb")))
    failed, report = nbval(path.parent)
    assert failed == ["changed.ipynb"] and "1 failed" in report, report
    assert "the stored picture is not the one made now" in report


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Return a notebook that tools.notebooks has run, although another kernel has the same name."""
    kernel = tmp_path / "share" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(NO_KERNEL))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    folder = tmp_path / "lessons"
    folder.mkdir()
    path = write_book(folder / "small.ipynb", SOURCES)
    book = nbformat.read(path, as_version=4)
    book.cells.append(new_code_cell("1 / 0", id="wrong", metadata={"tags": ["raises-exception"]}))
    nbformat.write(book, path)
    assert notebooks.main(["run", str(path)]) == 0
    return path


def test_running_stores_all_outputs_in_one_form(ran):
    written = ran.read_text(encoding="utf-8")
    book = json.loads(written)
    assert written == json.dumps(book, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert book["metadata"] == {"kernelspec": notebooks.KERNEL, "language_info": {"name": "python"}}
    cells = {cell["id"]: cell for cell in book["cells"]}
    assert [cell["execution_count"] for cell in cells.values()] == [1, 2, 3, 4, 5, 6]
    assert [cell["metadata"] for cell in cells.values()] == [{}] * 5 + [{"tags": ["raises-exception"]}]
    assert cells["where"]["outputs"][0]["text"] == ["True lessons\n"]
    assert set(cells["picture"]["outputs"][0]["data"]) == {"image/png", "text/plain"}
    assert notebooks.WIDGET in cells["slider"]["outputs"][0]["data"]
    assert cells["wrong"]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert [path.name for path in ran.parent.iterdir()] == ["small.ipynb"]
    assert notebooks.main(["run", str(ran)]) == 0
    assert ran.read_text(encoding="utf-8") == written


@pytest.mark.slow
def test_a_changed_picture_fails(ran):
    expect_only_a_changed_picture_fails(ran)


@pytest.mark.parametrize(
    "source, words",
    [
        ("print(1, file=sys.stderr)", "cell last wrote to stderr: 1"),
        ("1 / 0", "ZeroDivisionError"),
        ("", "cell last has the count None, not 2"),
    ],
)
def test_a_notebook_that_fails_is_not_written(source, words, tmp_path, capsys):
    path = write_book(tmp_path / "bad.ipynb", {"setup": "import sys", "last": source})
    before = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 1
    assert path.read_bytes() == before
    printed = capsys.readouterr().out
    assert printed.startswith("bad.ipynb: not written.") and words in printed


def test_what_a_progress_bar_leaves_is_not_stored(tmp_path):
    empty = "from IPython.display import publish_display_data\npublish_display_data({})\nprint('3 of 4')"
    path = write_book(tmp_path / "bar.ipynb", {"last": empty})
    assert notebooks.main(["run", str(path)]) == 0
    (cell,) = nbformat.read(path, as_version=4).cells
    assert [output.name for output in cell.outputs] == ["stdout"]


def up_to_first_picture(path):
    """Return the code cells of a lesson up to the first that shows a picture, or none if none does."""
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            return code[:number]
    return []


@pytest.mark.slow
def test_a_changed_picture_in_a_lesson_fails(tmp_path):
    beginnings = [cells for cells in map(up_to_first_picture, LESSONS) if cells]
    assert beginnings, "no lesson stores a picture"
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=min(beginnings, key=len)), path)
    expect_only_a_changed_picture_fails(path)
