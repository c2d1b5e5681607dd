"""The lab in a real browser with the real model: pictures, stop, A/B, history, links, files, two languages, a phone."""

import json
from itertools import count
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

import sdkit as sd
from tools import browser_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WINDOW, PHONE = {"width": 1366, "height": 768}, {"width": 360, "height": 740}
# Two steps are enough for what is not about the picture.
FEW = {"prompt": "a cat on a blue background", "num_inference_steps": 2}
PIXELS = """canvas => {
    const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return {size: [width, height], data: [...data]};
}"""
FOCUSED = "() => document.activeElement.id.replace(/-\\d+$/, '') || document.activeElement.textContent"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LESSON = """<!doctype html><html lang="en"><title>lesson</title><div id="panel"></div><script type="module">
import {mountLab} from './lab.js';
mountLab(document.querySelector('#panel'), {base: '.', language: 'en', controls: ['guidance_scale', 'seed'],
    settings: {prompt: 'a fox on a red background', num_inference_steps: 2}, autorun: false});
</script></html>"""


@pytest.fixture(scope="module")
def address(built):
    """Serve the built lab as Python's one-line server does, and return its address."""
    with browser_page.served(built) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium):
    """Start a browser that the tests share."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=browser_page.chromium(), args=browser_page.CHROMIUM)
        yield made
        made.close()


class Lab:
    """A page of the lab, and how many pictures it has made."""

    def __init__(self, page):
        self.page, self.made = page, 0

    def next(self):
        """Wait until the next picture is there."""
        self.made += 1
        return self.shows(self.made)

    def shows(self, number):
        """Wait until the picture of this number is the one that is shown."""
        self.page.locator(f".sd-earlier[data-number='{number}'][aria-current]").wait_for()
        return self

    def says(self, text):
        self.page.get_by_role("status").filter(has_text=text).wait_for()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def enter(self, label, value):
        """Write into a field and press Enter."""
        field = self.page.get_by_label(label, exact=True)
        field.fill(str(value))
        field.press("Enter")

    def note(self, name):
        """Return what stands below the control of a setting."""
        return self.page.locator(f"[data-name={name}] .sd-note").inner_text()

    def pixels(self, which=-1):
        """Return the shown picture, or with 0 the pinned one beside it, as an array (height, width, 3)."""
        found = self.page.locator(".sd-figure canvas").nth(which).evaluate(PIXELS)
        width, height = found["size"]
        return np.array(found["data"], dtype=np.uint8).reshape(height, width, 4)[..., :3]

    def saved(self, path):
        with self.page.expect_download() as download:
            self.press("save PNG")
        download.value.save_as(path)
        return path

    def link(self):
        self.press("copy link")
        self.says("link")
        return self.page.get_by_label("Link to these settings").input_value()


@pytest.fixture(scope="module")
def new_page(browser, address):
    """Return a function that makes a page; errors in pages and requests to others than the server fail the tests."""
    wrong, own = [], (address, "blob:", "data:")

    def make(window=WINDOW, dark=False):
        page = browser.new_page(viewport=window, color_scheme="dark" if dark else "light")
        page.set_default_timeout(browser_page.LIMIT_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url.startswith(own) or wrong.append(request.url))
        return page

    yield make
    assert wrong == []


@pytest.fixture
def opened(new_page, address):
    """Return a function that opens a lab of its own."""
    pages = []

    def open_lab(name="index.html", settings=FEW, **how):
        pages.append(new_page(**how))
        pages[-1].goto(f"{address}{name}#{urlencode(settings)}")
        return Lab(pages[-1])

    yield open_lab
    for page in pages:
        page.close()


SEEDS = count(1000)


@pytest.fixture(scope="module")
def shared(new_page, address):
    """Open one lab for many tests: it loads the model once."""
    page = new_page()
    page.goto(f"{address}index.html")
    return Lab(page)


@pytest.fixture
def lab(shared, address):
    """Return the shared lab with a new picture of the settings FEW, nothing pinned, and no start picture."""
    page = shared.page
    if shared.made == 0:
        shared.next()
    if page.get_by_role("button", name="unpin A").count():
        shared.press("unpin A")
    page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = false)")
    page.goto(f"{address}index.html#{urlencode({**FEW, 'seed': next(SEEDS)})}")
    return shared.next()


def test_a_first_picture_appears_by_itself_and_its_preview_before(shared):
    page = shared.page
    page.locator("canvas[aria-label=preview]").wait_for()
    assert "of 20" in page.locator(".sd-progress").inner_text()
    shared.next().says("Picture 1: a cat on a blue background, seed = 0")
    assert "wasm" in page.locator(".sd-backend").inner_text()
    red, green, blue = shared.pixels()[:4].mean((0, 1))
    assert blue > red + 60  # the background
    shown = [page.get_by_role("slider", name=name) for name in ("num_inference_steps", "guidance_scale")]
    for one in (*shown, page.locator(".sd-figure canvas").last, page.get_by_role("button", name="generate")):
        box = one.bounding_box()  # on the first screen
        assert box["y"] >= 0 and box["y"] + box["height"] <= WINDOW["height"]


def test_stop_ends_the_work_and_the_lab_goes_on(lab):
    first = lab.pixels()
    lab.enter("num_inference_steps, as a number", 300)
    lab.page.get_by_text("of 300").wait_for()
    lab.press("stop")
    lab.says("Stopped; the picture is the one before.")
    assert lab.page.get_by_role("button", name="stop").is_disabled()
    assert np.array_equal(lab.pixels(), first) and lab.page.locator(".sd-stale").count() == 1
    lab.enter("num_inference_steps, as a number", 1)
    lab.next()


def test_a_change_takes_the_place_of_what_is_being_made(lab):
    lab.enter("num_inference_steps, as a number", 300)
    lab.page.get_by_text("of 300").wait_for()
    lab.enter("num_inference_steps, as a number", 1)
    lab.next().says("num_inference_steps = 1")


def test_two_pictures_stand_side_by_side_with_what_differs(lab):
    first = lab.pixels()
    lab.press("pin as A")
    lab.page.get_by_role("slider", name="guidance_scale").press("ArrowRight")
    lab.next()
    rows = [row.inner_text().split("\t") for row in lab.page.get_by_role("table").get_by_role("row").all()]
    assert rows[0] == ["setting", "A", "B"] and rows[1] == ["guidance_scale", "7.5", "8"] and len(rows) == 4
    a, b = lab.pixels(0), lab.pixels(1)
    assert np.array_equal(a, first)
    assert rows[-1] == ["distance", f"{sd.distance(a, b):.1f} grey levels"]
    lab.press("unpin A")
    assert lab.page.locator(".sd-figure:visible").count() == 1


def test_the_history_brings_back_a_picture_and_its_settings(lab):
    first, number = lab.pixels(), lab.made
    lab.enter("prompt", "a house on a red background")
    lab.next()
    assert not np.array_equal(lab.pixels(), first)
    lab.page.get_by_role("button", name=f"picture {number}: a cat").press("Enter")
    lab.shows(number)
    assert np.array_equal(lab.pixels(), first)
    assert lab.page.get_by_label("prompt", exact=True).input_value() == "a cat on a blue background"
    assert "a+cat" in lab.page.url


def test_the_link_makes_the_same_picture(lab):
    settings = {**FEW, "prompt": "🐱 <b>&amp; #1</b>", "seed": 5, "scheduler": "PNDMScheduler", "eta": 0.5, "width": 64}
    lab.page.goto(f"{lab.page.url.partition('#')[0]}#{urlencode(settings)}")
    lab.next()
    assert lab.link() == lab.page.url
    assert lab.note("eta") == "Without effect here: only DDIM takes eta."
    assert lab.page.get_by_label("width", exact=True).is_visible()  # what is set is not folded away
    first, link = lab.pixels(), lab.page.url
    lab.page.goto(f"{link.partition('#')[0]}#{urlencode(FEW)}")
    assert not np.array_equal(lab.next().pixels(), first)
    lab.page.goto(link)
    assert np.array_equal(lab.next().pixels(), first) and first.shape == (128, 64, 3)


def test_python_reads_the_saved_picture_and_makes_it_again(lab, tmp_path):
    settings = {"negative_prompt": 'red, "big" 犬', "seed": 7, "scheduler": "EulerAncestralDiscreteScheduler"}
    lab.page.goto(f"{lab.page.url.partition('#')[0]}#{urlencode({**FEW, **settings})}")
    path = lab.next().saved(tmp_path / "lab.png")
    assert np.array_equal(np.asarray(Image.open(path)), lab.pixels())
    read = sd.read_settings(path)
    kept = ("prompt", "negative_prompt", "seed")
    assert [read["settings"][name] for name in kept] == [{**FEW, **settings}[name] for name in kept]
    assert read["origin"]["device"] == "wasm" and read["origin"]["versions"]["onnxruntime-web"]
    again = sd.rebuild(path)
    assert again.max_difference <= 2 and "a browser" in repr(again)


def test_a_drawn_picture_is_a_start_and_is_in_the_record(lab, pipe, tmp_path):
    page = lab.page
    page.get_by_text("Start from a picture").click()
    page.get_by_label("a sample picture").select_option("apple")
    lab.next()
    assert page.get_by_label("start from this picture").is_checked() and "start=apple" in page.url
    page.get_by_title("blue", exact=True).click()
    sheet = page.locator(".sd-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.up()
    lab.next()
    assert "start=" not in page.url
    path = lab.saved(tmp_path / "lab.png")
    start = sd.read_settings(path)["settings"]["image"]
    assert start.size == (128, 128) and start.getpixel((10, 10)) == (90, 150, 230)
    assert sd.rebuild(path, pipe).max_difference <= 2
    lab.link()
    assert "Your start picture is not in it" in page.locator(".sd-address").inner_text()


def test_strength_without_a_start_picture_makes_nothing_anew(lab):
    lab.page.get_by_text("Start from a picture").click()
    lab.enter("strength, as a number", 0.3)
    assert lab.note("strength") == "Without effect here: \u201cstart from this picture\u201d is off."
    lab.enter("seed", 12345)
    lab.next()  # and not the one after it
    assert "seed = 12345" in lab.page.locator(".sd-earlier").last.get_attribute("title")


def test_a_picture_of_ones_own_is_cut_to_the_size(lab, tmp_path):
    page = lab.page
    page.get_by_text("Start from a picture").click()
    Image.new("RGB", (300, 200), (10, 200, 30)).save(tmp_path / "own.png")
    page.get_by_label("your own picture").set_input_files(tmp_path / "own.png")
    lab.next()
    (tmp_path / "text.png").write_text("no picture")
    page.get_by_label("your own picture").set_input_files(tmp_path / "text.png")
    page.get_by_role("alert").filter(has_text="no picture that the browser can read").wait_for()
    start = sd.read_settings(lab.saved(tmp_path / "lab.png"))["settings"]["image"]
    assert start.size == (128, 128) and start.getpixel((64, 64)) == (10, 200, 30)
    lab.enter("strength, as a number", 0)
    page.get_by_role("alert").filter(has_text="No step is left").wait_for()
    assert "No step is left" in lab.note("strength")


def test_what_the_model_can_draw_is_one_press_away(lab):
    lab.page.get_by_text("What it can draw").click()
    assert lab.page.locator(".sd-objects button").count() == 100
    lab.press("rocket")
    lab.next()
    assert lab.page.get_by_label("prompt", exact=True).input_value() == "rocket" and lab.note("prompt") == ""


def test_what_cannot_be_used_is_told_beside_its_control(lab):
    lab.enter("guidance_scale, as a number", 120)
    assert lab.note("guidance_scale") == "This is 120; give a number from 0 to 100."
    field = lab.page.get_by_label("guidance_scale, as a number")
    assert field.get_attribute("aria-invalid") == "true"
    before = lab.pixels()
    lab.press("generate")
    lab.says("mend what is marked")
    assert np.array_equal(lab.pixels(), before)
    lab.enter("guidance_scale, as a number", 1)
    lab.next()
    assert field.get_attribute("aria-invalid") == "false"
    lab.enter("negative_prompt", "a dog")
    lab.next()
    assert "guidance is on only above" in lab.note("negative_prompt")
    lab.enter("prompt", "a (kat:1.3)" + " cat" * 80)
    lab.next()
    assert "“(kat:1.3)” is a command to other programs" in lab.note("prompt")
    assert "77 tokens" in lab.note("prompt") and "has never read “kat”; near words: hat, cat" in lab.note("prompt")


def test_everything_is_reached_by_the_keyboard(lab):
    reached = set()
    lab.page.get_by_label("prompt", exact=True).focus()
    for _ in range(60):
        reached.add(lab.page.evaluate(FOCUSED))
        lab.page.keyboard.press("Tab")
    buttons = {"generate", "pin as A", "save PNG", "code", "copy link", "new seed", str(lab.made)}
    names = ("prompt", "seed", "num_inference_steps", "guidance_scale", "scheduler", "negative_prompt")
    assert buttons | {f"sd-{name}" for name in names} | {"Start from a picture", "More settings"} <= reached


HOSTILE = (
    ("prompt", "<img src=x onerror=alert(1)><script>alert(2)</script>"), ("num_inference_steps", "2"),
    ("negative_prompt", "javascript:alert(3)"), ("seed", "1e99"), ("scheduler", "constructor"), ("height", "1000000"),
    ("guidance_scale", "NaN"), ("<b>name</b>", "<b>value</b>"), ("__proto__", "1"), ("start", "//evil.example/x.png"),
)  # fmt: skip


def test_an_address_of_a_stranger_is_data(lab):
    lab.page.goto(f"{lab.page.url.partition('#')[0]}#{urlencode(HOSTILE)}")
    said = []
    lab.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    lab.next()
    text = lab.page.locator(".sd-notes").inner_text()
    assert all(f"gives {name} as" in text for name in ("seed", "scheduler", "height", "guidance_scale", "start"))
    assert "“<b>name</b>”" in text and "“__proto__”" in text
    assert lab.page.get_by_label("prompt", exact=True).input_value() == HOSTILE[0][1]
    assert said == [] and lab.page.locator(".sd-lab :is(img, script, b:not(.sd-letter))").count() == 0
    lab.enter("negative_prompt", "")
    lab.next()
    assert not lab.page.locator(".sd-notes").is_visible()


def test_a_lesson_fetches_nothing_before_a_button_is_pressed_and_tells_what_does_not_come(new_page, address):
    page, fetched = new_page(), []
    page.route("**/lesson.html", lambda route: route.fulfill(body=LESSON, content_type="text/html"))
    page.route("**/unet.onnx*", lambda route: route.abort())
    page.on("request", lambda request: fetched.append(request.url.removeprefix(address).partition("#")[0]))
    page.goto(f"{address}lesson.html#a-heading")
    page.get_by_role("slider", name="guidance_scale").press("ArrowRight")
    page.wait_for_timeout(500)
    assert set(fetched) <= {"lesson.html", "lab.js", "favicon.ico"}
    assert page.locator(".sd-control").count() == 2
    lab = Lab(page)
    lab.press("generate")
    page.get_by_role("alert").filter(has_text="A file of the model did not come").wait_for()
    page.unroute("**/unet.onnx*")
    lab.press("generate")
    lab.next()
    assert not page.get_by_role("alert").is_visible() and page.url.endswith("#a-heading")
    link = lab.link()
    assert link.startswith(f"{address}index.html#prompt=a+fox") and "guidance_scale=8" in link
    assert not page.get_by_label("computes on").is_visible()
    page.evaluate("() => document.querySelector('.sd-provider').hidden = false")  # as if there were a graphics card
    page.get_by_label("computes on").select_option("webgpu")
    page.get_by_role("alert").filter(has_text="offers no graphics card").wait_for()
    page.close()


def test_the_japanese_page_speaks_japanese(opened):
    lab = opened("ja.html", {**FEW, "prompt": "青い背景の猫", "guidance_scale": 0.5}).next()
    assert lab.page.locator(".sd-lab").get_attribute("lang") == "ja"
    assert lab.page.get_by_role("button", name="生成").count() == 1
    assert "1とまったく同じです" in lab.note("guidance_scale")
    lab.says("画像1：青い背景の猫")
    check_fits_and_axe(lab, "Aに固定")
    lab.page.set_viewport_size(PHONE)
    lab.page.emulate_media(color_scheme="dark")
    check_fits_and_axe(lab)
    lab.page.get_by_role("link", name="English").click()
    lab.page.wait_for_url("**/index.html#*")
    assert lab.page.get_by_label("prompt", exact=True).input_value() == "青い背景の猫"


def test_all_fits_a_phone_and_axe_finds_nothing_serious(lab):
    check_fits_and_axe(lab, "pin as A")
    lab.page.set_viewport_size(PHONE)
    check_fits_and_axe(lab)
    lab.page.emulate_media(color_scheme="dark")
    check_fits_and_axe(lab)


def check_fits_and_axe(lab, pin=None):
    """Fail if what a page shows, all unfolded, is wider than the window, or has serious findings of axe."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = lab.page
    if pin:  # the first time
        lab.press(pin)
        page.locator("[data-name=seed] button").click()
        lab.next()
        for button in page.locator(".sd-pictures + .sd-buttons button").all()[2:]:  # code, link
            button.click()
        page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
    assert page.evaluate(OVERFLOW) == 0
    found = axe.run(page).response["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert serious == [], json.dumps(serious, indent=1)[:3000]
