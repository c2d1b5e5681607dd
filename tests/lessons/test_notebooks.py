"""Running a lesson stores its outputs in one form, and a changed picture in one of them does not go unnoticed."""

import base64
import io
import json
import os
import re
import subprocess
import sys
from shutil import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from tools import notebooks, strip
from tools.lesson import LESSONS

ROOT = LESSONS.parent.parent


@pytest.fixture(autouse=True)
def few_seconds(monkeypatch):
    """Let a cell that takes a moment have half a minute, not ten.

    Now and then asyncio overlooks that the kernel has answered, and looks again only when the time is over: seen in
    runs of all tests, with a kernel that sat idle, a client that waited, and a test that then passed.
    """
    monkeypatch.setattr(notebooks, "CELL_SECONDS", 30)


SOURCES = {
    "setup": "import sys\nfrom pathlib import Path\n\nfrom ipywidgets import IntSlider, Output\nfrom PIL import Image",
    "where": f"print(sys.executable == {sys.executable!r}, Path.cwd().name)",
    "picture": 'Image.new("RGB", (400, 300), "white")',
    "captured": "captured = Output()\nwith captured:\n    print(1)\ncaptured",
    "slider": "IntSlider(3)",
}
NO_KERNEL = {"argv": ["false"], "display_name": "none", "language": "python"}


WITH_TOOLS = {**os.environ, "PYTHONPATH": str(ROOT)}  # which notebooks/conftest.py imports


def write_book(path, sources):
    """Write a notebook that has not been run."""
    cells = [new_code_cell(source, id=name) for name, source in sources.items()]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def nbval(folder):
    """Compare the notebooks of a folder as `make test` does; return the files in which a cell fails and the report.

    The report is without pytest's summary, which repeats it in whole where the variable CI is set.
    """
    copy(ROOT / "notebooks" / "conftest.py", folder)
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300", "--color=no", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "-rf", f"--rootdir={folder}", folder]
    done = subprocess.run(command, cwd=folder, env=WITH_TOOLS, capture_output=True, text=True)
    report, _, summary = done.stdout.partition("short test summary info")
    return re.findall(r"^FAILED (.+?)::", summary, re.MULTILINE), report + done.stderr


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
    slide, later = ({"slideshow": {"slide_type": kind}} for kind in ("slide", "fragment"))
    assert [cell["metadata"] for cell in cells.values()] == [
        slide,
        {},
        later,
        slide,
        {},
        {"tags": ["raises-exception"]},
    ]
    assert cells["where"]["outputs"][0]["text"] == ["True lessons\n"]
    assert set(cells["picture"]["outputs"][0]["data"]) == {"image/png", "text/plain"}
    assert notebooks.WIDGET in cells["slider"]["outputs"][0]["data"]
    assert cells["wrong"]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert [path.name for path in ran.parent.iterdir()] == ["small.ipynb"]
    assert notebooks.main(["run", str(ran)]) == 0
    assert ran.read_text(encoding="utf-8") == written


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


DRAW = "from PIL import Image\n\nImage.new('RGB', (1, 1))"
WIDE = "display(Image.new('RGB', (8, 8), 'red'))\nImage.new('RGBA', (2000, 500), (0, 0, 0, 0))"


def write_strip_book(path, name):
    """Write a notebook whose head asks for the picture of a cell."""
    head = new_markdown_cell("![white](attachment:strip.jpg)", id="head", metadata={"lesson": {"strip": name}})
    cells = [head, new_code_cell(DRAW, id="setup"), new_code_cell(WIDE, id="wide"), new_code_cell("1", id="plain")]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_running_stores_the_last_picture_of_a_cell_at_the_top(tmp_path):
    path = write_strip_book(tmp_path / "strip.ipynb", "wide")
    assert notebooks.main(["run", str(path)]) == 0
    stored = nbformat.read(path, as_version=4).cells[0].attachments
    assert list(stored) == ["strip.jpg"] and list(stored["strip.jpg"]) == ["image/jpeg"]
    picture = strip.opened(stored["strip.jpg"]["image/jpeg"])
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1000, 250))
    assert picture.getextrema() == ((255, 255),) * 3  # what was clear is white
    before = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 0 and path.read_bytes() == before


@pytest.mark.parametrize("name", ["plain", "head", "lost"])
def test_a_strip_from_a_cell_without_a_picture_is_not_written(name, tmp_path, capsys):
    path = write_strip_book(tmp_path / "strip.ipynb", name)
    before = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 1 and path.read_bytes() == before
    assert f"the strip is to come from the cell {name}, which has no picture" in capsys.readouterr().out


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


def test_the_cells_of_a_slow_lesson_are_slow_tests(tmp_path):
    copy(ROOT / "notebooks" / "conftest.py", tmp_path)
    for name, says in (("long", {"lesson": {"slow": True}}), ("short", {"lesson": {"slow": False}}), ("bare", {})):
        cells = [new_markdown_cell("# 1", id="head", metadata=says), new_code_cell("1", id="one")]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    options = ["--nbval", "--nbval-current-env", "--collect-only", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, f"--rootdir={tmp_path}", tmp_path]
    done = subprocess.run(command, cwd=tmp_path, env=WITH_TOOLS, capture_output=True, text=True)
    assert re.findall(r"^(\w+)\.ipynb::", done.stdout, re.MULTILINE) == ["bare", "short"], done.stdout + done.stderr


@pytest.mark.slow
def test_nothing_but_a_changed_picture_fails(ran):
    beginnings = [cells for cells in map(up_to_first_picture, sorted(LESSONS.glob("*.ipynb"))) if cells]
    assert beginnings, "no lesson stores a picture"
    lesson = ran.with_name("lesson.ipynb")
    nbformat.write(new_notebook(cells=min(beginnings, key=len)), lesson)
    changed = [copy(path, path.with_name(f"changed_{path.name}")) for path in (lesson, ran)]
    for path in changed:
        paste_square(path)
    failed, report = nbval(ran.parent)
    assert sorted(failed) == ["changed_lesson.ipynb", "changed_small.ipynb"], report
    assert report.count("the stored picture is not the one made now") == 2, report


def test_lessons_are_run_in_english(monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", "ja")
    assert notebooks.ThisPython().get_kernel_spec("python3").env["SDKIT_LANGUAGE"] == "en"
