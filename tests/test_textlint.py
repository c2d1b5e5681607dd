"""The Japanese prose has no findings of textlint, and no term that is not ours."""

import re

import pytest

from tools.cells import marked_text
from tools.textlint import __main__ as command
from tools.textlint import run
from tools.textlint.terms import TERMS, prh_rules, read_terms

PLANTED = """<!-- cell: answer -->
<details><summary>答え</summary>

デフォルトの種は3。とても長い文章なので、ここでも、あそこでも、どこでも、いつでも、切れません

- **重要**：パラメータは GPU にあります。

</details>

<!-- cell: fine -->
`デフォルト`の$種$という言葉は使わず、既定値のシードといいます。種類はいろいろです。
"""


@pytest.mark.skipif(run.missing() is not None, reason=str(run.missing()))
@pytest.mark.slow
def test_textlint_finds_what_is_planted_and_nothing_in_the_japanese_prose(tmp_path):
    planted = tmp_path / "planted.md"
    planted.write_text(PLANTED, encoding="utf-8")
    files = command.japanese_files()
    assert len([file for file in files if file.suffix == ".ipynb"]) >= 26
    found = run.findings([planted, *files])
    assert [str(finding) for finding in found if finding.file != planted] == []
    assert {(finding.cell, finding.line) for finding in found} == {("answer", 3), ("answer", 5)}
    rules = " ".join(f"{finding.rule} {finding.words}" for finding in found)
    for word in ("既定値", "シード", "パラメーター", "max-ten", "no-ai-list-formatting", "ja-no-mixed-period", "3.1.1"):
        assert word in rules, word


def test_no_term_is_refused_by_another():
    terms = read_terms()
    assert len(terms) > 40
    refused = [re.compile(pattern.strip("/")) for term in terms for pattern in term.refused]
    words = [word for term in terms for word in re.split("[;・、 ]+", term.japanese)]
    assert [(word, pattern.pattern) for word in words for pattern in refused if pattern.search(word)] == []


def test_the_list_is_in_order_and_names_each_thing_once():
    names = [term.english.lower() for term in read_terms()]
    assert names == sorted(set(names))


def test_terms_become_rules(tmp_path):
    page = tmp_path / "terms.md"
    page.write_text(
        "# Terms\n| English | Japanese | not used |\n|-|-|-|\n| user | ユーザー | ユーザ |\n| token | トークン | |\n"
        "| seed | シード | `/(?<![一|二])種/`, 乱数の種 |\n",
        encoding="utf-8",
    )
    assert prh_rules(read_terms(page)).splitlines() == [
        "version: 1",
        "rules:",
        "  - expected: ユーザー",
        "    patterns:",
        "      - /ユーザ(?!ー)/",
        "    prh: user",
        "  - expected: シード",
        "    patterns:",
        "      - /(?<![一|二])種/",
        "      - /乱数の種/",
        "    prh: seed",
    ]
    page.write_text("| a | b |\n|-|-|\n| a | b |\n")
    with pytest.raises(ValueError, match="has 2 cells, not English, Japanese and what is not used"):
        read_terms(page)


def test_without_npm_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "MODULES", tmp_path)
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    assert command.main([str(TERMS)]) == 2
    assert capsys.readouterr().err == (
        "npm is not installed; textlint needs Node.js 20 or newer, and npm comes with it.\n"
    )


def test_an_old_node_is_told(monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda name: name)
    for version, told in ("v18.20.4", "with Node.js v18.20.4"), ("v20.2.0", None), ("", "with Node.js ;"):
        done = run.subprocess.CompletedProcess([], 0, stdout=f"{version}\n")
        monkeypatch.setattr(run.subprocess, "run", lambda *arguments, done=done, **options: done)
        assert (told in run.missing()) if told else run.missing() is None


def test_a_catalogue_of_messages_is_read_by_sentence(tmp_path):
    path = tmp_path / "messages.json"
    path.write_text(
        '{"{n:g}: no.": "{n:g}：いいえ。", "Use .shape.": "pipe(...).images[0]の.shapeです。", "name": "名前"}',
        encoding="utf-8",
    )
    assert marked_text(path) == (
        "<!-- cell: 1 -->\n`{n:g}`：いいえ。\n\n<!-- cell: 2 -->\n`pipe(...).images[0]`の`.shape`です。\n\n"
        "<!-- cell: 3 -->\n# 名前\n"
    )
    with pytest.raises(ValueError, match="neither a notebook"):
        marked_text(tmp_path / "messages.txt")


def test_places_are_those_of_the_cell():
    lines = "<!-- cell: a -->\nx\ny\n\n<!-- cell: b -->\nz".splitlines()
    assert [run._place(lines, line) for line in (2, 3, 6)] == [("a", 1), ("a", 2), ("b", 1)]
    assert run._place(["x", "y"], 2) == (None, 2)
    assert run._readable("<details><summary>答え</summary>\n\n$$a\nb$$\n$c$は") == "\n\n\n\n`c`は"
