"""Pages written by hand: the README's list of lessons, the glossary, and the article's appendix."""

import re
from urllib.parse import unquote

import pytest

from sdkit.words import known_words
from tools.lesson import HEAD, LESSONS, Lesson, anchor, headings_of

ROOT = LESSONS.parent.parent
PATHS = sorted(LESSONS.glob("*.ipynb"))
FORBIDDEN = re.compile(r"carr(?:y|ies) over to Stable Diffusion|pip3? install (?:-\S+ )*sdkit\b")


def page(name):
    """Return the text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("readme", "language"), [("README.md", "en"), ("README.ja.md", "ja")])
def test_the_readme_lists_every_lesson_in_order(readme, language):
    row = rf"^\| (\d+) \| \[[^\]]+\]\(notebooks/{language}/(\S+)\) \| \S.* \|$"
    rows = re.findall(row, page(readme), re.MULTILINE)
    files = [path.name for path in sorted(LESSONS.glob("*.ipynb"))]
    assert [file for _, file in rows] == files
    assert [int(number) for number, _ in rows] == [int(file[:2]) for file in files]


def test_the_glossary_is_in_order_and_each_word_stands_once():
    words = [word.lower() for word in re.findall(r"^\*\*(.+?)\*\*", page("docs/glossary.md"), re.MULTILINE)]
    assert len(words) > 40 and words == sorted(set(words))


def test_what_the_glossary_refers_to_is_in_it():
    text = page("docs/glossary.md")
    words = re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
    for word in re.findall(r"see \*(.+?)\*", text):
        assert word.capitalize() in words, word


def test_the_japanese_glossary_has_the_same_words_and_finds_them_from_english():
    english = re.findall(r"^\*\*(.+?)\*\*", page("docs/glossary.md"), re.MULTILINE)
    text = page("docs/ja/glossary.md")
    japanese = re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)
    assert len(japanese) == len(set(japanese)) == len(english)
    index = dict(re.findall(r"^\| ([A-Za-z].*?) \| (.+?) \|$", text, re.MULTILINE))
    assert list(index) == sorted(index, key=str.lower) and set(index.values()) - {"日本語"}
    for word in (words.split(",")[0] for words in english):
        assert word in " ".join(japanese) or word.lower() in " ".join(index).lower(), word
    for words in index.values():
        assert all(word in japanese for word in words.split("、")), words
    for word in re.findall(r"については「(.+?)」をご覧ください", text):
        assert word in japanese, word


def test_every_heading_of_the_article_leads_to_a_lesson():
    rows = re.findall(r"^\| (.+?) \| (\[\d+ · .+) \|$", page("README.ja.md"), re.MULTILINE)
    assert len(rows) == 20
    for heading, lessons in rows:
        assert "](notebooks/ja/" in lessons, heading


def test_every_line_of_the_article_has_a_verdict_and_a_place():
    verdicts = re.findall(r"^\| (\w+) \| (?:true|never)", page("docs/article.md"), re.MULTILINE)
    tables = re.findall(r"^\| it says \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page("docs/article.md"), re.MULTILINE)
    rows = [line.split(" | ") for table in tables for line in table.splitlines()]
    assert len(verdicts) == 4 and len(rows) > 40
    for row in rows:
        assert len(row) == 4 and row[1] in verdicts and row[3].endswith((".ipynb) |", "read |")), row


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_no_page_promises_what_was_not_run(name):
    assert not FORBIDDEN.findall(page(name))


def test_the_teachers_guide_has_the_minutes_of_every_lesson():
    rows = re.findall(
        r"^\| \[(\d+) · [^\]]+\]\(\.\./notebooks/en/(\S+)\) \| (\d+) \|", page("docs/teaching.md"), re.MULTILINE
    )
    heads = [(path.name, re.search(r"\b(\d+) minutes\b", Lesson.read(path).cell(HEAD).source)[1]) for path in PATHS]
    assert [(file, minutes) for _, file, minutes in rows] == heads
    assert all(int(number) == int(file[:2]) for number, file, _ in rows)


@pytest.mark.parametrize("minutes", [45, 90, 180])
def test_the_parts_of_a_route_fill_its_minutes(minutes):
    route = page("docs/teaching.md").split(f"### {minutes} minutes\n")[1].split("\n### ")[0]
    assert sum(map(int, re.findall(r"^\| [\d–]* ?\| (\d+) \|", route, re.MULTILINE))) == minutes


def test_the_day_has_no_gap():
    route = page("docs/teaching.md").split("### One day\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+):(\d\d) \| (\d*) \|", route, re.MULTILINE)
    begins = [60 * int(hours) + int(minutes) for hours, minutes, _ in rows]
    ends = [begin + int(length) for begin, (*_, length) in zip(begins, rows[:-1])]
    assert len(rows) > 8 and ends == begins[1:]


@pytest.mark.parametrize("name", [f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")])
def test_places_that_pages_link_to_are_there(name):
    for target, place in re.findall(r"\]\(([\w./-]*\.(?:md|ipynb))?#([^)\s]+)\)", page(name)):
        path = (ROOT / name).parent / target if target else ROOT / name
        if path.suffix == ".ipynb":
            texts, called = [cell.source for cell in Lesson.read(path).prose], anchor
        else:
            texts, called = [path.read_text(encoding="utf-8")], on_github
        assert unquote(place) in {called(heading) for text in texts for heading in headings_of(text)}, (target, place)


def on_github(heading):
    """Return how GitHub names a heading of a page in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_model_has_learnt_no_word_for_persons_weapons_or_alcohol():
    listed = "person people man woman boy girl baby child face body hand gun knife sword bomb blood beer wine cigarette"
    assert not set(listed.split()) & set(known_words()) and "owl" in known_words()
