"""Pages written by hand: the README's list of lessons, the glossary, and the article's appendix."""

import re

import pytest

from tools.lesson import LESSONS

ROOT = LESSONS.parent.parent
FORBIDDEN = re.compile(r"carr(?:y|ies) over to Stable Diffusion|pip3? install (?:-\S+ )*sdkit\b")


def page(name):
    """Return the text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_lists_every_lesson_in_order():
    rows = re.findall(r"^\| (\d+) \| \[[^\]]+\]\(notebooks/en/(\S+)\) \| \S.* \|$", page("README.md"), re.MULTILINE)
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
