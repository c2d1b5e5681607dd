"""What a reader's folder gets: lessons and pages whose links lead somewhere, the same from the wheel."""

import json
import posixpath
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from sdkit.language import LANGUAGES
from sdkit.lessons import source
from sdkit.lessons.source import pack, reader_files, source_of
from tools.lesson import LESSONS, anchor, headings_of

ROOT = Path(__file__).resolve().parents[2]
TARGET = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    """Return each language in turn."""
    return request.param


@pytest.fixture(scope="module")
def files(language):
    """Return what a reader gets from the repository."""
    return reader_files(language=language)


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """Put the lessons where a wheel has them, let them be taken from there, and return the folder."""
    pack(tmp_path / "packed")
    monkeypatch.setattr(source, "PACKED", tmp_path / "packed")
    return tmp_path / "packed"


def prose(name, data):
    """Return the Markdown of a lesson or page, without blocks of code."""
    if name.endswith(".ipynb"):
        cells = json.loads(data)["cells"]
        text = "\n\n".join(
            f"<!-- cell: {cell['id']} -->\n{source_of(cell)}" for cell in cells if cell["cell_type"] == "markdown"
        )
    else:
        text = data.decode("utf-8") if name.endswith(".md") else ""
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def broken(texts, there):
    """Return (file, target) of each relative link that leads to no file, or to no heading of one of `texts`."""
    found = []
    for name, text in texts.items():
        for match in TARGET.finditer(re.sub(r"`[^`\n]*`", "", text)):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:|#", target):
                continue
            path, _, place = target.partition("#")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
            text = texts.get(path, "")
            known = [anchor(heading) for heading in headings_of(text)]
            known += [f"cell-id={name}" for name in re.findall("<!-- cell: (\\S+) -->", text)]
            if not there(path) or (path.endswith(".ipynb") and place and unquote(place) not in known):
                found.append((name, target))
    return found


def test_a_reader_gets_every_lesson_and_no_outputs(files):
    assert [name for name in files if name.endswith(".ipynb")] == [
        *(path.name for path in sorted(LESSONS.glob("*.ipynb"))),
        *(f"exercises/{path.name}" for path in sorted(LESSONS.glob("exercises/*.ipynb"))),
    ]
    for name, data in files.items():
        for cell in json.loads(data)["cells"] if name.endswith(".ipynb") else ():
            assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


def test_outputs_are_kept_on_request(files, language):
    name = "01_start.ipynb"
    kept = reader_files(outputs=True, language=language)[name]
    assert len(kept) > len(files[name])
    assert kept.count(b"image/png") == (LESSONS / name).read_bytes().count(b"image/png") > 0


def test_the_picture_at_the_top_is_kept_without_outputs(tmp_path, monkeypatch):
    attached = {"strip.jpg": {"image/jpeg": "AAAA"}}
    head = {"cell_type": "markdown", "source": ["![seen](attachment:strip.jpg)"], "attachments": attached}
    code = {"cell_type": "code", "source": ["1"], "outputs": ["one"], "execution_count": 1}
    home = tmp_path / "repository"
    (home / source.LESSONS).mkdir(parents=True)
    (home / source.LESSONS / "01_start.ipynb").write_text(json.dumps({"cells": [head, code], "metadata": {}}))
    monkeypatch.setattr(source, "PACKAGE", home / "sdkit")
    from_repository = reader_files()
    pack(tmp_path / "packed")
    monkeypatch.setattr(source, "PACKED", tmp_path / "packed")
    for files in (from_repository, reader_files()):
        top, below = json.loads(files["01_start.ipynb"])["cells"]
        assert top == head and below["outputs"] == []


def test_links_lead_somewhere_in_the_repository():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if names.returncode:
        pytest.skip("not a git checkout")
    names = [name for name in names.stdout.splitlines() if name.endswith((".md", ".ipynb")) and (ROOT / name).exists()]
    texts = {name: prose(name, (ROOT / name).read_bytes()) for name in names}
    # The site's own pages write links as from the top, where tools/site reads them.
    texts = {name.replace("/", "-") if name.startswith("site/") else name: text for name, text in texts.items()}
    assert "README.md" in texts and "docs/claims.md" in texts
    assert broken(texts, lambda path: (ROOT / path).exists()) == []


def test_links_lead_somewhere_in_a_readers_folder(files, language):
    texts = {name: prose(name, data) for name, data in files.items()}
    assert broken(texts, files.__contains__) == []
    pages = {"about/ja/glossary.md", "about/ja/article.md"} if language == "ja" else {"about/glossary.md"}
    assert {"about/claims.md", *pages} <= files.keys()
    texts["01_start.ipynb"] += "[lost](about/lost.md) [heading](02_anatomy.ipynb#Nothing-there)"
    assert [target for _, target in broken(texts, files.__contains__)] == [
        "about/lost.md",
        "02_anatomy.ipynb#Nothing-there",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[a](../../docs/claims.md#x) and [b](02_b.ipynb)", "[a](about/claims.md#x) and [b](02_b.ipynb)"),
        ('<img src="../../docs/a.png" width="90%">', '<img src="about/a.png" width="90%">'),
        ("![`seed[0]` is](../../docs/a.png)", "![`seed[0]` is](about/a.png)"),
        ("how: [a script](../../training/make.py)", "how: a script"),
        ("`a[0](b)`, [web](https://a.b/c.md), [here](#there)", "`a[0](b)`, [web](https://a.b/c.md), [here](#there)"),
    ],
)
def test_links_are_written_for_the_readers_folder(old, new):
    names = ["notebooks/en/01_a.ipynb", "notebooks/en/02_b.ipynb", "docs/claims.md", "docs/a.png"]
    places = {name: source.place_of(name) for name in names}
    assert source._with_links(old, names[0], places) == new


def test_links_from_exercises_are_written_for_the_readers_folder():
    names = ["notebooks/en/exercises/01_a.ipynb", "notebooks/en/01_a.ipynb", "docs/claims.md"]
    places = {name: source.place_of(name) for name in names}
    old = "[lesson](../01_a.ipynb), [claims](../../../docs/claims.md)"
    assert source._with_links(old, names[0], places) == "[lesson](../01_a.ipynb), [claims](../about/claims.md)"
    assert source._with_links("[do](exercises/01_a.ipynb)", names[1], places) == "[do](exercises/01_a.ipynb)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_files_have_one_place(language):
    names = list(source.project_files(language))
    assert len({source.place_of(name) for name in names}) == len(names)


def test_a_wheel_holds_the_same_and_nothing_twice(files, language, packed):
    assert reader_files(language=language) == files
    assert not (packed / "sdkit").exists()  # the card is in the package anyway
    assert (
        sum(path.stat().st_size for path in packed.rglob("*") if path.is_file()) < 8_000_000
    )  # pictures at the top among them


def test_a_wheel_has_no_outputs_to_keep(packed):
    with pytest.raises(ValueError, match="without outputs; take them from the project's repository"):
        reader_files(outputs=True)


def test_english_readers_get_no_japanese_pages():
    assert [name for name in source.project_files() if "ja" in name.split("/")] == []


def test_a_language_without_lessons_is_told():
    with pytest.raises(FileNotFoundError, match="holds no lessons in the language 'de'"):
        reader_files(language="de")


def test_no_lessons_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "PACKAGE", tmp_path / "sdkit")
    with pytest.raises(FileNotFoundError, match="holds no lessons; build the wheel"):
        reader_files()
