"""Lessons work in a real JupyterLab: their cells run, and their panels follow keyboard, mouse and narrow windows."""

import io
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

import nbformat
import pytest
from PIL import Image

from tools import forked_kernel
from tools.lesson import LESSONS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START, TOGETHER = "01_start.ipynb", "25_all_together.ipynb"
# Of these only the panel is tried, so only the cells run that it needs: those up to one, and some more.
CUT = {
    "06_guidance_scale.ipynb": ("first", "panel-function", "panel"),
    "15_image_to_image.ipynb": ("first", "panel"),
    "16_inpaint.ipynb": ("first", "panel"),
    TOGETHER: ("first", "kinds", "make", "panel"),
}
WINDOW, NARROW = {"width": 1366, "height": 768}, {"width": 683, "height": 768}  # the same screen at 200 % zoom
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = 'apt-get install chromium && pip install -c constraints.txt -e ".[browser]"'
LIMIT_S = 120  # for what should take a few seconds

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
SLOW_DOWN = "import time; pipe.unet.register_forward_hook(lambda *_: time.sleep(0.1))"
EXECUTE = """async code => {
    const {kernel} = window.jupyterapp.shell.currentWidget.sessionContext.session;
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
# In a narrow window the pictures come below the controls.
BELOW = """() => {
    const [button, picture] = ['.widget-button', 'figure img'].map(
        name => document.querySelector(`.sdkit-panel ${name}`).getBoundingClientRect());
    return picture.top > button.bottom;
}"""
STATE = """() => {
    const panel = document.querySelector('.sdkit-panel');
    const said = [...panel.querySelectorAll('[role=status], [role=alert]')].map(element => element.textContent);
    return [...said, ...[...panel.querySelectorAll('figure img')].map(picture => picture.alt)];
}"""

# Its text may be the same as before, as after an upload of another picture of that size.
NEW_PICTURE = """before => {
    const picture = [...document.querySelectorAll('.sdkit-panel figure img')].pop();
    return picture && picture.src !== before && !picture.alt.startsWith('preview');
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
    copy(LESSONS / START, folder / "lessons")
    for name, cells in CUT.items():
        nbformat.write(cut(LESSONS / name, *cells), folder / "lessons" / name)
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(settings))
    if sys.platform == "linux":
        forked_kernel.write_kernel(folder / "forked")
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
    env |= {"JUPYTER_PATH": str(folder / "forked"), "OMP_NUM_THREADS": "1"}
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def cut(path, last, *more):
    """Return a notebook of the code cells of a lesson up to the cell `last`, and `more` cells."""
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    ids = [cell.id for cell in code]
    book.cells = [cell for cell in code if ids.index(cell.id) <= ids.index(last) or cell.id in more]
    for cell in book.cells:
        cell.outputs, cell.execution_count = [], None
    return book


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
        page = browser.new_page(viewport=WINDOW)
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
            panel.evaluate("panel => panel.scrollIntoView({block: 'start'})")
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
    from playwright.sync_api import TimeoutError as TookTooLongError

    try:
        return page.wait_for_function(FINISHED, arg=before).json_value()
    except TookTooLongError:
        pytest.fail(f"Nothing new came after {before!r}; the panel shows {page.evaluate(STATE)}.")


def png_of(colour, size):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def screenshot(panel, name):
    """Keep a picture of the panel where somebody wants to look at it."""
    if folder := os.environ.get("SDKIT_SCREENSHOTS"):
        panel.page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_slider_moved_by_keyboard_changes_the_picture_and_the_work_can_be_stopped(lesson):
    page, panel = lesson(START)
    first = finished(page)  # made when the panel was shown
    prompt = panel.get_by_role("textbox", name="prompt")
    assert prompt.input_value() in first
    assert is_seen_whole(page, prompt, slider(panel, "seed"), panel.locator("figure img").last)
    seed = slider(panel, "seed")
    seed.press("ArrowRight")
    second = finished(page, first)
    assert f"seed = {seed.get_attribute('aria-valuenow').split('.')[0]}" in second
    shown = page.evaluate("window.shown")
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
    prompt.fill("a big owl beside a small red mushroom on a blue background, flat style")  # a long caption
    assert prompt.bounding_box()["width"] > 280  # about 40 letters
    prompt.press("Enter")
    third = finished(page, third)
    assert_as_wide(*pictures.all())
    screenshot(panel, "pinned")
    page.set_viewport_size(NARROW)
    page.wait_for_function(BELOW)  # until the layout is done
    left, right = assert_as_wide(*pictures.all())
    assert left["x"] + left["width"] < right["x"]
    screenshot(panel, "pinned-narrow")
    page.set_viewport_size(WINDOW)
    press(panel, "save")
    panel.get_by_text("saved pictures/").wait_for()
    press(panel, "unpin")
    press(panel, "1")
    assert finished(page, third) == first and pictures.count() == 1

    page.evaluate(EXECUTE, SLOW_DOWN)
    slider(panel, "num_inference_steps").press("End")
    panel.get_by_text(re.compile(r"^step \d+ of")).wait_for()  # stopped earlier, it would name no step
    press(panel, "stop")
    panel.get_by_text("stopped after step").wait_for()
    assert panel.locator("figure img").last.get_attribute("alt") == first and is_pale(panel)
    screenshot(panel, "stopped")
    press(panel, "generate")
    fifty = finished(page, first)
    assert "num_inference_steps = 50" in fifty and not is_pale(panel)
    # It grew. A quick picture may have a single preview, since previews take only a share of its time.
    growing = f"preview of {fifty}"
    assert len({picture["src"] for picture in page.evaluate("window.shown") if picture["alt"] == growing}) >= 2
    panel.get_by_role("checkbox", name="live").uncheck()
    prompt.fill("a dog")
    slider(panel, "num_inference_steps").press("Home")
    panel.get_by_text("Not made with these values yet").wait_for()
    assert panel.locator("figure img").last.get_attribute("alt") == fifty and is_pale(panel)
    prompt.press("Enter")
    assert "a dog" in finished(page, fifty) and not is_pale(panel)


def test_a_picture_is_uploaded(lesson):
    page, panel = lesson("15_image_to_image.ipynb")
    finished(page)
    picture = panel.locator("figure img").last
    assert is_seen_whole(page, slider(panel, "strength"), picture)
    before = picture.get_attribute("src")
    with page.expect_file_chooser() as chooser:
        panel.get_by_role("button", name=re.compile("image")).click()
    chooser.value.set_files({"name": "red.png", "mimeType": "image/png", "buffer": png_of("red", (400, 300))})
    page.wait_for_function(NEW_PICTURE, arg=before)
    screenshot(panel, "upload")


def test_a_mask_is_drawn_and_lies_over_what_is_uploaded(lesson):
    page, panel = lesson("16_inpaint.ipynb")
    finished(page)
    before = panel.locator("figure img").last.get_attribute("src")
    across = panel.locator(".widget-hslider").filter(has=page.get_by_text("mask_image, across", exact=True))
    across.get_by_role("slider").first.press("ArrowRight")
    panel.locator('img[alt^="mask_image: 73 to 124 across"]').wait_for()
    page.wait_for_function(NEW_PICTURE, arg=before)
    screenshot(panel, "mask")


@pytest.mark.parametrize("name", ["06_guidance_scale.ipynb", TOGETHER])
def test_nothing_is_cut_off_in_a_narrow_window(lesson, name):
    page, panel = lesson(name)
    finished(page)
    page.set_viewport_size(NARROW)
    panel.evaluate("panel => panel.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)  # until the layout is done
    right = panel.evaluate("panel => panel.closest('.jp-OutputArea').getBoundingClientRect().right")
    shown = [*panel.locator(".widget-inline-hbox").all(), *panel.get_by_role("button").all()]
    boxes = [box for box in (locator.bounding_box() for locator in shown) if box]
    assert len(boxes) > 5 and max(box["x"] + box["width"] for box in boxes) <= right
    screenshot(panel, f"narrow-{name[:2]}")


def test_no_serious_finding_of_axe_is_ours(lesson):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, panel = lesson("06_guidance_scale.ipynb")
    first = finished(page)
    assert is_seen_whole(page, slider(panel, "guidance_scale"), panel.locator("figure img").last)
    press(panel, "pin")
    slider(panel, "guidance_scale").press("ArrowRight")
    finished(page, first)
    panel.evaluate("panel => panel.scrollIntoView({block: 'start'})")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
        page.wait_for_function("dark => (document.body.dataset.jpThemeLight === 'false') === dark", arg="Dark" in theme)
        found = axe.run(page, context=".sdkit-panel").response["violations"]
        serious = {violation["id"]: violation for violation in found if violation["impact"] in ("serious", "critical")}
        for upstream in UPSTREAM:
            serious.pop(upstream, None)
        screenshot(panel, theme.split()[1].lower())
        assert serious == {}, theme


# What core ipywidgets leaves out: the handle of a slider has no name.
UPSTREAM = ("aria-input-field-name",)


def is_seen_whole(page, *locators):
    """Say whether all of these lie in the window."""
    size = page.viewport_size
    boxes = [box for box in (locator.bounding_box() for locator in locators) if box]  # what is hidden has none
    assert boxes
    return all(
        box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"] for box in boxes
    )  # fmt: skip


def assert_as_wide(*pictures):
    """Check that pictures are of one width, and return where they are."""
    boxes = [picture.bounding_box() for picture in pictures]
    assert [box["width"] for box in boxes] == pytest.approx([boxes[0]["width"]] * len(boxes), abs=0.5)
    return boxes


def is_pale(panel):
    return panel.locator(".sdkit-stale img").count() > 0


def test_an_error_is_told_and_the_panel_goes_on(lesson):
    page, panel = lesson("06_guidance_scale.ipynb")
    first = finished(page)
    page.evaluate(EXECUTE, "kept, pipe.scheduler = pipe.scheduler, None")
    slider(panel, "guidance_scale").press("ArrowRight")
    error = finished(page, first)
    assert "scheduler" in error
    assert panel.get_by_role("alert").count() == 1 and is_pale(panel)
    assert panel.locator("figure img").last.get_attribute("alt") == first
    screenshot(panel, "error")
    page.evaluate(EXECUTE, "pipe.scheduler = kept")
    slider(panel, "guidance_scale").press("ArrowRight")
    assert finished(page, error) != first and panel.get_by_role("alert").count() == 0


def test_all_controls_are_seen_together_with_the_picture(lesson):
    page, panel = lesson(TOGETHER)
    finished(page)
    assert is_seen_whole(page, *panel.locator(".widget-inline-hbox").all(), panel.locator("figure img").last)
    screenshot(panel, "together")


def test_a_panel_is_larger_for_a_projector_and_its_sliders_follow_the_mouse(lesson):
    page, panel = lesson("06_guidance_scale.ipynb")
    finished(page)
    usual = panel.locator("figure img").last.bounding_box()["width"]
    page.evaluate(EXECUTE, "import os; os.environ['SDKIT_ZOOM'] = '1.5'")
    page.evaluate(RUN_ALL)
    panel.evaluate("panel => panel.scrollIntoView({block: 'start'})")
    first = finished(page)
    large = page.locator(".sdkit-panel.sdkit-zoom-150")
    assert large.locator("figure img").last.bounding_box()["width"] == pytest.approx(1.5 * usual, abs=2)
    handle = slider(large, "guidance_scale")
    track = large.locator(".noUi-base").first.bounding_box()
    handle.hover()
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2, steps=5)
    page.mouse.up()
    second = finished(page, first)
    assert float(handle.get_attribute("aria-valuenow")) == pytest.approx(10.5, abs=0.5)  # of 1 to 20
    assert second != first and is_seen_whole(page, handle)
    screenshot(large, "projector")
