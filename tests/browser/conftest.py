"""What the tests of browser/ share: the build, and answers of Python to compare with."""

import json
import os
import subprocess
from shutil import which

import pytest

from tools import browser_build, browser_page

INSTALL = 'apt-get install chromium && pip install -c constraints.txt -e ".[browser]"'


@pytest.fixture(scope="session")
def built():
    """Build what is stale in dist/browser and return the folder."""
    problem = browser_build.missing()
    if problem:
        pytest.skip(problem)
    return browser_build.build()


@pytest.fixture(scope="session")
def packages():
    """Install the packages of browser/ and return that folder."""
    problem = browser_build.missing(models=False)
    if problem:
        pytest.skip(problem)
    browser_build.install()
    return browser_build.SOURCE


@pytest.fixture(scope="session")
def chromium():
    """Say that there is a Chromium, and playwright to drive it."""
    pytest.importorskip("playwright", reason=f"playwright is missing: {INSTALL}")
    if browser_page.chromium() is None:
        pytest.skip(f"there is no Chromium: {INSTALL}")


@pytest.fixture
def node_test(tmp_path):
    """Return a function that runs a file of browser/tests, with EXPECTED naming a folder for `expected` answers."""
    if which("node") is None:
        pytest.skip("Node.js is missing, for example: apt-get install npm")

    def run(name, **expected):
        for key, value in expected.items():
            (tmp_path / f"{key}.json").write_text(json.dumps(value), encoding="utf-8")
        command = ["node", "--test", "--test-reporter=tap", f"tests/{name}"]
        environment = {**os.environ, "EXPECTED": str(tmp_path)}
        made = subprocess.run(
            command, cwd=browser_build.SOURCE, env=environment, capture_output=True, text=True, encoding="utf-8"
        )
        assert made.returncode == 0, made.stdout + made.stderr
        counts = dict(line[2:].split() for line in made.stdout.splitlines() if line.startswith(("# pass", "# skipped")))
        assert int(counts["pass"]) > 0 and counts["skipped"] == "0", made.stdout

    return run
