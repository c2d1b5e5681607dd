"""What the version matrix reads and writes. The runs themselves build environments: python -m tools.matrix."""

import json

import pytest

from tools import matrix
from tools.blocks import replace_block

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_grid" name="test_one"/>
<testcase classname="tests.test_grid" name="test_two"><skipped message="no card"/></testcase>
<testcase classname="tests.test_store" name="test_three"><failure message="assert 1 == 2&#10;more"/></testcase>
</testsuite></testsuites>"""


def test_a_report_tells_passed_skipped_and_failed():
    assert matrix.read(REPORT) == {
        "passed": 1, "skipped": 1, "failed": {"test_store::test_three": "assert 1 == 2"},
    }  # fmt: skip


def test_a_python_that_is_not_here_is_told(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- matrix -->\n<!-- /matrix -->\n", encoding="utf-8")
    monkeypatch.setattr(matrix, "PAGE", page)
    monkeypatch.setattr(matrix, "FOUND", tmp_path / "found.json")
    monkeypatch.setattr(matrix, "ENVIRONMENTS", {"Python 2.1": ("2.1", {})})
    assert matrix.main(["Python 2.1"]) == 0
    assert "no Python 2.1 on the machine" in page.read_text(encoding="utf-8")


@pytest.mark.skipif(not matrix.FOUND.exists(), reason="never run")
def test_the_page_shows_what_was_found():
    found = json.loads(matrix.FOUND.read_text(encoding="utf-8"))
    text = matrix.PAGE.read_text(encoding="utf-8")
    assert replace_block(text, "matrix", matrix.table(found)) == text


def test_what_is_left_out_is_there():
    assert [name for name in matrix.LEFT_OUT if not (matrix.ROOT / "tests" / name).exists()] == []
