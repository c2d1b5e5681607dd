"""Panels: the same function behind controls; slow work never blocks, never piles up, and can be stopped."""

import html
import io
import itertools
import threading
import time
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from jupyter_client.manager import KernelManager
from PIL import Image

from sdkit import explore, generate, read_settings
from sdkit.call.watching import StoppedError
from sdkit.shot import Shot
from sdkit.shots import Shots

TIMEOUT = 60  # seconds for what takes few


def draw(seed=0, guidance_scale=7.5, prompt="a cat", text="x"):
    draw.calls.append((seed, guidance_scale, prompt, text))
    if seed == 13:
        raise ValueError("thirteen <is> bad")
    return Image.new("RGB", (8, 8), (seed, 0, 0))


@pytest.fixture(autouse=True)
def calls():
    draw.calls = []
    return draw.calls


@pytest.fixture
def front_end(monkeypatch):
    """Make each press and change look as if a front end's message caused it."""
    monkeypatch.setattr("sdkit.panel.panel.from_front_end", lambda: True)


def parts(panel):
    """Return the controls, the button and the view."""
    return *panel.controls.values(), panel.button, panel.view


def until(condition):
    """Wait until a condition holds."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


# Pressed from code, as in a cell that is run without a front end


def test_nothing_runs_until_the_button_and_then_the_picture_is_there(calls):
    slider, button, view = parts(explore(draw, seed=(0, 99)))
    slider.value = 35
    assert calls == [] and view.value == ""
    button.click()
    assert calls == [(35, 7.5, "a cat", "x")]
    assert 'alt="seed = 35"' in view.value and "data:image/png;base64," in view.value


def any_of(guidance_scale=7.5, prompt="a cat", own=0, text="x"):
    return Image.new("RGB", (8, 8))


def test_the_controls_stand_in_their_order_above_the_button_and_beside_the_view():
    own = widgets.IntText(value=3, description="own")
    panel = explore(any_of, guidance_scale=None, prompt=None, own=own, text=["x", "y"])
    columns = panel.children[-1]
    left, view = columns.children
    assert left.children[:-1] == tuple(panel.controls.values()) and panel.controls["own"] is own
    assert panel.button in left.children[-1].children and view is panel.view
    assert columns.layout.flex_flow == "row wrap"
    assert repr(panel) == "Controls: guidance_scale, prompt, own, text. Run this cell (Shift+Enter) to use them."


def test_an_error_is_shown_in_words_and_the_panel_stays_usable(calls):
    slider, button, view = parts(explore(draw, seed=(0, 99)))
    slider.value = 13
    button.click()
    assert 'role="alert"' in view.value and "ValueError" in view.value and "thirteen &lt;is&gt; bad" in view.value
    assert view.pin.disabled and view.save.disabled and not button.disabled
    assert "<img" not in view.value
    slider.value = 14
    button.click()
    assert "<img" in view.value and "alert" not in view.value and not view.pin.disabled


def test_a_function_that_ends_the_program_is_told_and_the_panel_stays_usable():
    def leave(seed):
        if seed:
            raise SystemExit("bye")
        return Image.new("RGB", (8, 8))

    slider, button, view = parts(explore(leave, seed=(0, 9)))
    slider.value = 1
    button.click()
    assert 'role="alert"' in view.value and "SystemExit" in view.value
    slider.value = 0
    button.click()
    assert "<img" in view.value


def test_an_error_or_a_stop_leaves_the_last_picture_there_but_pale():
    panel = explore(draw, seed=(0, 99))
    slider, button, view = parts(panel)
    slider.value = 5
    button.click()
    assert not view.is_stale
    slider.value = 13
    button.click()
    assert 'role="alert"' in view.value and 'alt="seed = 5"' in view.value and view.is_stale
    assert not view.pin.disabled and not view.code.disabled  # they are about the picture that is there
    slider.value = 5
    assert not view.is_stale and "alert" not in view.value  # its own values again


def test_a_picture_of_other_values_than_the_present_ones_is_pale():
    panel = explore(draw, seed=(0, 99))
    slider, button, view = parts(panel)
    slider.value = 3
    assert not view.is_stale  # there is no picture yet
    button.click()
    slider.value = 4
    assert view.is_stale and "Not made with these values" in view.progress.value
    slider.value = 3
    assert not view.is_stale
    slider.value = 4
    button.click()
    assert not view.is_stale and 'alt="seed = 4"' in view.value


def test_a_caption_says_what_differs_from_the_start_and_folds_the_rest():
    panel = explore(draw, seed=(0, 99), guidance_scale=(1.0, 20.0), text=["a long word " * 20, "y"])
    panel.controls["seed"].value = 7
    panel.button.click()
    caption, folded = panel.view.value.split("<figcaption", 1)[1].split("<details", 1)
    assert "seed = 7" in caption and "guidance_scale" not in caption and "guidance_scale = 7.5" in folded


def test_the_first_picture_is_made_when_the_panel_is_shown(calls):
    panel = explore(draw, seed=(3, 99))
    shown, told = panel._repr_mimebundle_()
    assert [seed for seed, *_ in calls] == [3] and 'alt="seed = 3"' in panel.view.value
    assert shown["text/plain"] == "Controls: seed. Run this cell (Shift+Enter) to use them."
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    with Image.open(io.BytesIO(shown["image/png"])) as still:  # 32 times as large, in a margin
        assert still.convert("RGB").getpixel((100, 100)) == (3, 0, 0) and still.height > 256
    assert "seed = 3" in told["image/png"]["alt"]
    panel._repr_mimebundle_()
    assert len(calls) == 1


def test_a_first_picture_that_fails_is_told_in_the_panel():
    panel = explore(draw, seed=(13, 99))
    shown, told = panel._repr_mimebundle_()
    assert "thirteen" in panel.view.value and "image/png" not in shown


def test_a_first_picture_that_takes_long_goes_on_in_the_panel(pipe, monkeypatch):
    monkeypatch.setattr("sdkit.panel.panel.FIRST_PICTURE_S", 0)
    panel = explore(lambda seed: generate(pipe, "a cat", seed=seed, num_inference_steps=5)[0], seed=(0, 9))
    assert "image/png" not in panel._repr_mimebundle_()[0] and panel.thread.wait(TIMEOUT)
    assert 'alt="seed = 0"' in panel.view.value and not panel.view.is_stale


def test_words_that_the_built_in_model_has_never_read_are_told(pipe):
    panel = explore(lambda prompt: generate(pipe, prompt, num_inference_steps=1), prompt="a kat, blue background")
    panel.button.click()
    assert "\u201ckat\u201d" in panel.view.notes.value and "cat" in panel.view.notes.value
    panel.controls["prompt"].value = "a cat"
    panel.button.click()
    assert "never read" not in panel.view.notes.value


def test_enter_in_a_line_of_text_makes_the_picture(calls):
    panel = explore(draw, prompt=None)
    assert isinstance(panel.controls["prompt"], widgets.Text)
    panel.controls["prompt"]._handle_custom_msg({"event": "submit"}, [])
    assert len(calls) == 1 and "<img" in panel.view.value


def test_what_is_changed_while_a_picture_is_made_is_not_said_to_be_in_it():
    begun, go = threading.Event(), threading.Event()

    def slow(prompt="a cat"):
        begun.set()
        assert go.wait(TIMEOUT)
        return Image.new("RGB", (8, 8))

    panel = explore(slow)
    panel.live.value = False
    making = threading.Thread(target=panel.button.click)
    making.start()
    assert begun.wait(TIMEOUT)
    panel.controls["prompt"].value = "a dog"
    go.set()
    making.join(TIMEOUT)
    assert panel.view.is_stale and "press generate" in panel.view.progress.value
    panel.controls["prompt"].value = "a cat"
    assert not panel.view.is_stale


def test_a_mask_lies_over_the_picture_that_was_chosen():
    black, wide = Image.new("RGB", (8, 8)), Image.new("RGB", (16, 8), "red")

    def patch(image=black, mask_image=None):
        return Image.new("RGB", (8, 8))

    panel = explore(patch, image=[black, wide], mask_image=None)
    panel.controls["image"].value = wide
    mask = panel.controls["mask_image"]
    assert mask.value.size == (16, 8) and mask.value.getbbox() == (4, 2, 12, 6)
    assert (mask.across.max, mask.across.value) == (16, (4, 12))


def test_the_width_of_a_picture_can_be_given():
    panel = explore(draw, picture_width=300, seed=(0, 9))
    panel.button.click()
    assert "width:300px" in panel.view.value
    with pytest.raises(ValueError, match="picture_width is 0"):
        explore(draw, picture_width=0)


def test_every_picture_of_shots_is_shown():
    def several(seed):
        return Shots(Shot(Image.new("RGB", (8, 8)), {"seed": seed + n}, {}) for n in range(3))

    _, button, view = parts(explore(several, seed=(0, 9)))
    button.click()
    assert view.value.count("<img") == 3 and "seed = 2" in view.value


def test_what_was_made_before_is_shown_at_once(calls):
    slider, button, view = parts(explore(draw, seed=(0, 99)))
    for value in (1, 2):
        slider.value = value
        button.click()
    slider.value = 1
    began = time.thread_time()  # other programs do not count
    button.click()
    assert time.thread_time() - began < 0.1
    assert 'alt="seed = 1"' in view.value and "from the history" in view.progress.value
    assert [seed for seed, *_ in calls] == [1, 2]
    button.click()  # pressed again without a change, it makes the picture again
    assert [seed for seed, *_ in calls] == [1, 2, 1] and len(view.history.children) == 2


@pytest.mark.parametrize("wrap", [lambda array: array, lambda array: [array], torch.from_numpy])
def test_large_arrays_that_differ_a_little_are_not_taken_for_each_other(wrap):
    made = []
    arrays = [np.zeros((64, 64, 3)) for _ in range(2)]
    arrays[1][30:34] = 1  # where the text of an array has dots
    choices = {"zeros": wrap(arrays[0]), "a line": wrap(arrays[1])}
    panel = explore(lambda image, seed: made.append((image, seed)), image=choices, seed=[0, 1])
    for number in (0, 1):
        panel.controls["image"].index = number
        panel.button.click()
    assert len(made) == 2 and made[1][0] is choices["a line"]
    panel.controls["image"].index = 0
    panel.button.click()
    assert len(made) == 2  # made before


def test_pictures_that_chance_makes_are_all_kept():
    colours = iter(("red", "blue"))
    _, button, view = parts(explore(lambda seed: Image.new("RGB", (8, 8), next(colours)), seed=(0, 9)))
    button.click()
    button.click()
    assert len(view.history.children) == 2


def test_the_history_gives_back_picture_and_values(calls):
    panel = explore(draw, seed=(0, 99), text=["x", "y"])
    seed, text, button, view = parts(panel)
    seed.value = 1
    button.click()
    seed.value, text.value = 2, "y"
    button.click()
    first, second = (item.children[1] for item in view.history.children)
    assert (first.description, second.description) == ("1", "2")
    assert "sdkit-shown" in second._dom_classes and "sdkit-shown" not in first._dom_classes
    first.click()
    assert (seed.value, text.value) == (1, "x") and 'alt="seed = 1, text = x"' in view.value
    assert len(calls) == 2
    assert "sdkit-shown" in first._dom_classes and "sdkit-shown" not in second._dom_classes
    view.pin.click()
    assert (first.description, second.description) == ("1 A", "2")


def test_the_history_stays_short():
    slider, button, view = parts(explore(draw, seed=(20, 99)))
    for value in range(20, 50):
        slider.value = value
        button.click()
        if value == 20:
            oldest = view.history.children[0]
        if value == 42:
            assert oldest.comm is not None
    assert oldest.comm is None
    assert len(view.history.children) == 24 and view.history.children[-1].children[1].description == "30"


def test_masks_of_one_size_that_differ_are_in_the_table():
    def draw_mask(mask_image):
        return mask_image.convert("RGB")

    panel = explore(draw_mask, mask_image=Image.new("L", (8, 8), 255))
    mask, button, view = parts(panel)
    button.click()
    view.pin.click()
    mask.across.value = (0, 4)
    button.click()
    assert ">picture 8 x 8<" in view.difference.value and ">another picture 8 x 8<" in view.difference.value


def test_a_pinned_picture_stays_beside_the_next_with_what_differs():
    slider, _, button, view = parts(explore(draw, seed=(0, 99), text=["x"]))
    view.pin.click()  # there is nothing yet
    slider.value = 1
    button.click()
    view.pin.click()
    assert view.pinned.value == view.difference.value == "" and view.pin.description == "unpin"
    assert ">A</b>" in view.value
    slider.value = 4
    button.click()
    assert 'alt="seed = 1, text = x"' in view.pinned.value and 'alt="seed = 4, text = x"' in view.value
    rows = view.difference.value
    assert ">seed<" in rows and ">text<" not in rows
    assert "1.7 grey levels" in rows  # three in one of three channels
    view.pin.click()
    assert view.pinned.value == "" and view.pin.description == "pin"


def test_a_shot_is_saved_with_its_settings_and_other_things_are_not(pipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(prompt="a red/cat", seed=3):
        return generate(pipe, prompt, seed=seed, num_inference_steps=2)

    panel = explore(make, prompt=None)
    panel.view.save.click()
    assert not list(tmp_path.rglob("*"))
    panel.button.click()
    assert not panel.view.save.disabled
    panel.view.save.click()
    panel.view.save.click()
    (file,) = tmp_path.rglob("*.png")
    assert file.name.startswith("a-red-cat-seed-3-") and f"saved pictures/{file.name}" in panel.view.progress.value
    assert read_settings(file)["settings"]["num_inference_steps"] == 2
    assert f'download="{file.name}"' in panel.view.progress.value


def test_what_a_file_cannot_keep_is_said_when_it_is_saved(pipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noted = {"num_inference_steps": 1, "callback_on_step_end": lambda pipe, step, timestep, tensors: tensors}
    panel = explore(lambda seed: generate(pipe, "a cat", seed=seed, **noted), seed=(0, 9))
    panel.button.click()
    panel.view.save.click()
    assert "no file can keep callback_on_step_end" in panel.view.progress.value and list(tmp_path.rglob("*.png"))


def test_a_plain_picture_is_saved_without_settings_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = explore(draw, seed=(0, 9))
    plain.button.click()
    plain.view.save.click()
    (file,) = tmp_path.rglob("*.png")
    assert Image.open(file).size == (8, 8) and "without settings" in plain.view.progress.value


def test_what_is_no_picture_is_not_saved():
    panel = explore(lambda seed: f"seed {seed}", seed=(0, 9))
    panel.button.click()
    assert "seed 0" in panel.view.value and panel.view.save.disabled


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, pipe):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").write_text("a file in the way")
    panel = explore(lambda seed: generate(pipe, "a cat", seed=seed, num_inference_steps=1)[0], seed=None)
    panel.button.click()
    panel.view.save.click()
    assert 'role="alert"' in panel.view.error.value and "<img" in panel.view.value


def test_the_code_of_a_picture_is_shown_and_hidden(pipe):
    panel = explore(lambda seed: generate(pipe, "a cat", seed=seed, num_inference_steps=1)[0], seed=None)
    panel.button.click()
    panel.view.code.click()
    assert "image = pipe(" in panel.view.source.value
    panel.view.code.click()
    assert panel.view.source.value == ""
    explained = explore(lambda seed: generate(pipe, "a cat", num_inference_steps=1, **own), seed=(5, 9))
    own = {"callback_on_step_end": lambda pipe, step, timestep, tensors: tensors}
    explained.button.click()
    explained.view.code.click()  # a callback has no source, so the call of the function is shown
    assert "<lambda>(seed=5)" in html.unescape(explained.view.source.value)
    plain = explore(draw, seed=(5, 9))
    plain.button.click()
    plain.view.code.click()
    assert "draw(seed=5)" in plain.view.source.value


def test_the_code_holds_each_argument_that_has_a_control_also_at_its_default(pipe):
    def make(guidance_scale=7.5, num_inference_steps=1, eta=0.0):
        call = {"guidance_scale": guidance_scale, "num_inference_steps": num_inference_steps, "eta": eta}
        return generate(pipe, "a cat", **call)[0]

    panel = explore(make, guidance_scale=None, num_inference_steps=None)
    panel.button.click()
    panel.view.code.click()
    code = panel.view.source.value
    assert "guidance_scale=7.5," in code and "num_inference_steps=1," in code and "eta=" not in code


def test_the_code_with_a_picture_says_which_picture_to_put_there(img2img):
    def vary(image, strength=0.5):
        return generate(img2img, "a cat", image=image, strength=strength, num_inference_steps=2)[0]

    panel = explore(vary, image=Image.new("RGB", (64, 64), "red"), strength=None)
    panel.button.click()
    panel.view.code.click()
    code = html.unescape(panel.view.source.value)
    assert "from PIL import Image\n" in code and "# image.png: the picture for image, 64 x 64" in code
    assert 'vary(image=Image.open("image.png"), strength=0.5)' in code


def test_a_new_seed_is_another_one():
    panel = explore(draw, seed=(5, 7))
    seeds = [panel.controls["seed"].value]
    for _ in range(60):
        panel.new_seed.click()
        seeds.append(panel.controls["seed"].value)
    assert all(before != after for before, after in itertools.pairwise(seeds)) and set(seeds) == {5, 6, 7}
    without = explore(draw, text=["x"])
    assert without.new_seed not in without.children[-1].children[0].children[-1].children


def test_what_had_no_effect_is_said(pipe):
    call = {"negative_prompt": "red", "num_inference_steps": 1}
    panel = explore(lambda guidance_scale: generate(pipe, "a cat", guidance_scale=guidance_scale, **call)[0],
                    guidance_scale=1.0)  # fmt: skip
    with pytest.warns(UserWarning, match="negative_prompt"):
        panel.button.click()
    assert "negative_prompt has no effect" in panel.view.notes.value


def test_a_control_that_the_call_does_not_take_is_not_said_to_have_made_the_picture(pipe, img2img):
    def make(start="noise", strength=0.9, height=64, seed=1):
        call = {"seed": seed, "num_inference_steps": 2}
        if start == "noise":
            return generate(pipe, "a cat", height=height, width=64, **call)[0]
        return generate(img2img, "a cat", image=Image.new("RGB", (64, 64), "red"), strength=strength, **call)[0]

    panel = explore(make, start=["noise", "picture"], strength=None, height=None, seed=None)
    start, strength, height, seed, button, view = parts(panel)
    strength.value = 0.5
    button.click()
    assert "strength" not in view.value and "height = 64, seed = 1" in view.value
    told = "strength: not given to StableDiffusionPipeline, whose call takes no such argument."
    assert told in html.unescape(view.notes.value)
    view.pin.click()
    start.value, height.value = "picture", 128
    button.click()
    assert "start = picture, strength = 0.5, seed = 1" in view.value and "height =" not in view.value
    assert "height: not given to StableDiffusionImg2ImgPipeline, whose" in view.notes.value
    (row,) = [row for row in view.difference.value.split("<tr") if ">strength<" in row]
    assert ">-<" in row and ">0.5<" in row
    view.history.children[0].children[1].click()
    assert strength.value == 0.5 and start.value == "noise"  # which are kept


def test_an_interrupt_of_the_cell_goes_on_to_the_cell():
    def interrupted(seed):
        raise KeyboardInterrupt

    panel = explore(interrupted, seed=(0, 9))
    with pytest.raises(KeyboardInterrupt):
        panel.button.click()
    assert "stopped" in panel.view.progress.value and panel.stop.disabled


# Pressed in a front end


def test_a_released_control_starts_the_work_in_a_thread(front_end):
    threads = []

    def where(seed):
        threads.append(threading.current_thread())
        return Image.new("RGB", (8, 8))

    panel = explore(where, seed=(0, 9))
    panel.controls["seed"].value = 3
    assert panel.thread.wait(TIMEOUT)
    assert 'alt="seed = 3"' in panel.view.value and threads[0] is not threading.main_thread()
    panel.live.value = False
    panel.controls["seed"].value = 4
    assert panel.thread.wait(TIMEOUT) and len(threads) == 1


def test_new_requests_never_pile_up(front_end):
    begun, go, seeds = threading.Event(), threading.Event(), []

    def slow(seed):
        seeds.append(seed)
        begun.set()
        assert go.wait(TIMEOUT)
        return Image.new("RGB", (8, 8))

    panel = explore(slow, seed=(0, 99))
    slider, button, view = parts(panel)
    slider.value = 1
    assert begun.wait(TIMEOUT)
    for value in range(2, 9):
        slider.value = value
    button.click()  # the same as is asked for already
    assert not panel.stop.disabled
    go.set()
    assert panel.thread.wait(TIMEOUT)
    assert seeds == [1, 8] and 'alt="seed = 8"' in view.value
    slider.value = 1  # it came too late to be shown, but is not lost
    assert 'alt="seed = 1"' in view.value and seeds == [1, 8]


@pytest.fixture
def panel(pipe, front_end):
    """Return a panel over the real model, with more steps than a test waits for."""

    def make(seed=0, num_inference_steps=900):
        return generate(pipe, "a cat", seed=seed, num_inference_steps=num_inference_steps)[0]

    return explore(make, seed=(0, 9), num_inference_steps=(1, 900))


def test_the_picture_grows_while_steps_are_counted_and_stop_ends_it(panel):
    seed, steps, button, view = parts(panel)
    seen = []
    view.picture.observe(lambda change: seen.append(change["new"]), names="value")
    button.click()
    until(lambda: len(seen) >= 2)
    assert all('alt="preview of seed = 0' in html for html in seen) and seen[0] != seen[1]
    assert "<progress" in view.progress.value and "step " in view.progress.value
    panel.stop.click()
    assert panel.thread.wait(TIMEOUT)
    assert "stopped after step " in view.progress.value and panel.stop.disabled and view.save.disabled
    steps.value = 2
    assert panel.thread.wait(TIMEOUT)
    assert 'alt="seed = 0, num_inference_steps = 2"' in view.value and not view.save.disabled


def test_a_new_request_stops_the_running_one_at_its_next_step(panel):
    seed, steps, button, view = parts(panel)
    button.click()
    until(lambda: "step " in view.progress.value)
    steps.value = 2
    assert panel.thread.wait(TIMEOUT)
    assert "num_inference_steps = 2" in view.value and len(view.history.children) == 1


def test_the_history_is_there_while_something_runs(panel):
    seed, steps, button, view = parts(panel)
    steps.value = 1
    assert panel.thread.wait(TIMEOUT)
    steps.value = 900
    until(lambda: "step " in view.progress.value)
    view.history.children[0].children[1].click()
    assert steps.value == 1 and "num_inference_steps = 1&quot;" not in view.value
    shown = view.value
    assert panel.thread.wait(TIMEOUT)
    assert view.value == shown and 'num_inference_steps = 1"' in shown and panel.stop.disabled


def test_what_a_stopped_function_saved_is_not_taken_for_the_whole(pipe, front_end):
    def keeps(seed):
        try:
            generate(pipe, "a cat", num_inference_steps=900)
        except KeyboardInterrupt:
            return Image.new("RGB", (8, 8))

    panel = explore(keeps, seed=(0, 9))
    panel.button.click()
    until(lambda: "step " in panel.view.progress.value)
    panel.stop.click()
    assert panel.thread.wait(TIMEOUT)
    assert "stopped" in panel.view.progress.value and len(panel.view.history.children) == 0


def test_a_function_without_steps_ends_by_itself(front_end):
    begun, go = threading.Event(), threading.Event()

    def plain(seed):
        begun.set()
        assert go.wait(TIMEOUT)
        raise StoppedError if seed else ValueError("bad")

    panel = explore(plain, seed=(0, 9))
    panel.button.click()
    assert begun.wait(TIMEOUT)
    panel.stop.click()
    assert "stopping" in panel.view.progress.value
    go.set()
    assert panel.thread.wait(TIMEOUT)
    assert "ValueError" in panel.view.value and panel.stop.disabled


# In a real kernel, with the messages that a front end sends

SETUP = """
import time
from PIL import Image
from sdkit import explore
calls = []
def slow(seed=1):
    calls.append(seed)
    time.sleep(0.3)
    return Image.new("RGB", (8, 8))
panel = explore(slow, seed=(0, 9))
panel.button.click()
print(calls, "seed = 1" in panel.view.value, panel.button.comm.comm_id, panel.controls["seed"].comm.comm_id)
"""


@pytest.fixture
def kernel():
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(kernel, code):
    """Run a cell and return what it prints."""
    texts = []

    def note(message):
        assert message["msg_type"] != "error", message["content"]["traceback"]
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    kernel.execute_interactive(code, timeout=TIMEOUT, output_hook=note)
    return "".join(texts)


def send(kernel, comm, data):
    content = {"comm_id": comm, "data": {"buffer_paths": [], **data}}
    kernel.shell_channel.send(kernel.session.msg("comm_msg", content))


def test_in_a_kernel_a_press_returns_at_once_and_cells_wait(kernel):
    *words, button, slider = printed(kernel, SETUP).split()
    assert " ".join(words) == "[1] True"
    send(kernel, slider, {"method": "update", "state": {"value": 7}})
    send(kernel, button, {"method": "custom", "content": {"event": "click"}})
    shown = printed(kernel, 'print(calls, "seed = 7" in panel.view.value, panel.stop.disabled)')
    assert shown.split("\n")[0] == "[1, 7] True True"


def test_panels_never_change_pictures(pipe):
    direct = generate(pipe, "a cat", seed=2, num_inference_steps=3)[0]
    results = []

    def make(seed=2):
        results.append(generate(pipe, "a cat", seed=seed, num_inference_steps=3)[0])
        return results[-1]

    explore(make, seed=None).button.click()
    assert np.array_equal(results[0].image, direct.image)


def test_a_cell_in_between_makes_the_picture_anew(calls, monkeypatch):
    cells = SimpleNamespace(execution_count=1)
    monkeypatch.setattr("sdkit.panel.panel.cells_run", lambda: cells.execution_count)
    panel = explore(draw, seed=[1, 2])
    for number, made in ((0, 1), (1, 2), (0, 2)):
        panel.controls["seed"].index = number
        panel.button.click()
        assert len(calls) == made
    cells.execution_count = 2  # the cell may have changed what the function uses
    panel.controls["seed"].index = 1
    panel.button.click()
    assert len(calls) == 3


def test_a_pipeline_gets_the_controls_that_can_be_left_as_they_are(pipe):
    panel = explore(pipe)
    assert {"prompt", "num_inference_steps", "guidance_scale"} <= panel.controls.keys()
    assert not {"clip_skip", "height", "width"} & panel.controls.keys()  # None, which no slider can say
    panel.controls["prompt"].value, panel.controls["num_inference_steps"].value = "a cat", 2
    panel.button.click()
    assert panel.view.error.value == "" and "<img" in panel.view.value


def test_a_mask_lies_over_the_picture_that_was_given():
    red = Image.new("RGB", (16, 8), "red")
    panel = explore(lambda image, mask_image: red, image=red, mask_image=None)
    assert panel.controls["mask_image"].value.size == (16, 8)
