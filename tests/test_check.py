"""The environment report."""

import sdkit
from sdkit.check import _number, check_setup


def test_this_environment_is_well():
    report = check_setup()
    assert report and report.problems == ()
    assert str(report).endswith("all is well")
    assert "torch" in report.versions


def test_old_and_missing_packages_are_told(monkeypatch):
    import sdkit.check as check

    monkeypatch.setattr(check, "_WANTED", {"torch": "99.0", "no-such-package": "1"})
    report = check_setup()
    assert not report
    assert any("install torch>=99.0" in one for one in report.problems)
    assert any("no-such-package is missing" in one for one in report.problems)


def test_another_projects_sdkit_is_told(monkeypatch):
    monkeypatch.setitem(sdkit._HOME, "load_pipeline_gone", "loading")
    monkeypatch.delitem(sdkit._HOME, "load_pipeline")
    monkeypatch.delitem(sdkit.__dict__, "load_pipeline", raising=False)
    assert any("another project's" in one for one in check_setup().problems)


def test_versions_compare_as_numbers():
    assert _number("2.13.0+cpu") > _number("2.4")
    assert _number("0.42.1") > _number("0.5")
