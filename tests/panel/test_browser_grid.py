"""The grid panel works in a real JupyterLab: it fills, stops, is pressed, and fits a narrow window."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.panel.test_browser import (
    CHROMIUM,
    EXECUTE,
    LIMIT_S,
    RUN_ALL,
    SLOW_DOWN,
    WAIT_UNTIL_READY,
    chromium,  # noqa: F401
    press,
    server,  # noqa: F401
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    "from sdkit import explore, explore_grid, generate, load_pipeline\n\npipe = load_pipeline()\n\n\n"
    'def make(prompt="a cat", seed=0, num_inference_steps=5):\n'
    "    return generate(pipe, prompt, seed=seed, num_inference_steps=num_inference_steps)\n\n\n"
    "panel = explore(make, num_inference_steps=(1, 50), seed=(0, 9))",
    'grid = explore_grid(pipe, panel=panel, prompt="a cat on a blue background", num_inference_steps=5)\ngrid',
    "panel",
]
# JupyterLab writes the notebook itself: its server asks for a cookie.
WRITE = """async cells => {
    const app = window.jupyterapp;
    await app.restored;
    const metadata = {kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}};
    const content = {cells: cells.map((source, n) => ({cell_type: 'code', id: `cell-${n}`, source, metadata: {},
        outputs: [], execution_count: null})), metadata, nbformat: 4, nbformat_minor: 5};
    await app.serviceManager.contents.save('grid.ipynb', {type: 'notebook', format: 'json', content});
}"""


@pytest.fixture
def grid(chromium, server):  # noqa: F811
    """Return a function that opens a notebook with a grid panel in a window, and returns the page and the panel."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)

        def opened(width, height):
            page = browser.new_page(viewport={"width": width, "height": height}, accept_downloads=True)
            page.set_default_timeout(LIMIT_S * 1000)
            page.goto(f"{server}/lab/workspaces/grid/?reset")
            page.wait_for_function("window.jupyterapp")
            page.evaluate(WRITE, CELLS)
            page.goto(f"{server}/lab/workspaces/grid/tree/grid.ipynb?reset")
            page.wait_for_selector(".jp-Notebook .jp-Cell")
            page.evaluate(WAIT_UNTIL_READY)
            page.evaluate(RUN_ALL)
            panel = page.locator(".sdkit-grid-panel")
            panel.wait_for()
            panel.scroll_into_view_if_needed()
            return page, panel

        yield opened
        browser.close()


def screenshot(page, name):
    """Keep a picture of the window where somebody wants to look at it."""
    if folder := os.environ.get("SDKIT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def read(field, panel, text, said):
    """Write values and wait until they are read: a busy page sends a press before what was written."""
    field.fill(text)
    field.press("Enter")
    panel.get_by_text(said).wait_for()


def cells(panel):
    """Return the buttons over the pictures, by their accessible names."""
    return panel.get_by_role("button", name=re.compile(r"^\w+ = .*, \w+ = "))


def test_a_grid_is_made_stopped_and_pressed(grid, tmp_path):
    page, panel = grid(1366, 768)
    panel.get_by_text("12 pictures").wait_for()
    screenshot(page, "grid-start")
    values = panel.get_by_label("column values")
    values.fill("1-")
    values.press("Enter")
    panel.get_by_role("alert").wait_for()
    assert "'1-' is not read" in panel.get_by_role("alert").inner_text()
    screenshot(page, "grid-error")
    read(values, panel, "0-1", "2 values: 0, 1")
    press(panel, "make grid")
    panel.get_by_text(re.compile(r"8 made in")).wait_for()
    screenshot(page, "grid-made")
    pale = "is => (getComputedStyle(document.querySelector('.sdkit-grid-panel img')).opacity < 0.5) === is"
    read(values, panel, "1-", "is not read")
    page.wait_for_function(pale, arg=True)
    screenshot(page, "grid-pale")
    read(values, panel, "０－１", "2 values: 0, 1")
    page.wait_for_function(pale, arg=False)
    assert cells(panel).count() == 8
    cells(panel).nth(3).click()
    panel.get_by_text("what made it").wait_for()
    screenshot(page, "grid-pressed")
    press(panel, "load values")
    panel.get_by_text("Loaded here: guidance_scale = 4, seed = 1.").wait_for()
    press(panel, "save page")
    with page.expect_download() as download:
        panel.get_by_role("link", name=re.compile("download grid.html")).click()
    download.value.save_as(tmp_path / "grid.html")
    assert (tmp_path / "grid.html").read_text("utf-8").count("<img") == 8
    press(panel, "code")
    assert "sweep(" in panel.locator("pre").inner_text()
    screenshot(page, "grid-code")

    page.evaluate(EXECUTE, SLOW_DOWN)
    read(values, panel, "5-9", "5 values: 5, 6, 7, 8, 9")
    press(panel, "make grid")
    panel.get_by_text(re.compile(r"^[1-9]\d* of 20 pictures, step")).wait_for()
    screenshot(page, "grid-running")
    press(panel, "stop")
    panel.get_by_text("stopped after").wait_for()
    assert 1 <= panel.locator(".widget-gridbox img").count() < 20
    panel.get_by_text("column values").scroll_into_view_if_needed()
    screenshot(page, "grid-stopped")


def test_a_narrow_window_clips_nothing(grid):
    page, panel = grid(683, 768)
    press(panel, "make grid")
    panel.get_by_text(re.compile(r"12 made in")).wait_for()
    screenshot(page, "grid-683")
    cells(panel).first.click()
    panel.get_by_text("what made it").wait_for()
    panel.get_by_text("what made it").scroll_into_view_if_needed()
    screenshot(page, "grid-683-pressed")
    wide = panel.evaluate(
        """panel => [...panel.querySelectorAll('*')].filter(
            element => element.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1)
            .map(element => element.className)"""
    )
    assert wide == [], json.dumps(wide)
