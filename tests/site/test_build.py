"""The whole site, built with a stand-in for the lab, and looked at in a real browser from below a path."""

import json
import re
import shutil
from urllib.parse import quote

import pytest

from tools import browser_build, browser_page
from tools.lesson import LESSONS
from tools.site.build import lead_back
from tools.site.check import MAX_MB, Site
from tools.site.pages import ROOT

pytestmark = pytest.mark.slow

INSTALL = 'pip install -c constraints.txt -e ".[site]"'
LAB_MB = 32  # what the real lab may have of the site's size
# Says what it was called with; the real lab's own tests are in tests/browser.
STAND_IN = "export function mountLab(place, options) { place.textContent = JSON.stringify(options); place.id = 'lab'; }"
PHONE = {"width": 360, "height": 740}
SHOWN = "[...document.querySelectorAll('#search-results > ul > li > a')].map(link => link.textContent)"
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site below a folder that stands for a path of a host, and return it."""
    for name in ("sphinx", "myst_nb", "sphinx_book_theme", "latex2mathml"):
        pytest.importorskip(name, reason=f"{name} is missing: {INSTALL}")
    from tools.site.__main__ import build

    folder = tmp_path_factory.mktemp("host")
    lab = folder / "browser"
    for name, text in {
        "index.html": "<h1>Lab</h1>",
        "ja.html": "<h1>Lab</h1>",
        "lab.js": STAND_IN,
        "lab.css": "",
        "models/unet.onnx": "",
        "runtime/a.wasm": "",
    }.items():
        (lab / name).parent.mkdir(parents=True, exist_ok=True)
        (lab / name).write_text(text)
    assert build(folder / "some" / "path", lab) == []  # no warnings, no dead links, nothing from other servers, ...
    return Site(folder / "some" / "path")


@pytest.fixture(scope="module")
def page(site):
    """Return a page of a browser that collects its errors, and addresses that are not there or of other servers."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing")
    if browser_page.chromium() is None:
        pytest.skip("there is no Chromium")
    with browser_page.served(site.folder.parent.parent) as address, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_page.chromium(), args=browser_page.CHROMIUM)
        page = browser.new_context(base_url=f"{address}some/path/").new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("response", lambda one: page.problems.append(one.url) if one.status >= 400 else None)
        page.on(
            "request", lambda one: None if one.url.startswith((address, "data:")) else page.problems.append(one.url)
        )
        yield page
        browser.close()
        assert page.problems == []


def test_all_pages_are_there_in_both_languages_and_small_enough(site):
    names = {path.relative_to(site.folder).as_posix() for path in site.pages}
    for language in ("en", "ja"):
        assert len([name for name in names if name.startswith(f"{language}/lessons/")]) == 29
        assert {f"{language}/{name}.html" for name in ("index", "exercises", "search", "docs/glossary")} <= names
    assert site.megabytes() < MAX_MB - LAB_MB
    assert (site.folder / ".nojekyll").exists() and not list(site.folder.rglob("*.map"))


def test_formulas_need_no_program(site):
    text = (site.folder / "en" / "lessons" / "15_image_to_image.html").read_text(encoding="utf-8")
    assert "<msqrt>" in text
    assert not any("mathjax" in address.lower() for page in site.pages.values() for address in page.loads)


def test_pictures_are_there_once_for_both_languages(site):
    shown = {
        language: {
            source.rsplit("/", 1)[1]
            for path, page in site.pages.items()
            if language in path.parts
            for source in page.loads
            if "/pictures/" in source
        }
        for language in ("en", "ja")
    }
    stored = {path.name for path in (site.folder / "pictures").iterdir()}
    assert shown["en"] | shown["ja"] == stored and len(shown["en"] & shown["ja"]) > 180


def test_the_first_page_goes_to_the_readers_language_and_stays_when_asked(page):
    page.goto("index.html")
    page.wait_for_url("**/en/index.html")
    page.go_back()  # not to the first page, which would send the reader on again
    assert page.url == "about:blank"
    page.goto("index.html#choose")
    assert page.locator("a").count() == 2


def test_a_lesson_leads_to_the_same_lesson_in_the_other_language(page):
    page.goto("en/lessons/06_guidance_scale.html")
    page.click("a.language")
    page.wait_for_url("**/some/path/ja/lessons/06_guidance_scale.html")
    page.click("a.right-next")
    page.wait_for_url("**/ja/lessons/07_num_inference_steps.html")


@pytest.mark.parametrize(
    ("language", "question", "expected"),
    [
        ("en", "guidance_scale", "6 · guidance_scale"),
        ("ja", "自分で学習", "29 · 自分で学習させる"),  # parts of words, as nobody writes them apart
        ("ja", "潜在変数 ノイズ", "9 · latents"),
    ],
)
def test_the_search_finds_words_of_the_language(language, question, expected, page):
    page.goto(f"{language}/search.html?q={quote(question)}")
    page.wait_for_selector("#search-results .context")
    assert expected in page.evaluate(SHOWN)
    page.goto(f"{language}/search.html?q=%E9%A3%9B%E8%A1%8C%E8%88%B9qqq")
    page.wait_for_function("document.querySelector('#search-results p').textContent.length > 20")
    assert page.evaluate(SHOWN) == []


@pytest.mark.parametrize(
    ("language", "question", "lesson"),
    [
        ("en", "guidance", "6 · guidance_scale"),
        ("en", "negative prompt", "5 · negative_prompt"),
        ("en", "image to image", "15 · image to image"),
        ("ja", "ガイダンス", "6 · guidance_scale"),
        ("ja", "シード", "4 · generator"),
        ("ja", "負のプロンプト", "5 · negative_prompt"),
    ],
)
def test_the_search_shows_the_lesson_of_that_name_first_and_marks_whole_words(language, question, lesson, page):
    page.goto(f"{language}/search.html?q={quote(question)}")
    page.wait_for_selector("#search-results .context")
    assert page.evaluate(SHOWN)[0] == lesson and page.evaluate(SHOWN).count(lesson) == 1
    marked = page.evaluate("[...document.querySelectorAll('.highlighted')].map(one => one.textContent.toLowerCase())")
    assert set(marked) <= set(question.split()) and (marked or language == "ja")


def test_names_in_the_search_are_those_of_lessons():
    names = re.findall(
        r'^  "(\d\d_\w+)": \[', (ROOT / "site" / "static" / "search.js").read_text("utf-8"), re.MULTILINE
    )
    assert len(names) > 15 and all((LESSONS / f"{name}.ipynb").exists() for name in names)


def test_a_button_puts_the_lab_into_the_lesson(page):
    asked = []
    page.on("request", lambda one: asked.append(one.url) if "/lab/" in one.url else None)
    page.goto("ja/lessons/06_guidance_scale.html")
    assert asked == []
    page.click(".live button")
    page.wait_for_selector("#lab")
    options = json.loads(page.text_content("#lab"))
    assert options["language"] == "ja" and options["base"].endswith("/some/path/lab/")
    assert options["controls"][0] == "guidance_scale" and options["settings"]["seed"] == 3
    assert page.locator(".live button").count() == 0
    assert page.evaluate("document.activeElement.id") == "lab"


def test_with_the_real_lab_a_lesson_makes_a_picture_and_the_whole_is_small_enough(site, page, tmp_path):
    if problem := browser_build.missing():
        pytest.skip(problem)
    shutil.copytree(site.folder, tmp_path / "site")
    shutil.rmtree(tmp_path / "site" / "lab")
    shutil.copytree(browser_build.build(), tmp_path / "site" / "lab")
    lead_back(tmp_path / "site" / "lab")
    assert Site(tmp_path / "site").problems() == []
    with browser_page.served(tmp_path / "site") as address:
        own = page.context.new_page()
        asked = []
        own.on("request", lambda one: asked.append(one.url))
        own.goto(f"{address}en/lessons/15_image_to_image.html")
        own.click(".live button")
        own.wait_for_selector(".sd-history li", timeout=browser_page.LIMIT_MS)
        assert own.get_by_label("strength", exact=True).first.is_visible()
        own.close()
    assert f"{address}lab/lab.js" in asked
    assert all(one.startswith((address, "data:", "blob:")) for one in asked)


def test_a_page_opened_as_a_file_says_what_the_panel_needs(site, page):
    page.goto((site.folder / "en" / "lessons" / "06_guidance_scale.html").as_uri())
    page.click(".live button")
    assert "python -m http.server" in page.text_content(".live-message")
    page.problems[:] = [one for one in page.problems if not one.startswith("file:")]  # not from a server


@pytest.mark.parametrize("name", ["en/index", "ja/lessons/01_start", "en/lessons/06_guidance_scale", "en/exercises"])
def test_pages_fit_a_phone(name, page):
    page.set_viewport_size(PHONE)
    page.goto(f"{name}.html")
    assert not page.evaluate(TOO_WIDE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    own = page.context.new_page()  # axe asks for files that are not there: it takes addresses in styles for the page's
    own.set_viewport_size({"width": 1366, "height": 900})
    own.emulate_media(color_scheme=scheme)
    own.goto("en/lessons/06_guidance_scale.html")
    own.wait_for_timeout(500)  # colours fade over
    found = axe.Axe().run(own).response["violations"]
    own.close()
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_nothing_is_left_when_something_is_wrong(tmp_path, monkeypatch):
    from tools.site import __main__ as main

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old.html").touch()
    monkeypatch.setattr(main, "run_sphinx", lambda *_, **__: ["en: WARNING: something"])
    assert main.build(tmp_path / "site", None) == ["en: WARNING: something"]
    assert [path.name for path in tmp_path.rglob("*")] == ["site", "old.html"]
