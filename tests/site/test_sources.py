"""The pages as Sphinx gets them: links, pictures with their words, and what readers download."""

import json
import re
import zipfile
from io import BytesIO

import nbformat
import pytest
from PIL import Image

from tools.lesson import LESSONS, headings_of
from tools.notebooks import WIDGET
from tools.site.live import Live, read_table
from tools.site.pages import ALL, EXERCISES, HOME, LANGUAGES, ROOT, pages, parts, place, section, slug, twins
from tools.site.pictures import Pictures
from tools.site.sources import Sources
from tools.site.words import WORDS

IMAGE = re.compile(r"<img [^>]*>")


def png(colour="red"):
    """Return a small picture as a file."""
    file = BytesIO()
    Image.new("RGB", (20, 10), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def sources(tmp_path):
    """Return a function that makes the sources of a language."""
    return lambda language="en": Sources(language, tmp_path / "sources", tmp_path / "site", Live(read_table(), 28))


def test_every_lesson_is_a_page_in_the_readmes_order():
    for language in LANGUAGES:
        names = [name for _, lessons in parts(language) for name in lessons]
        assert names == [path.stem for path in sorted(LESSONS.glob("*.ipynb"))]
        assert {f"lessons/{name}" for name in names} < set(pages(language).values())
    assert [len(lessons) for _, lessons in parts("en")] == [len(lessons) for _, lessons in parts("ja")]


def test_the_japanese_pages_have_english_twins_and_lead_to_all_others(sources, tmp_path, monkeypatch):
    assert set(pages("ja").values()) <= twins() | {HOME, EXERCISES, ALL}
    new = pages("en") | {"LICENSE": "docs/new"}  # a page that nobody has described in Japanese yet
    monkeypatch.setattr("tools.site.sources.pages", lambda language: new if language == "en" else pages(language))
    monkeypatch.setattr("tools.site.sources.headings_of", lambda text: ["A page"])
    assert "| [A page](LICENSE) | |" in sources("ja")._filled("english", "").splitlines()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("07_num_inference_steps.ipynb", "[x](07_num_inference_steps.ipynb)"),
        ("06_guidance_scale.ipynb#What-it-costs", "[x](06_guidance_scale.ipynb#what-it-costs)"),
        ("exercises/06_guidance_scale.ipynb", "[x](../exercises.md#6--guidance_scale)"),
        ("../../docs/glossary.md", "[x](../docs/glossary.md)"),
        ("../../README.md#start", "[x](../index.md#start)"),
        ("../../docs/ja/glossary.md", '<a href="../../ja/docs/glossary.html" hreflang="ja">x</a>'),
        ("https://example.org/a#b", "[x](https://example.org/a#b)"),
    ],
)
def test_links_lead_within_the_site(target, expected, sources):
    name = "notebooks/en/06_guidance_scale.ipynb"
    assert sources().markdown(f"see [x]({target})", name, pages("en")[name]) == f"see {expected}"


def test_a_japanese_link_names_a_cell_and_finds_its_heading(sources):
    text = sources("ja").markdown(
        "[x](06_guidance_scale.ipynb#cell-id=cost-after)[y](../../docs/claims.md)",
        "notebooks/ja/05_negative_prompt.ipynb",
        "lessons/05_negative_prompt",
    )
    assert re.fullmatch(
        r'\[x\]\(06_guidance_scale\.ipynb#\S+\)<a href="\.\./\.\./en/docs/claims\.html" hreflang="en">y</a>', text
    )


def test_a_file_that_is_no_page_is_copied(sources, tmp_path):
    text = sources().markdown("[licence](LICENSE)", "README.md", HOME)
    assert text == '<a href="../files/LICENSE">licence</a>'
    assert (tmp_path / "site" / "files" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize(
    "text", ["[x](nothing.md)", "[x](06_guidance_scale.ipynb#No-such-place)", "![x](https://example.org/a.png)"]
)
def test_dead_links_and_foreign_pictures_are_refused(text, sources):
    with pytest.raises(ValueError):
        sources().markdown(text, "notebooks/en/01_start.ipynb", "lessons/01_start")


def test_links_in_code_are_left_alone(sources):
    text = "`a[0](b.md)`\n\n```\n[x](nothing.md)\n```\n"
    assert sources().markdown(text, "README.md", HOME) == text


def test_a_picture_keeps_its_words_and_is_stored_once(tmp_path):
    pictures = Pictures(tmp_path, tmp_path / "cache")
    tags = [pictures.tag(png(), up, 'an "owl" <on> blue', 10) for up in ("../", "../../")]
    (file,) = (tmp_path / "pictures").iterdir()
    assert tags[1].startswith(f'<img src="../../pictures/{file.name}" alt="an &quot;owl&quot; &lt;on&gt; blue" ')
    assert 'width="10" height="5"' in tags[1]
    assert tags[0].replace("../", "") == tags[1].replace("../", "")
    with Image.open(file) as picture:
        assert picture.format == "WEBP" and picture.getpixel((3, 3)) == (255, 0, 0)
    with pytest.raises(ValueError, match="alternative text"):
        pictures.tag(png(), "../", " ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lesson_shows_pictures_instead_of_widgets_and_has_a_live_panel(language, sources):
    name = f"notebooks/{language}/06_guidance_scale.ipynb"
    book = sources(language).notebook(name)
    stored = nbformat.read(ROOT / name, as_version=4)
    outputs = [
        output for cell in stored.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    told = [output.metadata.get("image/png", {}).get("alt") for output in outputs]
    text = json.dumps(book, ensure_ascii=False)
    assert WIDGET not in text and "image/png" not in text and "attachment:" not in text and "colab" not in text
    shown = [
        IMAGE.search(output.data["text/html"])[0]
        for cell in book.cells
        for output in cell.get("outputs", [])
        if IMAGE.search(output.get("data", {}).get("text/html", ""))
    ]
    assert len(shown) == len(told) == 7
    for alt, tag in zip(told, shown):
        assert (f'alt="{alt}"' in tag) if alt else ('alt=""' not in tag)
        # The words of outputs are English in both editions.
        assert ('lang="en"' in tag) == (alt is not None and language == "ja")
    ids = [cell.id for cell in book.cells]
    assert ids[ids.index("live") - 1 : ids.index("live") + 2] == ["panel", "live", "deeper"]


def test_the_strip_at_the_head_keeps_its_words(sources):
    head = sources().notebook("notebooks/en/06_guidance_scale.ipynb").cells[0].source
    assert 'alt="An owl at five values of guidance_scale' in head and "downloads/en/06_guidance_scale.zip" in head


def test_once_the_address_is_known_a_lesson_leads_to_colab_without_its_badge(sources, monkeypatch):
    urls = {"urls": {"Repository": "https://github.com/owner/name"}}
    monkeypatch.setattr("tools.site.sources.read_project", lambda root: urls)
    head = sources().notebook("notebooks/en/06_guidance_scale.ipynb").cells[0].source
    address = "https://colab.research.google.com/github/owner/name/blob/main/notebooks/en/06_guidance_scale.ipynb"
    assert f"[Open in Colab]({address})" in head and "badge" not in head


def test_a_lesson_is_downloaded_with_its_exercises_and_without_outputs(sources, tmp_path):
    sources("ja").write()
    with zipfile.ZipFile(tmp_path / "site" / "downloads" / "ja" / "06_guidance_scale.zip") as file:
        assert file.namelist() == ["06_guidance_scale.ipynb", "exercises/06_guidance_scale.ipynb"]
        books = [nbformat.reads(file.read(name).decode(), as_version=4) for name in file.namelist()]
    for book in books:
        nbformat.validate(book)
        assert not any(cell.get("outputs") or cell.get("attachments") for cell in book.cells)
        text = "\n".join(cell.source for cell in book.cells)
        assert ".md)" not in text and "attachment:" not in text
    assert "](exercises/06_guidance_scale.ipynb)" in "\n".join(cell.source for cell in books[0].cells)
    written = {
        path.relative_to(tmp_path / "sources").with_suffix("").as_posix()
        for path in (tmp_path / "sources").rglob("*.*")
    }
    assert written == set(pages("ja").values()) | {HOME, EXERCISES, ALL}


def test_the_page_of_exercises_lists_all_of_them(sources, tmp_path):
    for language in LANGUAGES:
        sources(language).write()
        text = (tmp_path / "sources" / "exercises.md").read_text(encoding="utf-8")
        tasks = sum(
            cell.id.endswith("-task")
            for path in (ROOT / "notebooks" / language / "exercises").glob("*.ipynb")
            for cell in nbformat.read(path, as_version=4).cells
        )
        assert len(re.findall(r"^- .+ \(.+\)$", text, re.MULTILINE)) == tasks > 80
        assert len(re.findall(r"^## \d+ · ", text, re.MULTILINE)) == 29


def test_the_start_page_has_the_two_commands_the_lab_and_no_placeholder(sources, tmp_path):
    sources().write()
    text = (tmp_path / "sources" / "index.md").read_text(encoding="utf-8")
    assert "`make setup`" in text and "`make lab`" in text and 'href="../lab/index.html"' in text and "<!--" not in text


@pytest.mark.parametrize("urls", [{}, {"Repository": "https://example.org/project"}])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_page_says_where_the_projects_folder_comes_from(language, urls, sources, monkeypatch):
    monkeypatch.setattr("tools.site.sources.read_project", lambda root: {"urls": urls})
    text = sources(language)._filled("project", "")
    assert (text == WORDS[language]["project_unknown"]) == (not urls)
    assert ("https://example.org/project" in text) == bool(urls)
    assert "<!-- project -->" in (ROOT / "site" / language / "index.md").read_text(encoding="utf-8")


def test_a_lesson_leads_to_its_live_panel_from_its_head_and_from_the_panels_picture(sources):
    book = sources().notebook("notebooks/en/06_guidance_scale.ipynb")
    text = json.dumps(book, ensure_ascii=False)
    assert "Try it here ↓" in book.cells[0].source and "#live-in-this-tab" in book.cells[0].source
    assert text.count("#live-in-this-tab") == 1 + text.count("<figcaption>") >= 2
    assert "Live, in this tab" in headings_of(next(cell for cell in book.cells if cell.id == "live").source)


def test_headings_are_found_by_their_names_in_links():
    assert slug("6 · `guidance_scale`: *how* strong?") == "6--guidance_scale-how-strong"
    assert place("docs/teaching.md", "45-minutes") == "45-minutes"
    with pytest.raises(ValueError, match="has no heading #nowhere"):
        place("docs/teaching.md", "nowhere")
    assert section("# a\n\n## b\nc\n### d\n## e\nf", "b") == "c\n### d"
    with pytest.raises(ValueError, match="the headings are"):
        section("# a\n", "b")
