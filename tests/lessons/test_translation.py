"""The Japanese edition is in step with the English one, and the tool that keeps it so sees what is not."""

import json

import nbformat
import pytest

from tools import form
from tools.cells import DONE, joined, split
from tools.japanese import shape_problems
from tools.lesson import Lesson, is_prose
from tools.translation import __main__ as command
from tools.translation.pages import page_problems, pages, seal
from tools.translation.sources import EN, JA, ROOT, fingerprint, japanese_name, notebooks
from tools.translation.truth import untrue
from tools.translation.twins import Twin, headings

FIRST, SECOND = f"{EN}/01_start.ipynb", f"{EN}/02_more.ipynb"
ENGLISH = {
    "head": "# 1 · start\n\nAn owl in 20 steps, from `pipe`.\n\n<!-- colab -->\nold\n<!-- /colab -->",
    "after": "## Two owls\n\nSee [more](02_more.ipynb#More,-then) and [words](../../docs/words.md).",
}
JAPANESE = {
    "head": "# 1 · 最初\n\n`pipe`が20ステップで作るフクロウです。\n\n<!-- colab -->\n<!-- /colab -->",
    "after": "## 2羽のフクロウ\n\n[続き](02_more.ipynb#More,-then)と[言葉](../../docs/words.md)を見てください。",
}


def book(texts, code="1 + 1", result="2"):
    """Return a notebook with these Markdown cells and a code cell after the first, run."""
    output = nbformat.v4.new_output("execute_result", {"text/plain": result}, execution_count=1)
    ran = nbformat.v4.new_code_cell(code, id="sum", execution_count=1, outputs=[output])
    cells = [nbformat.v4.new_markdown_cell(text, id=name) for name, text in texts.items()]
    return nbformat.v4.new_notebook(cells=[cells[0], ran, *cells[1:]], metadata={"kept": True})


@pytest.fixture
def root(tmp_path):
    """Return a small repository: two English lessons, a page in both languages, and no Japanese lesson."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "sd-one-parameter"\nversion = "0.1.0"\n')
    write(tmp_path, FIRST, book(ENGLISH))
    write(tmp_path, SECOND, book({"head": "# 2 · more", "then": "### More, then\n\n2 of `b`"}))
    (tmp_path / "docs/ja").mkdir(parents=True)
    (tmp_path / "docs/words.md").write_text("# Words\n")
    (tmp_path / "docs/ja/words.md").write_text("# 言葉\n")
    seal("docs/ja/words.md", tmp_path)
    headings.cache_clear()
    yield tmp_path
    headings.cache_clear()


def write(root, name, made):
    """Write a notebook into a repository."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, root / name)


def run(root, *arguments):
    """Give the tool a command; whatever it remembered of another repository is forgotten."""
    headings.cache_clear()
    return command.main([str(argument) for argument in arguments], root)


def take(root, name, texts):
    """Put translated cells into a repository's notebook and return the exit status."""
    path = root / name
    path.write_text(joined(texts) + DONE + "\n", encoding="utf-8")
    return run(root, "take", path)


@pytest.fixture
def translated(root, capsys):
    """Return the same repository with both lessons translated."""
    assert take(root, "01_start.md", JAPANESE) == 0
    assert take(root, "02_more.md", {"head": "# 2 · 続き", "then": "### 続き、そして\n\n`b`の2"}) == 0
    assert run(root, "check") == 0 and capsys.readouterr().out == ""
    return root


def checked(root, capsys):
    """Return what `check` prints; it must find something."""
    capsys.readouterr()
    assert run(root, "check") == 1
    return capsys.readouterr().out


@pytest.mark.parametrize("name", notebooks(EN))
def test_each_japanese_lesson_is_in_step_and_says_the_same(name):
    twin = Twin.read(name)
    if twin.japanese is None:
        pytest.skip("not translated yet")
    assert list(command.twin_problems(twin)) == []
    code = [[cell for cell in book.cells if not is_prose(cell)] for book in (twin.english, twin.japanese)]
    assert code[0] == code[1]


def test_every_lesson_is_translated_and_nothing_is_left_over():
    lessons = [name for name in notebooks(EN) if "/exercises/" not in name]
    assert lessons and [name for name in lessons if not (ROOT / japanese_name(name)).exists()] == []
    assert {japanese_name(name) for name in notebooks(EN)} >= set(notebooks(JA))


@pytest.mark.parametrize("name", pages())
def test_each_japanese_page_is_in_step(name):
    assert list(page_problems(name)) == []


@pytest.mark.parametrize("name", [name for name in notebooks(JA) if "/exercises/" not in name])
def test_the_form_of_the_japanese_lessons(name):
    assert form.problems(ROOT / name) == []


def test_the_japanese_notebook_is_the_english_one_but_for_its_prose(translated):
    english, japanese = (Lesson.read(translated / name).book for name in (FIRST, japanese_name(FIRST)))
    assert [cell.id for cell in japanese.cells] == [cell.id for cell in english.cells] == ["head", "sum", "after"]
    assert japanese.cells[1] == english.cells[1] and japanese.metadata == english.metadata
    assert [cell.metadata for cell in japanese.cells if is_prose(cell)] == [
        {"translates": fingerprint(text)} for text in ENGLISH.values()
    ]
    assert "20ステップ" in japanese.cells[0].source and "Colabでは" in japanese.cells[0].source


def test_links_lead_to_the_japanese_edition(translated):
    after = Lesson.read(translated / japanese_name(FIRST)).cell("after").source
    assert "[続き](02_more.ipynb#cell-id=then)" in after and "[言葉](../../docs/ja/words.md)" in after
    (translated / "docs/ja/words.md").unlink()
    assert run(translated, "sync") == 0
    assert "[言葉](../../docs/words.md)" in Lesson.read(translated / japanese_name(FIRST)).cell("after").source


def test_one_changed_english_word_is_stale(translated, capsys):
    write(translated, FIRST, book({**ENGLISH, "after": ENGLISH["after"].replace("owls", "cats")}))
    assert f"{FIRST}: stale: after\n" in checked(translated, capsys)
    assert run(translated, "stale", "01") == 0
    to_fill = capsys.readouterr().out
    assert "<!-- cell: after -->\n## 2羽のフクロウ" in to_fill and "cats" in to_fill and "cell: head" not in to_fill
    (translated / "01_start.md").write_text(to_fill.replace("フクロウ", "ネコ"), encoding="utf-8")
    assert run(translated, "take", translated / "01_start.md") == run(translated, "check") == 0
    source = Lesson.read(translated / japanese_name(FIRST)).cell("after").source
    assert source.startswith("## 2羽のネコ") and "english" not in source


def test_a_text_made_for_an_older_english_one_is_refused(translated, capsys):
    write(translated, FIRST, book({**ENGLISH, "after": ENGLISH["after"].replace("owls", "cats")}))
    run(translated, "stale", "01")
    (translated / "01_start.md").write_text(capsys.readouterr().out, encoding="utf-8")
    write(translated, FIRST, book({**ENGLISH, "after": ENGLISH["after"].replace("owls", "dogs")}))
    assert run(translated, "take", translated / "01_start.md") == 2
    assert "the English text of after has changed since `stale` printed it" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["sync", "06"], ["check", "06"], ["take"], ["stale"], ["show"], ["seal"]])
def test_names_that_are_not_used_and_names_that_are_missing_are_told(root, arguments, capsys):
    assert run(root, *arguments) == 2
    assert "names of files; see --help" in capsys.readouterr().err


def test_the_address_for_colab_makes_nothing_stale(translated):
    write(translated, FIRST, book({**ENGLISH, "head": ENGLISH["head"].replace("old", "new")}))
    assert run(translated, "check") == 0


@pytest.mark.parametrize("change", [{"code": "1 + 2"}, {"result": "3"}])
def test_changed_code_or_outputs_are_out_of_step_until_synced(translated, capsys, change):
    write(translated, FIRST, book(ENGLISH, **change))
    assert f"{FIRST}: out of step" in checked(translated, capsys)
    assert run(translated, "sync") == 0
    assert run(translated, "check") == 0


def test_new_and_orphaned_cells_are_told(translated, capsys):
    write(translated, FIRST, book({"head": ENGLISH["head"], "other": ENGLISH["after"]}))
    told = checked(translated, capsys)
    assert "new: other" in told and "orphaned: after" in told
    run(translated, "sync")
    assert f"{FIRST}: orphaned, dropped: after" in capsys.readouterr().out
    told = checked(translated, capsys)
    assert told == f"{FIRST}: new: other\n"  # shown in English until somebody translates it
    assert Lesson.read(translated / japanese_name(FIRST)).cell("other").source.startswith("## Two owls")


def test_a_lesson_without_japanese_and_one_without_english_are_told(translated, capsys):
    (translated / japanese_name(SECOND)).rename(translated / JA / "03_gone.ipynb")
    told = checked(translated, capsys)
    assert f"{SECOND}: new: there is no Japanese notebook" in told
    assert f"{JA}/03_gone.ipynb: orphaned" in told


def test_a_text_must_have_every_cell_and_no_other(root, capsys):
    assert take(root, "01_start.md", {"head": JAPANESE["head"]}) == 2
    assert "has no cells: after" in capsys.readouterr().err
    assert take(root, "01_start.md", {**JAPANESE, "sum": "x"}) == 2
    assert "has cells that the English notebook does not have: sum" in capsys.readouterr().err
    assert take(root, "09_nothing.md", JAPANESE) == 2
    assert "names no notebook of notebooks/en" in capsys.readouterr().err
    assert not (root / JA).exists()


def test_a_stale_page_is_told(translated, capsys):
    (translated / "docs/words.md").write_text("# Terms\n")
    assert "docs/ja/words.md: stale: docs/words.md has changed" in checked(translated, capsys)
    assert run(translated, "seal", "docs/ja/words.md") == run(translated, "check") == 0
    (translated / "docs/ja/words.md").write_text("# 言葉\n[x](gone.md)\n")
    told = checked(translated, capsys)
    assert "the first line is not as in <!-- source: docs/words.md" in told and "gone.md, which is not there" in told
    assert run(translated, "seal", "docs/words.md") == 2


def test_links_of_a_page_lead_to_the_japanese_edition(translated, capsys):
    (translated / "docs/guide.md").write_text("[a](../notebooks/en/01_start.ipynb#Two-owls) [b](words.md#x)\n")
    page = translated / "docs/ja/guide.md"
    page.write_text(
        "[あ](../notebooks/en/01_start.ipynb#Two-owls)、[い](words.md#x)、[English](../guide.md)\n", "utf-8"
    )
    for _ in range(2):
        assert run(translated, "seal", "docs/ja/guide.md") == run(translated, "check") == 0
        there = "[あ](../../notebooks/ja/01_start.ipynb#cell-id=after)、[い](words.md#x)、[English](../guide.md)"
        assert page.read_text(encoding="utf-8").splitlines()[1] == there
    page.write_text(page.read_text(encoding="utf-8").replace("/ja/01_", "/en/01_"), encoding="utf-8")
    assert "docs/ja/guide.md: its links do not lead to the Japanese lessons and pages" in checked(translated, capsys)


def test_both_texts_are_shown_side_by_side(translated, capsys):
    run(translated, "show", "1")
    told = capsys.readouterr().out
    assert told.index("An owl in 20 steps") < told.index("20ステップで作る") < told.index("Two owls")


@pytest.mark.parametrize(
    ("english", "japanese", "found"),
    [
        ("From 0.05 to 0.13.", "0.05から0.13までです。", None),
        ("From 0.05 to 0.13.", "0.05から0.31までです。", "lacks 0.13"),
        ("It takes a while.", "30分かかります。", "has besides 30"),
        ("Three of twenty-five pictures.", "25枚のうち3枚です。", None),
        ("Seven and a half times.", "7.5倍です。", None),
        ("It takes half a minute.", "30秒かかります。", None),
        ("1066 million numbers in float32", "float32の数値が10億6600万個", None),
        ("1066 million numbers", "10億6400万個の数値", "lacks 1066000000"),
        ("Set `a` and `b`.", "`b`と`a`を設定します。", None),
        ("Set `a` and `b`.", "`a`を設定します。", "lacks `b`"),
        ("Set it.", "`steps`を設定します。", "has besides `steps`"),
        ("[a](x.ipynb)", "[あ](y.ipynb)", "lacks x.ipynb"),
        ("- a\n- b", "- あ", "list items: 2 in English, 1 in Japanese"),
        ("| a |\n|-|\n| 1 |", "| あ |\n|-|", "table rows: 3 in English, 2 in Japanese"),
        (
            "<details><summary>Answer</summary>\n\na\n</details>",
            "<summary>解答</summary>\n\nあ\n",
            "<details>: 1 in English",
        ),
        (
            "<details><summary>Answer</summary>\n\na\n</details>",
            "<details><summary>解答</summary>\n\nあ\n</details>",
            "答え",
        ),
        ("## Your turn", "## 練習", "## やってみましょう: 1 in English, 0 in Japanese"),
        ("$a \\text{ or } b$", "$a \\text{または} b$", None),
        ("$a + b$", "$a - b$", "formulas"),
        ("**a** b", "あの**「い」**う", "would be shown"),
    ],
)
def test_what_must_not_differ_is_compared(english, japanese, found):
    links = [target for target in ("x.ipynb",) if target in english]
    problems = "\n".join(untrue(english, japanese, links))
    assert (found in problems) if found else problems == ""


def test_what_the_notebook_names_elsewhere_may_be_named_again():
    assert list(untrue("Set it.", "`steps`を設定します。", [], "pipe(steps=5)")) == []


@pytest.mark.parametrize(
    "text", ["**猫**は", "は**猫**。", "**猫**（犬）", "「**猫**」", "a * b", "`**猫。**`犬", "1. **作る**：猫"]
)
def test_emphasis_that_is_shown_as_meant(text):
    assert shape_problems(text) == []


@pytest.mark.parametrize(
    "text", ["**猫。**犬", "犬**（猫）**", "は**`猫`**を", "犬\n猫", "> 犬\n> 猫", "*2番目（猫）*で"]
)
def test_what_would_not_be_shown_as_meant(text):
    assert shape_problems(text)


def test_texts_are_split_as_they_were_joined():
    assert split(joined(JAPANESE)) == split(joined(JAPANESE) + DONE + "\n") == JAPANESE
    with pytest.raises(ValueError, match="the cell a is there twice"):
        split("<!-- cell: a -->\nx\n<!-- cell: a -->\ny")
    with pytest.raises(ValueError, match="text before the first"):
        split("x\n<!-- cell: a -->\ny")


def test_the_exercises_have_twins_too(root, capsys):
    write(root, f"{EN}/exercises/01_start.ipynb", book({"head": "# Exercise\n\n[back](../01_start.ipynb#Two-owls)"}))
    (root / "exercises").mkdir()
    assert take(root, "exercises/01_start.md", {"head": "# 練習\n\n[戻る](../01_start.ipynb#Two-owls)"}) == 0
    twin = json.loads((root / JA / "exercises/01_start.ipynb").read_text(encoding="utf-8"))
    assert "[戻る](../01_start.ipynb#cell-id=after)" in "".join(twin["cells"][0]["source"])
