"""Two lessons work in a real JupyterLab: their cells run, and their panels follow the keyboard."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from shutil import copy, which

import pytest

from tools.form import LESSONS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START, TOGETHER = "01_start.ipynb", "22_all_together.ipynb"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = 'apt-get install chromium && pip install -c constraints.txt -e ".[browser]"'
LIMIT_S = 300  # for what should take a few seconds

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
# A step of the small model takes 20 ms: a picture may be ready before a button is found and pressed.
SLOW_DOWN = """async () => {
    const {kernel} = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const code = "import time; pipe.unet.register_forward_hook(lambda *_: time.sleep(0.1))";
    const reply = await kernel.requestExecute({code}).done;
    if (reply.content.status !== 'ok') throw new Error(reply.content.evalue);
}"""
# The last figure is the present picture; a pinned one stands before it.
WATCH = """() => {
    window.shown = [];
    const panel = document.querySelector('.sdkit-panel');
    new MutationObserver(() => {
        const picture = [...panel.querySelectorAll('figure img')].pop();
        if (picture && picture.src !== window.shown.at(-1)?.src)
            window.shown.push({alt: picture.alt, src: picture.src});
    }).observe(panel, {childList: true, subtree: true});
}"""
FINISHED = """before => {
    const panel = document.querySelector('.sdkit-panel');
    const said = panel.querySelector('[role=status]');
    const words = panel.querySelector('[role=alert]') || [...panel.querySelectorAll('figure img')].pop();
    const state = words && (words.alt || words.textContent);
    return said && state && state !== before && !state.startsWith('preview') ? state : false;
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
    """Start JupyterLab on a copy of the lessons and return its address."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "lessons").mkdir()
    for name in (START, TOGETHER):
        copy(LESSONS / name, folder / "lessons")
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
    # Kernels and settings of the person who runs this stay out. One thread: several wait for each other, by
    # spinning, as soon as another program wants a core, and a picture then takes a minute instead of a second.
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    env["OMP_NUM_THREADS"] = "1"
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
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def lesson(chromium, server):
    """Return a function that opens a lesson, runs all its cells and returns the browser's page and the first panel."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1200, "height": 1100})
        page.set_default_timeout(LIMIT_S * 1000)

        def opened(name):
            page.goto(f"{server}/lab/workspaces/test/tree/{name}?reset")
            page.wait_for_selector(".jp-Notebook .jp-Cell")
            page.evaluate(WAIT_UNTIL_READY)
            page.evaluate(RUN_ALL)
            cells = [cell for cell in page.evaluate(CELLS) if cell["cell_type"] == "code"]
            assert [cell["id"] for cell in cells if not cell["execution_count"]] == []
            calm = [cell for cell in cells if "raises-exception" not in cell["metadata"].get("tags", [])]
            outputs = [output for cell in calm for output in cell["outputs"]]
            assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
            assert [output for output in outputs if "image/png" in output.get("data", {})]
            panel = page.locator(".sdkit-panel").first
            panel.scroll_into_view_if_needed()
            page.evaluate(WATCH)
            return page, panel

        yield opened
        browser.close()


def slider(panel, name):
    """Return the handle of the slider with this label."""
    return panel.locator(".widget-hslider").filter(has=panel.page.get_by_text(name, exact=True)).get_by_role("slider")


def press(panel, name):
    """Press a button by its accessible name, which Chromium begins with the icon's letter."""
    panel.get_by_role("button", name=re.compile(rf"(^|\W){name}$")).click()


def finished(page, before=None):
    """Wait for a picture or an error and return its text, which is not what it was before."""
    return page.wait_for_function(FINISHED, arg=before).json_value()


def screenshot(panel, name):
    """Keep a picture of the panel where somebody wants to look at it."""
    if folder := os.environ.get("SDKIT_SCREENSHOTS"):
        panel.screenshot(path=Path(folder) / f"{name}.png")


def test_a_slider_moved_by_keyboard_changes_the_picture_and_the_work_can_be_stopped(lesson):
    page, panel = lesson(START)
    press(panel, "generate")
    first = finished(page)
    assert panel.get_by_role("textbox", name="prompt").input_value() in first
    seed = slider(panel, "seed")
    seed.press("ArrowRight")
    second = finished(page, first)
    assert f"seed = {seed.get_attribute('aria-valuenow').split('.')[0]}" in second
    shown = page.evaluate("window.shown")
    previews = {picture["src"] for picture in shown if picture["alt"].startswith("preview of")}
    assert len(previews) >= 3  # it grew, twice
    assert len({picture["src"] for picture in shown if picture["alt"] in (first, second)}) == 2

    seed.press("ArrowLeft")  # made before
    assert finished(page, second) == first

    press(panel, "pin")
    press(panel, "new seed")
    third = finished(page, first)
    pictures = panel.locator("figure img")
    assert [picture.get_attribute("alt") for picture in pictures.all()] == [first, third]
    table = panel.get_by_role("table")
    assert "seed" in table.inner_text() and "grey levels" in table.inner_text()
    press(panel, "code")
    assert "StableDiffusionPipeline.from_pretrained" in panel.locator("pre").inner_text()
    screenshot(panel, "pinned")
    press(panel, "save")
    panel.get_by_text("saved pictures/").wait_for()
    press(panel, "unpin")
    press(panel, "show 1")
    assert finished(page, third) == first and pictures.count() == 1

    page.evaluate(SLOW_DOWN)
    slider(panel, "num_inference_steps").press("End")
    panel.get_by_text(re.compile(r"^step \d+ of")).wait_for()  # stopped earlier, it would name no step
    press(panel, "stop")
    panel.get_by_text("stopped after step").wait_for()
    screenshot(panel, "stopped")
    press(panel, "generate")
    assert "num_inference_steps = 50" in finished(page, first)


def test_an_error_is_told_and_the_panel_goes_on(lesson):
    page, panel = lesson(TOGETHER)
    scheduler = panel.get_by_role("combobox", name="scheduler", exact=True)
    scheduler.select_option("PNDM")
    first = finished(page)
    eta = slider(panel, "eta")
    eta.press("ArrowRight")
    error = finished(page, first)
    assert "ValueError: eta has no effect with PNDMScheduler" in error
    assert panel.get_by_role("alert").count() == 1
    screenshot(panel, "error")
    scheduler.select_option("DDIM")
    assert "scheduler = DDIM" in finished(page, error) and panel.get_by_role("alert").count() == 0
