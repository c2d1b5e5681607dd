"""Slides: where they begin, and decks that load nothing."""

import re
from shutil import which

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sdkit.language import LANGUAGES
from tools import slides
from tools.lesson import LESSONS, Lesson
from tools.slide_marks import GOES_ON, LATER, SKIP, SLIDE, height_of, kinds, mark

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = new_output("display_data", {"image/png": PNG, slides.WIDGET: {"model_id": "a"}, "text/plain": "a panel"})
ANSWER = "<details><summary>Answer</summary>\n\nIt is red.\n\n</details>"
REVEAL = {"reveal.css": ".reveal {}", "theme/white.css": ".white {}", "reveal.js": "var Reveal = {initialize() {}}"}


def prose(text, name=None):
    """Return a Markdown cell."""
    return new_markdown_cell(text, **({"id": name} if name else {}))


def picture():
    """Return a code cell with a stored picture."""
    return new_code_cell("show()", outputs=[PICTURE])


def lesson(*cells):
    """Return a lesson with these cells, then Deeper."""
    return Lesson(
        LESSONS / "01_start.ipynb", new_notebook(cells=[*cells, prose("## Deeper", "deeper"), prose("More.")])
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([prose("# 1"), new_code_cell("x = 0")], [SLIDE, GOES_ON]),
        ([prose("# 1"), prose("## Two"), prose("Text.")], [SLIDE, SLIDE, GOES_ON]),
        ([prose("# 1"), picture(), prose("It is red.")], [SLIDE, LATER, LATER]),
        ([prose("# 1"), picture(), picture()], [SLIDE, LATER, SLIDE]),
        # A question moves to the next slide with the picture it asks about; an answer stays.
        ([prose("# 1"), picture(), prose("Which?"), picture()], [SLIDE, LATER, SLIDE, LATER]),
        ([prose("# 1"), picture(), prose(ANSWER), picture()], [SLIDE, LATER, LATER, SLIDE]),
        ([prose("# 1"), prose("word " * 300), prose("word " * 200)], [SLIDE, GOES_ON, SLIDE]),
    ],
)
def test_where_slides_begin(cells, expected):
    assert kinds(lesson(*cells)) == [*expected, SKIP, SKIP]


def test_what_is_folded_takes_no_room():
    assert height_of(prose(ANSWER.replace("It is red.", "word " * 500))) == height_of(prose("Answer"))


def test_marking_twice_changes_nothing():
    one = lesson(prose("# 1"), new_code_cell("x = 0", metadata={"slideshow": {"slide_type": "slide"}, "tags": ["a"]}))
    assert mark(one) and not mark(one)
    stored = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in one.cells]
    assert stored == ["slide", None, "skip", "skip"] and one.cells[1].metadata.tags == ["a"]


def test_a_deck_shows_the_core_and_loads_nothing():
    colab = "<!-- colab -->\nOn Colab, first\n<!-- /colab -->"
    cells = [
        prose(f"# 1 · start\n\nSee [the glossary](../../docs/glossary.md).\n\n{colab}", "head"),
        prose("Which?", "ask"),
        picture(),
        prose(f"{ANSWER}\n\n## Two\n\n$$a + b$$", "two"),
    ]
    page = slides.deck(lesson(*cells), REVEAL)
    assert not re.findall(r"<(?:link|img|script|iframe)[^>]*(?:src|href)=[\"'](?!data:)", page)
    assert not re.findall(r"url\((?![\"']?(?:data:|#))", page)
    sections = re.findall(r"<section[^>]*>(?!<section)(.*?)</section>", page, re.DOTALL)
    assert len(sections) == 2 and all(name in page for name in REVEAL.values())
    assert f"data:image/png;base64,{PNG}" in sections[0] and "It is red." in sections[0]
    assert "Two" in sections[1] and "data:image/svg+xml" in sections[1]
    for left_out in ("glossary.md", "On Colab", "Deeper", "More.", "model_id", "require("):
        assert left_out not in page


def test_building_writes_a_deck_for_each_lesson(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(slides, "SLIDES", tmp_path)
    monkeypatch.setattr(slides, "reveal_js", lambda: REVEAL)
    assert slides.main(["build", str(LESSONS / "01_start.ipynb")]) == 0
    page = (tmp_path / "01_start.html").read_text(encoding="utf-8")
    assert "MB" in capsys.readouterr().out and page.count("data:image/") >= 5


def test_marking_writes_only_what_changes(tmp_path, capsys):
    path = tmp_path / "01_start.ipynb"
    nbformat.write(lesson(prose("# 1")).book, path)
    assert slides.main(["mark", str(path)]) == 0 and capsys.readouterr().out == "01_start.ipynb\n"
    before = path.stat().st_mtime_ns
    assert slides.main(["mark", str(path)]) == 0 and capsys.readouterr().out == ""
    assert path.stat().st_mtime_ns == before and kinds(Lesson.read(path))[0] == "slide"


LOOK = """() => {
    const high = [];
    Reveal.getSlides().forEach((slide, number) => {
        const {h, v} = Reveal.getIndices(slide);
        Reveal.slide(h, v, 99);
        if (slide.scrollHeight > slide.clientHeight + 2) high.push(number);
    });
    const empty = [...document.images].filter(image => !image.naturalWidth).length;
    return {high, empty, slides: Reveal.getTotalSlides(), images: document.images.length};
}"""


def test_japanese_lessons_have_decks_of_their_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(slides, "SLIDES", tmp_path / "slides")
    monkeypatch.setattr(slides, "reveal_js", lambda: REVEAL)
    assert slides.main(["build", str(LESSONS.parent / "ja" / "01_start.ipynb")]) == 0
    page = (tmp_path / "slides-ja" / "01_start.html").read_text(encoding="utf-8")
    assert '<html lang="ja">' in page and "最初の一枚" in page and not (tmp_path / "slides").exists()


def test_a_japanese_letter_takes_the_room_of_two():
    assert height_of(prose("猫" * 150)) == height_of(prose("a" * 300)) > height_of(prose("a" * 150))


@pytest.mark.network  # fetches reveal.js; the decks themselves need none
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_deck_opens_without_a_network_and_every_slide_fits(language, tmp_path, monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", language)
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = which("chromium") or which("google-chrome") or pytest.skip("there is no Chromium")
    monkeypatch.setattr(slides, "SLIDES", tmp_path / "slides")
    assert slides.main(["build"]) == 0
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
        asked, wrong = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        decks = sorted(tmp_path.rglob("*.html"))
        assert len(decks) == len(list(LESSONS.glob("*.ipynb")))
        for deck in decks:
            page.goto(deck.as_uri())
            page.wait_for_function("window.Reveal && Reveal.isReady()")
            seen = page.evaluate(LOOK)
            assert seen["slides"] >= 8 and seen["images"] >= 4, deck.name
            assert (deck.name, seen["high"], seen["empty"]) == (deck.name, [], 0)
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and wrong == []
        browser.close()
