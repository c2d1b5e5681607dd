"""Grids without code: what varies is read from text, the grid fills, stops, is pressed, and has code that equals it."""

import ast
import io
import re
import threading
import time
from html import unescape

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid, explore, explore_grid, generate, load_pipeline, sweep
from sdkit.panel.axis_controls import REPLACE, example, names_that_vary, read_values
from sdkit.panel.grid_plan import MAX_PICTURES, GridPlan
from sdkit.panel.grid_view import GridTable
from sdkit.sweeping.job import Job
from tests.adapters import add_lora

TIMEOUT = 60  # seconds for what takes few


@pytest.fixture
def front_end(monkeypatch):
    """Make each press look as if a front end's message caused it."""
    monkeypatch.setattr("sdkit.panel.grid_panel.from_front_end", lambda: True)


@pytest.fixture
def grid(pipe):
    """Return a panel for a small grid: two seeds across, two guidance scales down, two steps."""
    made = explore_grid(pipe, prompt="a cat", num_inference_steps=2)
    made.columns.choose("seed", "0-1")
    made.rows.choose("guidance_scale", "1, 7.5")
    return made


def text_of(html):
    """Return what a person reads in HTML."""
    return unescape(re.sub("<[^>]*>", "", html))


def shown(panel):
    """Return the alternative texts of the pictures in the table, in their places."""
    return [next(iter(re.findall('alt="([^"]*)"', cell.value)), None) for cell in panel.table.pictures]


def until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def pixels(shots):
    return [np.asarray(shot.image) for shot in shots]


# What can vary


def test_every_argument_that_sweep_can_vary_and_a_line_can_hold_is_offered(pipe, img2img):
    names = names_that_vary(pipe)
    assert names[:4] == [REPLACE, "scheduler", "dtype", "model"]
    assert {"prompt", "height", "guidance_scale", "eta", "seed", "timesteps"} < set(names)
    assert not {"num_images_per_prompt", "latents", "output_type", "image", "strength"} & set(names)
    assert "strength" in names_that_vary(img2img) and "height" not in names_that_vary(img2img)


def test_clip_skip_is_offered_only_where_it_works(pipe, monkeypatch):
    monkeypatch.setattr(type(pipe.text_encoder), "text_model", property(lambda encoder: encoder), raising=False)
    assert "clip_skip" in names_that_vary(pipe)
    monkeypatch.delattr(type(pipe.text_encoder), "text_model")
    assert "clip_skip" not in names_that_vary(pipe)


def test_the_strength_of_a_lora_is_offered_where_there_is_one(pipe):
    assert "lora_scale" not in names_that_vary(pipe)
    own = load_pipeline()
    add_lora(own, "zib")
    assert "lora_scale" in names_that_vary(own) and read_values("lora_scale", example(own, "lora_scale", "a cat"))
    grid = explore_grid(own, columns=("lora_scale", "0, 1"), rows=None, prompt="a cat", num_inference_steps=2)
    grid.make.click()
    assert [shot.label for shot in grid.shots] == [{"lora_scale": 0}, {"lora_scale": 1}]
    assert "lora_scale=[0, 1]" in grid._plan.code()
    held = explore_grid(own, lora_scale=0.5, prompt="a cat", num_inference_steps=2)
    assert held.controls["lora_scale"].value == 0.5 and "lora_scale=0.5" in held._plan.code()


def test_every_example_can_be_read(pipe, img2img, inpaint):
    for one in (pipe, img2img, inpaint):
        for name in names_that_vary(one):
            values = read_values(name, example(one, name, "a cat"))
            assert len(values) > 1 or name == "model", name


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("seed", "1-10 [5]", [1, 3, 5, 7, 10]),
        ("guidance_scale", "1-2 (0.5)", [1, 1.5, 2]),
        ("scheduler", "ddim, Euler Ancestral, dpmpp_2m_karras", ["DDIM", "Euler a", "DPM++ 2M Karras"]),
        ("negative_prompt", '"", "red, blue"', ["", "red, blue"]),
        ("timesteps", '"999, 499", "999-499 (-250)"', [[999, 499], [999, 749, 499]]),
        ("seed", "１、３", [1, 3]),  # as a Japanese keyboard writes them
        ("timesteps", "＂９９９，４９９＂", [[999, 499]]),
        ("scheduler", "ＤＤＩＭ、Euler　a", ["DDIM", "Euler a"]),
        ("prompt", "ねこ、いぬ", ["ねこ、いぬ"]),
        (REPLACE, "cat, dog", ["cat", "dog"]),
    ],
)
def test_values_are_read_as_sweep_takes_them(name, text, values):
    assert read_values(name, text) == values


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("seed", "", "seed has no values; write some, such as 0-2"),
        ("seed", "-1", "seed is -1; give a number from 0"),
        ("height", "100", "give a multiple of 8, such as 96 or 104"),
        ("num_inference_steps", "5.5", "5.5 is no whole number"),
        ("guidance_scale", "high", "'high' is not read"),
        ("eta", "0-2", "eta is 2; give a number from 0 to 1"),
        ("scheduler", "DDIM, Eulr", "did you mean 'Euler'?"),
        ("dtype", "float8", "give one of float32"),
        (REPLACE, "cat", "write the text to look for, and others"),
        ("timesteps", '"499, 999"', "largest first"),
    ],
)
def test_values_that_cannot_be_are_told(name, text, said):
    with pytest.raises(ValueError) as error:
        read_values(name, text)
    assert said in str(error.value)


# Before the start


def test_on_a_page_without_a_kernel_the_empty_grid_stands_for_it(pipe):
    panel = explore_grid(pipe, columns=("guidance_scale", "1, 7.5"), rows=("seed", "3, 4, 5"), prompt="a cat")
    shown, told = panel._repr_mimebundle_()
    assert "3 x 2" in told["image/png"]["alt"] and shown["text/plain"] == repr(panel)
    with Image.open(io.BytesIO(shown["image/png"])) as picture:
        assert picture.height > picture.width / 2
    panel.columns.text.value = panel.rows.text.value = "nothing"
    assert "image/png" not in panel._repr_mimebundle_()[0]


def test_only_core_widgets_are_used(grid):
    grid.make.click()
    grid.table.buttons[0].click()
    found, waiting = set(), [grid]
    while waiting:
        widget = waiting.pop()
        found.add(widget._model_module)
        waiting += getattr(widget, "children", ())
    assert found == {"@jupyter-widgets/controls"}


def test_an_example_is_put_in_for_each_axis_that_is_chosen(grid):
    grid.pages.menu.value = "scheduler"
    assert grid.pages.text.value == "DDIM, Euler a, DPM++ 2M Karras"
    assert "3 values: DDIM, Euler a, DPM++ 2M Karras" in text_of(grid.pages.said.value)
    assert text_of(grid.cost.value).startswith("12 pictures")
    grid.pages.menu.value = "(none)"
    assert grid.pages.said.value == "" and text_of(grid.cost.value).startswith("4 pictures")


def test_the_example_for_words_is_one_of_the_prompt(pipe):
    panel = explore_grid(pipe, prompt="a red dog")
    panel.rows.menu.value = REPLACE
    assert panel.rows.text.value == "red, cat, dog"
    assert text_of(panel.rows.said.value) == "'red' in the prompt becomes red, cat, dog"


def test_what_cannot_be_read_is_told_beside_the_field_and_only_there(grid):
    grid.columns.text.value = "1-"
    assert 'role="alert"' in grid.columns.said.value and "'1-' is not read" in text_of(grid.columns.said.value)
    assert grid.cost.value == ""
    grid.make.click()
    assert len(grid.shots) == 0 and "make no grid yet" in grid.progress.value and "alert" not in grid.progress.value
    grid.columns.text.value = "1-2"
    assert "alert" not in grid.columns.said.value and text_of(grid.cost.value).startswith("4 pictures")


def test_values_that_are_written_twice_count_once_and_a_single_one_is_told(grid):
    grid.columns.text.value = "1, 1-2, 2"
    assert text_of(grid.columns.said.value) == "2 values: 1, 2 (2 repeated, made once)"
    grid.columns.text.value = "1"
    assert text_of(grid.columns.said.value) == "one value: 1; nothing to compare"
    grid.columns.choose("prompt", '"a cat, red", a dog')
    assert text_of(grid.columns.said.value) == '2 values: "a cat, red", a dog'


def test_a_long_list_is_cut_between_two_values(grid):
    grid.columns.text.value = "1-100"
    said = text_of(grid.columns.said.value)
    assert said.startswith("100 values: 1, 2, 3, ") and re.search(r" 16, 17, \.\.\., 100$", said) and len(said) < 90
    grid.columns.text.value = "100000000-100000006"
    assert text_of(grid.columns.said.value).endswith("100000004, ..., 100000006")
    grid.columns.choose("prompt", f"{'a cat ' * 20}, a dog")
    assert text_of(grid.columns.said.value).endswith("a cat…, a dog")


def test_axes_that_cannot_go_together_are_told(grid):
    grid.pages.choose("seed", "1, 2")
    assert "seed is chosen for two axes" in text_of(grid.cost.value)
    for axis in (grid.pages, grid.rows, grid.columns):
        axis.menu.value = "(none)"
    assert "nothing is chosen to vary" in text_of(grid.cost.value)
    grid.columns.choose(REPLACE, "dog, cat")
    assert "'dog', which is not in the prompt 'a cat'" in text_of(grid.cost.value)


def test_cells_that_cannot_be_made_are_told_with_the_reason_and_left_out(grid):
    grid.columns.choose("sigmas", '"14.6, 3, 0.5", "14.6, 1"')
    grid.rows.choose("scheduler", "DDIM, Euler")
    told = text_of(grid.cost.value)
    assert told.startswith("2 pictures") and "2 cells are left out: sigmas is given, but DDIMScheduler" in told
    grid.make.click()
    assert [alt is not None for alt in shown(grid)] == [False, False, True, True]
    assert [button.disabled for button in grid.table.buttons] == [True, True, False, False]
    assert "not possible" in grid.table.pictures[0].value and len(grid.shots.skipped) == 2


def test_seconds_are_told_once_a_picture_was_measured_which_stays_in_the_grid(grid):
    assert "measure" in text_of(grid.cost.value)
    grid.measure.click()
    assert re.match(r"4 pictures, 1 there, about [\d.e-]+ s", text_of(grid.cost.value)), grid.cost.value
    (first,) = grid.shots
    grid.columns.text.value = "0-3"
    assert re.match(r"8 pictures, 1 there, about", text_of(grid.cost.value))
    grid.make.click()
    assert len(grid.shots) == 8 and any(shot.image is first.image for shot in grid.shots)


def test_more_pictures_than_a_page_shows_are_left_to_code(grid):
    grid.columns.text.value = "0-199"
    assert f"400 pictures, more than the {MAX_PICTURES}" in text_of(grid.cost.value)
    grid.make.click()
    assert len(grid.shots) == 0
    grid.code.click()
    assert "folder='grid'" in text_of(grid.source.value)


def test_one_side_alone_gets_the_other(grid):
    grid.columns.choose("height", "64, 128")
    assert text_of(grid.cost.value).startswith("4 pictures")
    grid.make.click()
    assert {shot.image.size for shot in grid.shots} == {(128, 64), (128, 128)}


# Making it


def test_the_grid_fills_in_the_order_of_the_axes(grid):
    grid.make.click()
    assert shown(grid) == [f"guidance_scale = {scale}, seed = {seed}" for scale in ("1", "7.5") for seed in (0, 1)]
    assert [button.tooltip for button in grid.table.buttons] == shown(grid)
    title = text_of(grid.table.children[0].value)
    assert title == "columns: seed · rows: guidance_scale"
    heads = [text_of(head.value) for head in grid.table.children[1].children if isinstance(head, widgets.HTML)]
    assert heads == ["", "0", "1", "1", "7.5"]  # the names are not repeated
    assert re.fullmatch(r"4 made in [\d.]+ s", text_of(grid.progress.value))
    assert text_of(grid.cost.value) == "4 pictures, all there"


def test_a_third_axis_makes_pages_whose_values_stand_above_them(grid):
    grid.pages.choose("eta", "0, 0.5")
    grid.make.click()
    title, first, table, second, other = grid.table.children
    assert text_of(title.value) == "columns: seed · rows: guidance_scale"
    assert [text_of(page.value) for page in (first, second)] == ["eta = 0", "eta = 0.5"]
    assert len(table.children) == len(other.children) == 9
    assert shown(grid)[4] == "eta = 0.5, guidance_scale = 1, seed = 0"


def test_the_pictures_are_those_of_sweep(grid, pipe):
    grid.make.click()
    alone = sweep(pipe, "a cat", guidance_scale=[1, 7.5], seed=[0, 1], num_inference_steps=2)
    assert all(map(np.array_equal, pixels(grid.shots), pixels(alone)))
    assert grid.shots.axes == alone.axes and grid.shots[0].label == alone[0].label


def test_swapped_axes_show_the_same_pictures_the_other_way_round(grid):
    grid.make.click()
    before = [shot.image for shot in grid.shots]
    grid.swap.click()
    assert (grid.rows.name, grid.columns.name) == ("seed", "guidance_scale")
    assert grid.rows.text.value == "0-1" and text_of(grid.cost.value) == "4 pictures, all there"
    assert [shot.image for shot in grid.shots] == [before[n] for n in (0, 2, 1, 3)]
    assert shown(grid)[1] == "seed = 0, guidance_scale = 7.5"


def test_only_what_is_missing_is_made_and_all_if_nothing_is(grid, monkeypatch):
    grid.make.click()
    four = grid.shots.images  # kept, so that no other picture gets an id of theirs
    before = {id(image) for image in four}
    grid.columns.text.value = "0-2"
    assert text_of(grid.cost.value).startswith("6 pictures, 4 there")
    grid.make.click()
    six = grid.shots.images
    after = {id(image) for image in six}
    assert len(after) == 6 and before < after
    grid.make.click()
    assert not after & {id(shot.image) for shot in grid.shots}
    monkeypatch.setattr("sdkit.panel.grid_panel.cells_run", lambda: 7)
    grid.columns.text.value = "0-3"  # a cell was run, which may have changed the pipeline
    assert text_of(grid.cost.value).startswith("8 pictures, about")


def test_a_grid_of_other_values_is_told_as_such(grid):
    grid.make.click()
    grid.controls["num_inference_steps"].value = 3
    assert "The grid was made with other values" in text_of(grid.cost.value)
    grid.make.click()
    assert "other values" not in text_of(grid.cost.value) and grid.shots[0].settings["num_inference_steps"] == 3


def test_a_grid_of_other_values_is_pale_also_where_the_present_ones_are_refused(grid):
    def is_pale():
        return "sdkit-stale" in grid.place._dom_classes

    grid.make.click()
    assert not is_pale()
    grid.columns.text.value = "0-"
    assert "is not read" in text_of(grid.columns.said.value) and is_pale()
    grid.columns.text.value = "1, 0"
    assert is_pale()  # in another order
    grid.columns.text.value = "0-1"
    assert not is_pale()
    grid.swap.click()
    assert not is_pale()
    grid.controls["num_inference_steps"].value = 3
    assert is_pale()
    grid.make.click()
    assert not is_pale()


def test_stop_keeps_what_is_there_and_making_goes_on(pipe, front_end):
    panel = explore_grid(pipe, prompt="a cat", num_inference_steps=8)
    panel.columns.choose("seed", "0-7")
    panel.rows.menu.value = "(none)"
    panel.make.click()
    until(lambda: shown(panel)[1] is not None if panel.table else False)
    assert "<progress" in panel.progress.value and not panel.stop.disabled
    assert re.search(r"\d of 8 pictures, step \d+ of 8, about .* left", text_of(panel.progress.value))
    panel.stop.click()
    assert panel.thread.wait(TIMEOUT)
    kept = {id(shot.image) for shot in panel.shots}
    assert 1 <= len(kept) < 8 and panel.stop.disabled and not panel.save.disabled
    assert re.search(rf"stopped after .* {len(kept)} of 8 pictures are there", text_of(panel.progress.value))
    panel.make.click()
    assert panel.thread.wait(TIMEOUT)
    assert len(panel.shots) == 8 and kept < {id(shot.image) for shot in panel.shots}


def test_it_works_in_a_thread_and_what_is_changed_meanwhile_is_planned_afterwards(grid, front_end, monkeypatch):
    begun, go, threads = threading.Event(), threading.Event(), []

    def wait(plan, job, report, *, first_only):
        threads.append(threading.current_thread())
        begun.set()
        assert go.wait(TIMEOUT)

    monkeypatch.setattr(GridPlan, "carry_out", wait)
    grid.make.click()
    assert begun.wait(TIMEOUT)
    grid.columns.text.value = "0-4"
    grid.make.click()  # one grid at a time
    assert grid.cost.value == ""
    go.set()
    assert grid.thread.wait(TIMEOUT)
    assert threads != [threading.main_thread()] and len(threads) == 1
    assert text_of(grid.cost.value).startswith("10 pictures")


def test_an_error_is_told_in_words_once_and_the_panel_stays_usable(grid, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("sdkit.panel.grid_plan.Job.advance", lambda *_: 1 / 0)
        grid.make.click()
    assert 'role="alert"' in grid.progress.value and "division by zero" in grid.progress.value
    assert "alert" not in grid.cost.value and grid.stop.disabled
    grid.make.click()
    assert len(grid.shots) == 4 and "alert" not in grid.progress.value


def test_an_error_on_the_way_keeps_what_is_there(grid, monkeypatch):
    advance = Job.advance

    def fails(job, executor):
        return 1 / 0 if len(job.finished) == 3 else advance(job, executor)

    with monkeypatch.context() as broken:
        broken.setattr("sdkit.panel.grid_plan.Job.advance", fails)
        grid.make.click()
    assert text_of(grid.progress.value).startswith("division by zero. 3 of 4 pictures are there")
    assert [alt is None for alt in shown(grid)].count(True) == 1 and len(grid.shots) == 3
    grid.make.click()
    assert len(grid.shots) == 4


def test_number_formats_are_checked_when_they_are_made_and_stay_known(grid):
    grid.columns.choose("dtype", "float32, bfloat16")
    assert text_of(grid.cost.value) == "4 pictures at most; dtype is checked when the grid is made"
    grid.make.click()
    assert (
        text_of(grid.cost.value) == "4 pictures, all there" and shown(grid)[1] == "guidance_scale = 1, dtype = bfloat16"
    )
    grid.swap.click()
    assert (
        text_of(grid.cost.value) == "4 pictures, all there"
        and shown(grid)[1] == "dtype = float32, guidance_scale = 7.5"
    )
    assert len(grid.shots) == 4


def test_a_model_that_cannot_be_loaded_is_told(grid, tmp_path):
    grid.columns.choose("model", str(tmp_path / "nowhere"))
    grid.make.click()
    assert 'role="alert"' in grid.progress.value and "a Hub id has the form" in grid.progress.value
    assert "are there" not in grid.progress.value and grid.table is None


def test_a_stored_notebook_says_what_is_there(grid):
    assert repr(grid).startswith("Controls for a grid of pictures.") and len(repr(grid)) < 110


def test_an_interrupt_of_the_cell_goes_on_to_the_cell(grid, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sdkit.panel.grid_plan.Job.advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grid.make.click()
    assert "stopped" in grid.progress.value and grid.stop.disabled


def test_what_has_no_effect_is_said(grid):
    grid.controls["negative_prompt"].value = "red"
    with pytest.warns(UserWarning, match="negative_prompt"):
        generate(grid.pipe, "a cat", negative_prompt="red", guidance_scale=1, num_inference_steps=1)
    grid.make.click()
    assert "negative_prompt has no effect" in grid.notes.value


# Pressing a picture


def test_a_picture_that_is_pressed_is_shown_large_and_its_values_are_loaded(grid, pipe):
    grid.make.click()
    grid.table.buttons[2].click()
    assert 'alt="guidance_scale = 7.5, seed = 0"' in grid.detail.picture.value and grid.detail.layout.display is None
    assert "outline" in grid.table.pictures[2].value and "num_inference_steps = 2" in text_of(grid.detail.facts.value)
    grid.table.buttons[1].click()
    assert "outline" not in grid.table.pictures[2].value
    grid.detail.load.click()
    assert (grid.controls["guidance_scale"].value, grid.controls["seed"].value) == (1, 1)
    assert text_of(grid.detail.said.value) == "Loaded here: guidance_scale = 1, seed = 1."
    assert text_of(grid.cost.value) == "4 pictures, all there"  # what varies is not held
    grid.detail.close_it.click()
    assert grid.detail.layout.display == "none" and "outline" not in grid.table.pictures[1].value


def test_values_are_loaded_into_another_panel_too(pipe):
    def make(prompt="a house", seed=0, guidance_scale=5.0, scheduler="DDIM"):
        return Image.new("RGB", (8, 8))

    panel = explore(make, prompt=None, seed=(0, 9), guidance_scale=(1.0, 10.0), scheduler=["DDIM", "PNDM"])
    grid = explore_grid(pipe, panel=panel, prompt="a cat", num_inference_steps=1)
    grid.columns.choose("scheduler", "PNDM, Euler a")
    grid.rows.choose(REPLACE, "cat, dog")
    grid.make.click()
    grid.table.buttons[2].click()
    grid.detail.load.click()
    values = {name: control.value for name, control in panel.controls.items()}
    assert values == {"prompt": "a dog", "seed": 0, "guidance_scale": 7.5, "scheduler": "PNDM"}
    assert grid.controls["prompt"].value == "a dog"
    told = text_of(grid.detail.said.value)
    assert "No control here takes scheduler." in told
    assert "No control in the other panel takes num_inference_steps." in told
    grid.table.buttons[1].click()
    grid.detail.load.click()
    assert panel.controls["scheduler"].value == "PNDM"  # it has no such choice
    assert "No control in the other panel takes num_inference_steps, scheduler." in text_of(grid.detail.said.value)


def test_a_value_beyond_a_slider_is_not_said_to_be_loaded(pipe):
    panel = explore(lambda seed: None, seed=(0, 9))
    grid = explore_grid(pipe, panel=panel, prompt="a cat", num_inference_steps=1, guidance_scale=1)
    grid.columns.choose("seed", "5, 20")
    grid.rows.menu.value = "(none)"
    grid.make.click()
    grid.table.buttons[1].click()
    grid.detail.load.click()
    told = text_of(grid.detail.said.value)
    assert "Nothing was loaded in the other panel." in told and "seed." in told
    grid.table.buttons[0].click()
    grid.detail.load.click()
    assert panel.controls["seed"].value == 5 and "Loaded in the other panel: seed = 5." in grid.detail.said.value


# Taking it along


@pytest.mark.parametrize(
    "axes",
    [
        {"columns": ("seed", "0-1"), "rows": ("guidance_scale", "1, 7.5")},
        {"columns": ("guidance_scale", "1, 7.5"), "rows": ("seed", "0-1")},
        {"columns": ("eta", "0-1 [2]")},
        {"columns": (REPLACE, "cat, dog"), "rows": ("scheduler", "DDIM, Euler a"), "pages": ("seed", "3, 5")},
        {"columns": ("prompt", '"a cat, red", a dog'), "rows": ("negative_prompt", '"", blue')},
        {"columns": ("sigmas", '"14.6, 1", "14.6, 3, 1"'), "rows": ("scheduler", "DDIM, Euler")},
        {"columns": ("width", "64, 128"), "rows": ("dtype", "float32, bfloat16")},
    ],
    ids=lambda axes: " x ".join(name for name, _ in axes.values()),
)
def test_the_code_runs_and_makes_the_same_grid(pipe, axes):
    panel = explore_grid(pipe, prompt="a cat", num_inference_steps=2, guidance_scale=3)
    for role in ("columns", "rows", "pages"):
        getattr(panel, role).choose(*axes.get(role, (None, "")))
    panel.make.click()
    panel.code.click()
    names = {"pipe": pipe}
    exec(text_of(panel.source.value), names)
    made = names["shots"]
    assert made.axes == panel.shots.axes and list(made.axes) == list(panel.shots.axes)
    assert [shot.label for shot in made] == [shot.label for shot in panel.shots] and len(made) > 1
    assert all(map(np.array_equal, pixels(made), pixels(panel.shots)))
    assert [cell.label for cell in made.skipped] == [cell.label for cell in panel.shots.skipped]
    draw_grid(made)


def test_the_code_says_no_more_than_it_must(grid):
    grid.code.click()
    (call,) = [node for node in ast.walk(ast.parse(text_of(grid.source.value))) if isinstance(node, ast.Call)][:1]
    assert call.func.id == "sweep" and call.args[1].value == "a cat"
    code = text_of(grid.source.value)
    assert "negative_prompt" not in code and ".by(" not in code and "num_inference_steps=2" in code
    grid.code.click()
    assert grid.source.value == ""


def test_code_of_the_grid_that_is_there_and_of_the_values_that_are_chosen(grid):
    grid.make.click()
    grid.columns.text.value = "8-9"
    grid.code.click()
    code = text_of(grid.source.value)
    assert code.index("# made this grid") < code.index("seed=[0, 1]") < code.index("# makes the grid of the values")
    assert "seed=[8, 9]" in code


def test_the_page_is_behind_a_link_and_nothing_is_written(grid, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid.save.click()
    assert grid.save.disabled and grid.link.value == ""
    grid.make.click()
    grid.save.click()
    assert 'download="grid.html" href="data:text/html;base64,' in grid.link.value and not list(tmp_path.iterdir())
    monkeypatch.setattr("sdkit.panel.grid_panel.MAX_PAGE_BYTES", 1000)
    grid.save.click()
    assert "href" not in grid.link.value and "panel.shots.save_page" in text_of(grid.link.value)


def test_other_arguments_have_a_control_if_asked_for_and_are_held(pipe):
    panel = explore_grid(pipe, prompt="a dog", eta=None, scheduler="PNDM", guidance_scale=(1.0, 9.0))
    assert list(panel.controls)[:5] == ["prompt", "negative_prompt", "seed", "num_inference_steps", "guidance_scale"]
    assert panel.controls["scheduler"].value == "PNDM" and panel.controls["guidance_scale"].max == 9
    with pytest.raises(TypeError, match="takes no argument 'strengh'"):
        explore_grid(pipe, strengh=1)


def test_image_to_image_holds_its_picture(img2img):
    start = Image.new("RGB", (128, 128), "red")
    panel = explore_grid(img2img, image=start, prompt="a cat", num_inference_steps=4)
    panel.columns.choose("strength", "0.5-1 [2]")
    panel.rows.menu.value = "(none)"
    panel.make.click()
    assert [shot.settings["strength"] for shot in panel.shots] == [0.5, 1]
    assert np.array_equal(panel.shots[0].settings["image"], start)
    panel.code.click()
    assert "image=image" in text_of(panel.source.value)


def test_panels_of_hundreds_of_places_are_made_in_a_moment():
    began = time.thread_time()
    table = GridTable({"guidance_scale": list(range(10)), "seed": list(range(20))}, {}, lambda _: None)
    assert time.thread_time() - began < 3 and len(table.buttons) == 200


def test_axes_can_be_given_to_begin_with(pipe):
    panel = explore_grid(pipe, columns=("guidance_scale", "1, 20"), rows=None, pages=("seed", "3-4"))
    assert (panel.columns.name, panel.columns.text.value, panel.rows.name) == ("guidance_scale", "1, 20", None)
    assert (panel.pages.name, panel.pages.text.value) == ("seed", "3-4")
    with pytest.raises(ValueError, match=r"columns is \('steps', '1'\); give \(name, values as a text\)"):
        explore_grid(pipe, columns=("steps", "1"))
    for axis in (("seed", [1, 2]), "seed", 3, (1, "2"), ("seed",)):
        with pytest.raises(
            ValueError, match=r'columns is .*; give \(name, values as a text\) such as \("seed", "1, 2"\)'
        ):
            explore_grid(pipe, columns=axis)
    with pytest.raises(TypeError, match="prompt is 3; give a text"):
        explore_grid(pipe, prompt=3)


def test_what_was_said_of_the_grid_before_is_taken_away(grid):
    grid.columns.text.value = "1-"
    grid.make.click()
    assert "nothing was made" in grid.progress.value
    grid.columns.text.value = "0-1"
    assert grid.progress.value == ""


def test_something_else_than_a_pipeline_is_refused():
    with pytest.raises(TypeError, match="pipe is 3; give a Stable Diffusion pipeline"):
        explore_grid(3)
