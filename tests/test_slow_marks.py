"""The option that finds tests which are slow without saying so."""

from pathlib import Path

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_unmarked():
    pass

@pytest.mark.slow
def test_marked():
    pass
"""


def test_slow_tests_without_the_mark_fail_where_asked(pytester):
    pytester.makeini("[pytest]\nmarkers = slow: takes long")
    pytester.makepyfile(TESTS)
    conftest, limit = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"), "SLOW_S = 5 "
    pytester.makeconftest(conftest)
    pytester.runpytest_inprocess("--unmarked-slow").assert_outcomes(passed=2)
    assert limit in conftest
    pytester.makeconftest(conftest.replace(limit, "SLOW_S = -1 "))
    pytester.runpytest_inprocess().assert_outcomes(passed=2)
    found = pytester.runpytest_inprocess("--unmarked-slow")
    found.assert_outcomes(passed=1, errors=2)
    found.stdout.fnmatch_lines(["*setup of test_unmarked*", "its setup took * s: mark it slow*"])
