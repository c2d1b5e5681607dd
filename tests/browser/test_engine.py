"""The engine in a real browser makes Python's pictures, tells its steps, stops, and refuses what Python refuses."""

import pytest
from PIL import Image

from benchmarks.browser import LIMIT, Python, difference, drawn
from tools.browser_page import EngineError, engine_page, headless

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STOP = """async () => {
    const stopper = new AbortController();
    const told = [];
    const onStep = ({ step }) => { told.push(step); if (step === 2) stopper.abort(); };
    const settings = { prompt: "a cat", num_inference_steps: 50, height: 64, width: 64 };
    const first = window.engine.generate(settings, { onStep, signal: stopper.signal }).catch((error) => error.name);
    const waiting = window.engine.generate(settings, { signal: stopper.signal }).catch((error) => error.name);
    const after = await window.engine.generate({ ...settings, num_inference_steps: 1 });
    return [await first, await waiting, told, after.steps];
}"""


@pytest.fixture(scope="module")
def browser(chromium):
    """Yield a headless Chromium."""
    with headless() as found:
        yield found


@pytest.fixture(scope="module")
def page(built, browser):
    """Yield a page with the engine loaded, as from a server without special headers."""
    with engine_page(browser) as found:
        found.loaded = found.load()
        yield found


@pytest.fixture(scope="module")
def python():
    """Return what makes the same pictures in Python."""
    return Python()


def test_it_loads_without_special_headers_and_tells_how_far_it_is(page):
    cores = page.page.evaluate("navigator.hardwareConcurrency")
    backend = page.loaded["backend"]
    assert (backend["provider"], backend["threads"]) == ("wasm", min(cores, 2))
    told = page.loaded["progress"]
    assert len(told) > 10 and [step["loaded"] for step in told] == sorted(step["loaded"] for step in told)
    assert told[-1]["loaded"] == told[-1]["total"] > 20e6


@pytest.mark.parametrize("settings", drawn(3, seed=7), ids=lambda settings: settings["scheduler"])
def test_pictures_are_those_of_python(page, python, settings):
    made, told = page.generate(**settings)
    assert difference(made, python.picture(**settings)) <= LIMIT
    assert told["steps"] == len(told["timesteps"]) and told["seconds"] > 0
    other, _ = page.generate(**settings | {"seed": settings["seed"] ^ 1})
    assert difference(made, other) > 20  # the limit would notice


def test_steps_are_told_with_few_previews(page):
    settings = {"prompt": "a cat", "num_inference_steps": 20, "scheduler": "PNDMScheduler"}
    _, told = page.generate(previews=True, **settings)
    assert [step["step"] for step in told["steps_told"]] == list(range(1, 22))
    assert {step["steps"] for step in told["steps_told"]} == {21} and told["steps"] == 21
    previews = [step["preview"] for step in told["steps_told"]]
    assert 1 <= sum(previews) <= 5 and not previews[-1]


def test_stopping(page):
    name, waiting, told, steps = page.page.evaluate(STOP)
    assert (name, waiting, steps) == ("AbortError", "AbortError", 1)
    # On a busy machine some more of the 50 steps are done before the worker hears of it.
    assert 2 <= len(told) < 25 and told == list(range(1, len(told) + 1))


def test_what_is_refused_and_what_has_no_effect(page):
    for code, settings in {
        "seed": {"seed": -1},
        "num_inference_steps": {"num_inference_steps": 0},
        "scheduler": {"scheduler": "Euler"},
        "height": {"height": 60},
        "unknown": {"steps": 20},
        "image": {"image": Image.new("RGB", (60, 64))},
    }.items():
        with pytest.raises(EngineError, match="give|known") as refused:
            page.generate(**{"prompt": "a cat", **settings})
        assert (refused.value.name, refused.value.code) == ("SettingsError", code)
    small = {"num_inference_steps": 1, "height": 64, "width": 64}
    _, made = page.generate(prompt="a cat", eta=0.5, scheduler="PNDMScheduler", guidance_scale=1, **small)
    assert made["noEffect"] == [{"argument": "eta", "reason": "scheduler"}]


@pytest.mark.parametrize(("cores", "isolated", "threads"), [(1, False, 1), (1, True, 1), (4, True, 4)])
def test_as_many_threads_as_machine_and_server_allow(built, browser, python, cores, isolated, threads):
    settings = {"prompt": "a cat", "num_inference_steps": 2, "height": 64, "width": 64, "negative_prompt": "a dog"}
    with engine_page(browser, isolated=isolated) as page:
        assert page.load(cores=cores)["backend"]["threads"] == threads
        assert difference(page.generate(**settings)[0], python.picture(**settings)) <= LIMIT


def test_a_graphics_card_that_is_not_there_is_said(built, browser):
    with engine_page(browser) as page, pytest.raises(Exception, match="no graphics card .* take the provider wasm"):
        page.load(provider="webgpu")


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("models/unet.onnx", r"unet.onnx\S* is not there \(404\)"),
        ("worker.js", "the engine has stopped: it did not start"),
    ],
)
def test_a_missing_file_is_said(built, browser, tmp_path, missing, said):
    link_all(built, tmp_path, missing)
    with engine_page(browser, tmp_path) as page, pytest.raises(Exception, match=said):
        page.load()


def link_all(folder, place, missing):
    """Link all files of a folder but one into a place."""
    for file in folder.rglob("*"):
        if file.is_dir():
            (place / file.relative_to(folder)).mkdir()
        elif file != folder / missing:
            (place / file.relative_to(folder)).symlink_to(file)


def test_where_no_second_worker_starts_one_does_the_work(built, browser, python, tmp_path):
    settings = {"prompt": "a cat", "num_inference_steps": 2, "height": 64, "width": 64}
    link_all(built, tmp_path, "worker.js")
    failing = 'if (self.name === "twin") throw new Error("there is no memory left");\n'
    (tmp_path / "worker.js").write_text(failing + (built / "worker.js").read_text(encoding="utf-8"), encoding="utf-8")
    with engine_page(browser, tmp_path) as page:
        assert page.load(cores=2)["backend"]["threads"] == 1
        assert difference(page.generate(**settings)[0], python.picture(**settings)) <= LIMIT


def test_a_start_picture_whose_network_did_not_come_can_be_tried_again(built, browser):
    settings = {"prompt": "a cat", "num_inference_steps": 2, "image": Image.new("RGB", (64, 64), "red")}
    with engine_page(browser) as page:
        page.load(cores=1)
        page.page.context.route("**/vae_encoder.onnx*", lambda route: route.abort())
        with pytest.raises(EngineError):
            page.generate(**settings)
        page.page.context.unroute("**/vae_encoder.onnx*")
        assert page.generate(**settings)[0].size == (64, 64)


def test_a_closed_engine_says_so(built, browser):
    with engine_page(browser) as page:
        page.load()
        open_call = "window.engine.generate({ prompt: 'a cat' }).catch((error) => error.message)"
        page.page.evaluate(f"() => {{ window.open_call = {open_call}; window.engine.close(); }}")
        assert page.page.evaluate("window.open_call") == "the engine was closed."
        assert page.page.evaluate(open_call) == "the engine was closed."
