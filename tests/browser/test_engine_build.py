"""The build of the lab says what it lacks, and takes exact versions with known licences from npm."""

import json
import re

import pytest

from tools import browser_build, browser_models

LICENCES = {"MIT", "Apache-2.0", "BSD-3-Clause", "ISC"}


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(browser_build.shutil, "which", lambda name: None)
    assert "npm is not installed" in browser_build.missing()


@pytest.mark.parametrize("is_fresh", [False, True])
def test_the_packages_for_the_model_are_needed_only_to_make_it(monkeypatch, is_fresh):
    monkeypatch.setattr(browser_build.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(browser_build.subprocess, "run", lambda *_, **__: type("Run", (), {"stdout": "v20.1.0\n"}))
    monkeypatch.setattr(browser_build, "find_spec", lambda name: None)
    monkeypatch.setattr(browser_models, "is_fresh", lambda folder: is_fresh)
    assert browser_build.missing(models=False) is None
    said = browser_build.missing()
    assert said is None if is_fresh else "onnx and onnxscript missing: pip install" in said


def test_a_program_that_fails_is_said(monkeypatch, capsys):
    def fail():
        browser_build._call("python", "-c", "raise SystemExit('no such thing')")

    with pytest.raises(browser_build.CannotBuildError, match="no such thing"):
        fail()
    monkeypatch.setattr(browser_build, "build", fail)
    assert browser_build.main() == 1
    assert "no such thing" in capsys.readouterr().err


def test_npm_gives_exact_versions_from_no_named_host():
    package = json.loads((browser_build.SOURCE / "package.json").read_text(encoding="utf-8"))
    lock = (browser_build.SOURCE / "package-lock.json").read_text(encoding="utf-8")
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert '"resolved"' not in lock
    kept = {
        place.removeprefix("node_modules/"): entry for place, entry in json.loads(lock)["packages"].items() if place
    }
    assert {name: kept[name]["version"] for name in wanted} == wanted
    assert {entry["license"] for entry in kept.values()} <= LICENCES
    assert all(entry["integrity"].startswith("sha512-") for entry in kept.values())


@pytest.mark.slow
def test_the_build_is_made(built):
    assert {"index.html", "client.js", "models"} <= {path.name for path in built.iterdir()}
