"""The environment report."""

from importlib.metadata import PackageNotFoundError

import pytest

import sdkit
from sdkit import check
from sdkit.check import check_setup


def test_this_environment_is_well():
    report = check_setup()
    assert report and report.problems == ()
    assert str(report).endswith("all is well")
    assert {"python", "torch", "diffusers", "transformers"} <= report.versions.keys()
    assert "pytest" not in report.versions  # it belongs to an extra


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("torch>=99.0", "; install torch>=99.0."),
        ("torch<1", "; install torch<1."),
        ("no-such-package>=1", "no-such-package is missing; install no-such-package>=1."),
    ],
)
def test_old_new_and_missing_packages_are_told(monkeypatch, wanted, problem):
    monkeypatch.setattr(check, "requires", lambda _: [wanted, "Pillow>=10"])
    report = check_setup()
    assert not report and len(report.problems) == 1
    assert report.problems[0].endswith(problem)
    assert f"PROBLEM: {report.problems[0]}" in repr(report) and "all is well" not in repr(report)


@pytest.mark.parametrize(
    ("found", "wanted", "enough"),
    [
        ("2.13.0+cpu", ">=2.4", True),
        ("0.42.1", ">=0.5", True),
        ("0.42.1", ">=0.40,<1", True),
        ("1.0", ">=0.40,<1", False),
        ("2.5.0a0+gitabc", ">=2.4", True),  # built from source, as on some clusters
    ],
)
def test_versions_compare_as_numbers(monkeypatch, found, wanted, enough):
    monkeypatch.setattr(check, "requires", lambda _: [f"torch{wanted}"])
    monkeypatch.setattr(check, "version", lambda _: found)
    assert bool(check_setup()) == enough


def test_requirements_of_an_extra_or_of_another_system_are_not_asked_for(monkeypatch):
    lines = ['no-such-package; extra == "test"', 'nor-this; sys_platform == "nowhere"', "Pillow>=10"]
    monkeypatch.setattr(check, "requires", lambda _: lines)
    assert list(check_setup().versions) == ["python", "Pillow"]


def test_a_package_that_is_not_installed_is_told(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(check, "requires", missing)
    assert any("sd-one-parameter is not installed" in problem for problem in check_setup().problems)


def test_another_projects_sdkit_is_told(monkeypatch):
    monkeypatch.setitem(sdkit._HOME, "load_pipeline_gone", "loading")
    monkeypatch.delitem(sdkit._HOME, "load_pipeline")
    monkeypatch.delitem(sdkit.__dict__, "load_pipeline", raising=False)
    assert any("another project's" in problem for problem in check_setup().problems)


LAB = {"ipywidgets": "8.1.9", "jupyterlab": "4.6.6", "jupyterlab_widgets": "3.0.17"}
NEEDS = {"ipywidgets": ["widgetsnbextension~=4.0.16", "jupyterlab_widgets~=3.0.17", 'pytest; extra == "test"']}


@pytest.fixture
def installed(monkeypatch):
    """Return a function that makes these the only packages that are there, by {name: version}."""

    def put(packages):
        def found(name):
            if name not in packages:
                raise PackageNotFoundError(name)
            return packages[name]

        def needed(name):
            return ["ipywidgets>=7.7.1"] if name == check.DISTRIBUTION else found(name) and NEEDS[name]

        monkeypatch.setattr(check, "version", found)
        monkeypatch.setattr(check, "requires", needed)

    return put


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"jupyterlab_widgets": None}, "jupyterlab is here without jupyterlab_widgets, so in its pages controls are "),
        (
            {"jupyterlab_widgets": "1.1.11"},
            "jupyterlab_widgets is 1.1.11, which does not fit ipywidgets 8.1.9; install ",
        ),
        (
            {"nbclassic": "1.1"},
            "nbclassic is here without widgetsnbextension, so in its pages controls are shown as a ",
        ),
        ({"jupyterlab": None, "jupyterlab_widgets": None}, None),  # nothing here shows pages
        ({"ipywidgets": None, "jupyterlab_widgets": None}, "ipywidgets is missing; install ipywidgets>=7.7.1."),
    ],
)
def test_a_jupyter_that_cannot_draw_controls_is_told(installed, changes, problem):
    installed({name: version for name, version in {**LAB, **changes}.items() if version})
    problems = check_setup().problems
    assert len(problems) == (problem is not None)
    assert problem is None or problems[0].startswith(problem)
    assert problem is None or "missing" in problem or problems[0].endswith("then restart Jupyter and reload the page.")


@pytest.mark.parametrize("kernel", [True, False])
def test_a_jupyter_elsewhere_is_noted_in_a_kernel_only(installed, monkeypatch, kernel):
    monkeypatch.setattr(check, "_in_a_kernel", lambda: kernel)
    installed({"ipywidgets": "8.1.9"})
    report = check_setup()
    assert report and len(report.notes) == kernel
    assert ("note: the Jupyter of this page is not in this environment" in str(report)) == kernel
    installed(LAB)
    assert check_setup().notes == ()
