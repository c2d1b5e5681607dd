"""A reader's copies are renewed, and nothing that the reader wrote is lost."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sdkit.lessons import __main__ as command
from sdkit.lessons import copies
from sdkit.lessons.copies import copy_lessons, reset_lesson

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, PAGE = "01_start.ipynb", "02_more.ipynb", "about/page.md"


def lesson(*texts, outputs=(), metadata=None):
    """Return a notebook of code cells with these texts, each with these outputs."""
    cells = [{"cell_type": "code", "source": text.splitlines(True), "outputs": list(outputs)} for text in texts]
    return json.dumps({"cells": cells, "metadata": metadata or {}}).encode()


def run(path):
    """Leave in a lesson what running and saving it leaves."""
    texts = ["".join(cell["source"]) for cell in json.loads(path.read_bytes())["cells"]]
    path.write_bytes(lesson(*texts, outputs=["an output"], metadata={"language_info": {"version": "3.12"}}))


@pytest.fixture
def project(monkeypatch):
    """Return the project's files, which a test may change."""
    files = {FIRST: lesson("a", "b\nc"), SECOND: lesson("d"), PAGE: b"# A page\n"}

    def reader_files(outputs=False, language="en"):
        return {**files, **({FIRST: lesson("a", "b\nc", outputs=["stored"])} if outputs else {})}

    monkeypatch.setattr(copies, "reader_files", reader_files)
    return files


@pytest.fixture
def folder(tmp_path, project):
    """Return a folder with all copies."""
    copied = copy_lessons(tmp_path / "mine")
    assert copied.folder == tmp_path / "mine" and copied.added == (FIRST, SECOND, PAGE)
    return copied.folder


def done(folder, **options):
    """Copy again and return what was added, renewed, and is newer."""
    copied = copy_lessons(folder, **options)
    return copied.added, copied.renewed, copied.newer


def test_copies_are_the_projects_files(folder, project):
    assert {name: (folder / name).read_bytes() for name in project} == project
    assert done(folder) == ((), (), ())


def test_a_newer_lesson_replaces_one_that_was_only_run(folder, project):
    run(folder / FIRST)
    ran = (folder / FIRST).read_bytes()
    assert done(folder) == ((), (), ()) and (folder / FIRST).read_bytes() == ran
    project[FIRST] = lesson("a", "new")
    assert done(folder) == ((), (FIRST,), ())
    assert (folder / FIRST).read_bytes() == project[FIRST]


@pytest.mark.parametrize("name, text", [(FIRST, lesson("a", "mine")), (FIRST, b"{ broken"), (PAGE, b"my notes")])
def test_what_the_reader_changed_stays(folder, project, name, text):
    (folder / name).write_bytes(text)
    assert done(folder) == ((), (), ())
    project[name] = lesson("newer") if name == FIRST else b"newer"
    assert done(folder) == done(folder) == ((), (), (name,))  # told each time
    assert (folder / name).read_bytes() == text


def test_a_change_taken_back_is_none(folder, project):
    old = (folder / FIRST).read_bytes()
    (folder / FIRST).write_bytes(lesson("mine"))
    project[FIRST] = lesson("newer")
    assert done(folder) == ((), (), (FIRST,))
    (folder / FIRST).write_bytes(old)
    assert done(folder) == ((), (FIRST,), ())


@pytest.mark.parametrize("record", [None, b"{ broken", b"[]"])
def test_without_a_record_what_differs_is_the_readers(folder, project, record):
    (folder / copies.RECORD).unlink()
    if record is not None:
        (folder / copies.RECORD).write_bytes(record)
    project[FIRST] = lesson("newer")
    assert done(folder) == ((), (), (FIRST,))
    assert (folder / FIRST).read_bytes() == lesson("a", "b\nc")


def test_a_deleted_lesson_comes_back(folder, project):
    (folder / SECOND).unlink()
    assert done(folder) == ((SECOND,), (), ())
    assert (folder / SECOND).read_bytes() == project[SECOND]


def test_outputs_are_added_only_where_there_are_none(folder):
    assert done(folder, outputs=True) == ((), (FIRST,), ())
    assert b"stored" in (folder / FIRST).read_bytes()
    assert done(folder, outputs=True) == done(folder) == ((), (), ())
    run(folder / FIRST)
    assert done(folder, outputs=True) == ((), (), ()) and b"an output" in (folder / FIRST).read_bytes()
    reset_lesson(1, folder)
    (folder / FIRST).write_bytes(lesson("mine"))
    assert done(folder, outputs=True) == ((), (), ()) and (folder / FIRST).read_bytes() == lesson("mine")


@pytest.mark.parametrize("name", ["1", "01", 1, "01_start", FIRST])
def test_reset_keeps_the_readers_version_beside_it(folder, project, name):
    (folder / FIRST).write_bytes(lesson("mine"))
    reset = reset_lesson(name, folder)
    assert reset.path == folder / FIRST and reset.path.read_bytes() == project[FIRST]
    assert reset.kept == folder / "01_start.mine.ipynb" and reset.kept.read_bytes() == lesson("mine")
    (folder / FIRST).write_bytes(b"{ broken")
    assert reset_lesson(name, folder).kept.name == "01_start.mine-2.ipynb"
    assert reset.kept.read_bytes() == lesson("mine")
    project[FIRST] = lesson("newer")
    assert done(folder) == ((), (FIRST,), ())  # a fresh one is nobody's


def test_reset_of_a_lesson_that_was_only_run_keeps_nothing(folder, project):
    run(folder / FIRST)
    assert reset_lesson("01", folder).kept is None
    assert (folder / FIRST).read_bytes() == project[FIRST]
    (folder / SECOND).unlink()
    assert reset_lesson("02", folder).kept is None and (folder / SECOND).exists()


@pytest.mark.parametrize("name", ["3", "start", "", PAGE])
def test_reset_of_no_lesson_is_told(folder, name):
    with pytest.raises(ValueError, match=f"give a number or a name of {FIRST}, {SECOND}"):
        reset_lesson(name, folder)


def test_the_command_says_what_it_did(folder, project, capsys):
    def said(*arguments, status=0):
        assert command.main(["--folder", str(folder), *arguments]) == status
        return "".join(capsys.readouterr())

    assert said() == f"Your lessons are in {folder}: change what you like, it will not be overwritten.\n"
    (folder / FIRST).write_bytes(lesson("mine"))
    (folder / PAGE).write_bytes(b"mine")
    project.update({FIRST: lesson("newer"), SECOND: lesson("newer"), PAGE: b"newer"})
    told = said()
    assert "Renewed: 02_more.ipynb." in told
    assert "01_start.ipynb: you changed it, so it stays" in told
    assert "`python -m sdkit.lessons --reset 01` (or `make reset LESSON=01`) fetches it." in told
    assert "about/page.md: you changed it, so it stays, but there is a newer one: delete yours" in told
    assert "is fresh. Yours is now 01_start.mine.ipynb, beside it." in said("--reset", "01")
    assert "give a number or a name of" in said("--reset", "7", status=1)


def test_a_language_has_its_folder(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(copies, "reader_files", lambda outputs, language: asked.append(language) or project)
    assert copy_lessons(language="ja").folder == tmp_path / "my-lessons-ja"
    assert copy_lessons().folder == tmp_path / "my-lessons"
    assert reset_lesson(1, language="ja").path == tmp_path / "my-lessons-ja" / FIRST
    assert asked == ["ja", "en", "ja"]


@pytest.mark.parametrize("there, other", [("en", "ja"), ("ja", "en")])
def test_two_languages_in_one_folder_are_refused(project, tmp_path, there, other):
    copy_lessons(tmp_path, language=there)
    for refused in (copy_lessons, lambda folder, language: reset_lesson(1, folder, language=language)):
        with pytest.raises(ValueError, match=f"holds the lessons in the language '{there}'; give another folder"):
            refused(tmp_path, language=other)
    assert done(tmp_path, language=there) == ((), (), ())


def test_a_record_without_a_language_is_of_the_english_lessons(folder, project):
    record = json.loads((folder / copies.RECORD).read_bytes())
    assert record.pop(copies.LANGUAGE) == "en"
    (folder / copies.RECORD).write_text(json.dumps(record))
    assert done(folder) == ((), (), ())
    with pytest.raises(ValueError, match="in the language 'en'"):
        copy_lessons(folder, language="ja")


@pytest.mark.parametrize("variable", [None, "en", "ja"])
def test_the_command_takes_the_language_and_gives_it_to_the_kernels(folder, project, tmp_path, monkeypatch, variable):
    labapp = pytest.importorskip("jupyterlab.labapp")
    monkeypatch.setenv("SDKIT_LANGUAGE", variable or "")
    monkeypatch.setattr(labapp.LabApp, "launch_instance", lambda flags: None)
    monkeypatch.chdir(tmp_path)
    assert command.main(["--lab"]) == 0
    assert os.environ["SDKIT_LANGUAGE"] == (variable or "en")
    assert (tmp_path / copies.FOLDERS[variable or "en"] / FIRST).exists()
    assert command.main(["--language", "ja", "--lab"]) == 0 and os.environ["SDKIT_LANGUAGE"] == "ja"


def test_the_command_refuses_a_language_that_is_not_there(monkeypatch, capsys):
    monkeypatch.setenv("SDKIT_LANGUAGE", "de")
    assert command.main([]) == 1
    assert (
        "the environment variable SDKIT_LANGUAGE is 'de'; set it to en or ja, or to nothing." in capsys.readouterr().err
    )


def test_the_command_opens_the_first_lesson(folder, monkeypatch):
    labapp = pytest.importorskip("jupyterlab.labapp")
    given = []
    monkeypatch.setattr(labapp.LabApp, "launch_instance", given.append)
    monkeypatch.setenv("SDKIT_LANGUAGE", "en")
    assert command.main(["--folder", str(folder), "--lab", "--no-browser", "--port=9000"]) == 0
    root, first = f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{FIRST}"
    assert given == [[root, first, "--no-browser", "--port=9000"]]


def test_git_sees_nothing_of_a_readers_folder():
    files = (FIRST, PAGE, copies.RECORD, "output/cat.png", "pictures/a.png")
    names = [f"{folder}/{name}" for folder in copies.FOLDERS.values() for name in files]
    found = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 128:
        pytest.skip("not a git checkout")
    assert found.stdout.splitlines() == names


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="file is a file; give the name of a folder"):
        copy_lessons(tmp_path / "file")
    with pytest.raises(ValueError, match="folder is ''; give the name of a folder"):
        copy_lessons("")
