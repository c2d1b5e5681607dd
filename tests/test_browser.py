"""The first lesson works in a real JupyterLab: its cells run, and its panel follows the keyboard."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from shutil import copy, which

import pytest

pytestmark = pytest.mark.browser

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "en" / "01_start.ipynb"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = 'apt-get install chromium && pip install -c constraints.txt -e ".[browser]"'
WAIT = 300  # seconds for what should take a few

# A sandbox needs rights that a container does not have; the rest keeps the browser off the network.
CHROMIUM = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
# All cells stay in the page, and a kernel starts without a question.
SETTINGS = {
    "notebook-extension/tracker": {"autoStartDefaultKernel": True, "windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

# Menus race with the start of the kernel, so JupyterLab's own objects are asked.
WAIT_UNTIL_READY = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    while (!app.shell.currentWidget?.content?.widgets)
        await new Promise(resolve => setTimeout(resolve, 100));
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
}"""
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
NEW_PICTURE = """shown => {
    const panel = document.querySelector('.sdkit-panel');
    const picture = panel.querySelector('img');
    const done = (picture && picture.src !== shown) || panel.querySelector('[role=alert]');
    return done && !panel.querySelector('button').disabled;
}"""


@pytest.fixture(scope="module")
def chromium():
    """Return the path of a Chromium."""
    pytest.importorskip("playwright", reason=f"playwright is missing: {INSTALL}")
    found = next(filter(None, map(which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no Chromium: {INSTALL}")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start JupyterLab on a copy of the lesson and return its address."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "lessons").mkdir()
    copy(LESSON, folder / "lessons")
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": folder / "lessons",
        "ServerApp.password": "",
        "IdentityProvider.token": "",
        "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": "null",
        "LabApp.user_settings_dir": folder / "settings",
        "LabApp.workspaces_dir": folder / "workspaces",
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    # Kernels and settings of the person who runs this stay out.
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address, process, log):
    """Return once a server answers; fail with its log if it does not."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def page(chromium, server):
    """Open the lesson, with a kernel that is ready, and return the browser's page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(WAIT * 1000)
        page.goto(f"{server}/lab/workspaces/test/tree/{LESSON.name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.evaluate(WAIT_UNTIL_READY)
        yield page
        browser.close()


def move(slider):
    """Move a slider by one key, away from its end if it is there, and return its old and new value."""
    before = slider.get_attribute("aria-valuenow")
    slider.focus()
    slider.press("ArrowLeft" if before == slider.get_attribute("aria-valuemax") else "ArrowRight")
    return before, slider.get_attribute("aria-valuenow")


def press(page, panel, shown=None):
    """Press the panel's button and return the source of the picture once it is not `shown`."""
    panel.get_by_role("button", name="generate").click()
    page.wait_for_function(NEW_PICTURE, arg=shown)
    assert panel.get_by_role("alert").all_inner_texts() == []
    return panel.locator("img").first.get_attribute("src")


def test_first_lesson_runs_and_its_panel_follows_the_keyboard(page):
    page.evaluate(RUN_ALL)
    cells = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in cells if not cell["execution_count"]] == []
    calm = [cell for cell in cells if "raises-exception" not in cell["metadata"].get("tags", [])]
    outputs = [output for cell in calm for output in cell["outputs"]]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if "image/png" in output.get("data", {})]

    panel = page.locator(".sdkit-panel").first
    first = press(page, panel)
    assert first.startswith("data:image/png;base64,")
    before, after = move(panel.locator("[role=slider]").first)
    assert before != after
    second = press(page, panel, shown=first)
    if path := os.environ.get("SDKIT_SCREENSHOT"):
        panel.scroll_into_view_if_needed()
        page.screenshot(path=path)
    assert second.startswith("data:image/png;base64,") and second != first
