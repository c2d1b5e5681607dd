"""Sweeps: one to three things varied, everything else held; planned, made in batches, resumed."""

import errno
import math
import re
import sys
import warnings
from functools import wraps

import numpy as np
import pytest
from PIL import Image

from sdkit import NoEffectWarning, draw_grid, generate, load_pipeline, plan_sweep, sweep
from sdkit.files import write_whole
from sdkit.sweeping.batches import make as make_batch
from sdkit.sweeping.sweep import BATCH_SIZE, MAX_SINGLE_PICTURES, SweepError

FAST = {"num_inference_steps": 3}
ONE = {"num_inference_steps": 1}


def bits(shot):
    return np.asarray(shot.image).tobytes()


@pytest.fixture
def batches(pipe, monkeypatch):
    """Note the pictures of each call of the UNet, by its class: a hook would be part of the pipeline's state."""
    kind, sizes = type(pipe.unet), []
    forward = kind.forward

    @wraps(forward)
    def noted(self, sample, *args, **kwargs):
        sizes.append(sample.shape[0])
        return forward(self, sample, *args, **kwargs)

    monkeypatch.setattr(kind, "forward", noted)
    return sizes


def test_one_axis_varies_only_that_argument(pipe):
    shots = sweep(pipe, "a cat", guidance_scale=[1.0, 4.0], seed=7, **FAST)
    assert shots.axes == {"guidance_scale": [1.0, 4.0]}
    assert [shot.label for shot in shots] == [{"guidance_scale": 1.0}, {"guidance_scale": 4.0}]
    first, second = (dict(shot.settings) for shot in shots)
    assert first.pop("guidance_scale") == 1.0 and second.pop("guidance_scale") == 4.0
    assert first == second
    assert bits(shots[1]) == bits(generate(pipe, "a cat", guidance_scale=4.0, seed=7, **FAST)[0])


def test_two_axes_are_rows_then_columns(pipe):
    shots = sweep(pipe, ["a cat", "a dog"], seed=[1, 2, 3], **FAST)
    assert list(shots.axes) == ["prompt", "seed"]
    assert [(s.settings["prompt"], s.settings["seed"]) for s in shots] == [
        ("a cat", 1),
        ("a cat", 2),
        ("a cat", 3),
        ("a dog", 1),
        ("a dog", 2),
        ("a dog", 3),
    ]


def test_seed_is_the_columns_whatever_the_rows(pipe):
    shots = sweep(pipe, "a cat", seed=[1, 2], guidance_scale=[1.0, 4.0], **FAST)
    assert list(shots.axes) == ["guidance_scale", "seed"]


def test_a_range_is_a_list(pipe):
    assert [s.settings["seed"] for s in sweep(pipe, "a cat", seed=range(2), **FAST)] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ValueError, "no argument is a list of values; give one to 3"),
        ({"seed": [1, 2], "guidance_scale": [1, 2], "eta": [0, 1], "clip_skip": [0]}, ValueError, "4 arguments are"),
        ({"seed": []}, ValueError, "seed is an empty list"),
        ({"guidance_scale": [1, -3]}, ValueError, "guidance_scale is -3"),
        ({"guidance": [1, 3]}, TypeError, "did you mean guidance_scale"),
        ({"seed": [1, 2], "num_images_per_prompt": 2}, ValueError, "one picture"),
        ({"num_images_per_prompt": [1, 2]}, ValueError, "one picture"),
        ({"seed": [1, 2], "batch_size": 0}, ValueError, "batch_size is 0"),
        ({"seed": [1, 2], "batch_size": True}, ValueError, "batch_size is True"),
        ({"seed": [1, 2], "max_seconds": None}, ValueError, "max_seconds is None; give a number of seconds"),
        ({"seed": [1, 2], "max_seconds": -1}, ValueError, "max_seconds is -1"),
        ({"seed": [1, 2], "folder": 5}, TypeError, "folder is 5; give a path"),
        ({"seed": [1, 2], "scheduler": "Eule"}, ValueError, "did you mean 'Euler'"),
        ({"seed": [1, 2], "output_type": "np", "folder": "unused"}, ValueError, "a folder keeps pictures as PNG"),
    ],
)
def test_refused_before_the_first_picture(pipe, arguments, error, words):
    calls = []
    handle = pipe.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        with pytest.raises(error, match=words):
            sweep(pipe, "a cat", **arguments)
    finally:
        handle.remove()
    assert not calls


def test_three_axes_and_a_scheduler_by_name(pipe):
    before = pipe.scheduler
    shots = sweep(pipe, "a cat", scheduler=["DDIM", "PNDM"], guidance_scale=[1.0, 5.0], seed=[1, 2], **FAST)
    assert list(shots.axes) == ["scheduler", "guidance_scale", "seed"] and len(shots) == 8
    assert [shot.origin.scheduler for shot in shots] == ["DDIMScheduler"] * 4 + ["PNDMScheduler"] * 4
    assert pipe.scheduler is before
    shot = shots.at(scheduler="DDIM", guidance_scale=5.0, seed=2)
    assert bits(shot) == bits(generate(pipe, "a cat", guidance_scale=5.0, seed=2, **FAST)[0])
    assert bits(shot) != bits(shots.at(scheduler="PNDM", guidance_scale=5.0, seed=2))


def test_words_of_the_prompt_are_replaced(pipe):
    shots = sweep(pipe, "a cat on a blue background", replace={"cat": ["cat", "dog"]}, seed=3, **ONE)
    assert [shot.label for shot in shots] == [{"cat": "cat"}, {"cat": "dog"}]
    assert bits(shots[1]) == bits(generate(pipe, "a dog on a blue background", seed=3, **ONE)[0])


def test_dtype_and_model_are_axes(pipe):
    shots = sweep(pipe, "a cat", dtype=["float32", "bfloat16"], seed=3, **FAST)
    assert [shot.origin.dtype for shot in shots] == ["torch.float32", "torch.bfloat16"]
    off = abs(np.asarray(shots[0].image, int) - np.asarray(shots[1].image, int))
    assert 0 < off.mean() < 10
    (shot,) = sweep(pipe, "a cat", model=["built-in"], seed=3, **FAST)
    assert bits(shot) == bits(shots[0])


def test_what_has_no_effect_is_said_once_for_each_cell(pipe):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        sweep(pipe, "a cat", negative_prompt=["red", "blue"], guidance_scale=[1, 3], **ONE)
    assert [one.category for one in heard] == [NoEffectWarning] * 2


def test_up_to_sixteen_pictures_equal_single_calls_to_the_bit_and_more_share_calls(pipe, batches):
    few = sweep(pipe, "a cat", seed=range(MAX_SINGLE_PICTURES), guidance_scale=1.0, **ONE)
    assert batches == [1] * MAX_SINGLE_PICTURES
    batches.clear()
    many = sweep(pipe, "a cat", seed=range(MAX_SINGLE_PICTURES + 1), guidance_scale=1.0, **ONE)
    assert batches == [1, BATCH_SIZE, BATCH_SIZE]  # the first alone, to be measured
    off = [abs(np.asarray(a.image, int) - np.asarray(b.image, int)) for a, b in zip(few, many)]
    assert max(one.max() for one in off) <= 2 and np.mean([(one > 0).mean() for one in off]) <= 0.002
    assert [shot.settings for shot in few] == [shot.settings for shot in many][:MAX_SINGLE_PICTURES]


def test_batches_are_halved_when_memory_runs_out(pipe):
    sizes = []

    def run_out(_, inputs):
        sizes.append(inputs[0].shape[0])
        if inputs[0].shape[0] > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    handle = pipe.unet.register_forward_pre_hook(run_out)
    try:
        shots = sweep(pipe, "a cat", seed=range(8), batch_size=8, guidance_scale=1.0, **ONE)
    finally:
        handle.remove()
    assert [shot.label["seed"] for shot in shots] == list(range(8))
    assert sizes == [1, 7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_memory_that_ends_at_one_picture_stops_the_sweep_with_those_finished(pipe):
    calls = []

    def run_out(*_):
        calls.append(1)
        if len(calls) > 2:
            raise MemoryError("no more")

    handle = pipe.unet.register_forward_pre_hook(run_out)
    try:
        with pytest.raises(SweepError, match="the sweep stopped: no more; 2 of 4 pictures are finished") as caught:
            sweep(pipe, "a cat", seed=range(4), **ONE)
    finally:
        handle.remove()
    assert [shot.label["seed"] for shot in caught.value.shots] == [0, 1]
    assert isinstance(caught.value.__cause__, MemoryError)


def test_what_fails_before_the_first_picture_is_raised_as_it_is(pipe):
    def fail(*_):
        raise RuntimeError("broken")

    handle = pipe.unet.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="^broken$"):
            sweep(pipe, "a cat", seed=[1, 2], **ONE)
    finally:
        handle.remove()


def test_a_folder_makes_only_what_is_missing(pipe, tmp_path, batches):
    call = {"guidance_scale": 1.0, "folder": tmp_path, **ONE}
    first = sweep(pipe, "a cat", seed=[1, 2], **call)
    assert len(batches) == 2
    again = sweep(pipe, "a cat", seed=[1, 2], **call)
    assert len(batches) == 2
    assert [bits(shot) for shot in again] == [bits(shot) for shot in first]
    assert [(a.settings, a.origin, a.label) for a in again] == [(b.settings, b.origin, b.label) for b in first]
    larger = sweep(pipe, ["a dog", "a cat"], seed=[1, 2, 3], **call)
    assert len(batches) == 6
    assert [bits(shot) for shot in larger[3:5]] == [bits(shot) for shot in first]
    assert len(list(tmp_path.iterdir())) == 6


def test_damaged_pictures_are_made_again_and_foreign_files_left_alone(pipe, tmp_path, batches):
    call = {"seed": [1, 2, 3], "guidance_scale": 1.0, "folder": tmp_path, **ONE}
    first = sweep(pipe, "a cat", **call)
    one, two, _ = sorted(tmp_path.iterdir())
    one.write_bytes(one.read_bytes()[:500])
    data = bytearray(two.read_bytes())
    data[-3000] ^= 1
    two.write_bytes(data)
    foreign = {"notes.txt": b"mine", "holiday.png": b"no picture"}
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    batches.clear()
    with pytest.warns(UserWarning, match="damaged and will be made again"):
        again = sweep(pipe, "a cat", **call)
    assert len(batches) == 2
    assert [bits(shot) for shot in again] == [bits(shot) for shot in first]
    assert {name: (tmp_path / name).read_bytes() for name in foreign} == foreign
    assert len(list(tmp_path.iterdir())) == 5


def test_what_another_process_made_meanwhile_is_taken(pipe, tmp_path, monkeypatch):
    call = {"seed": [1, 2, 3], "guidance_scale": 1.0, "folder": tmp_path, **ONE}
    others, made = [], []

    def make(pipeline, cells, texts):
        made.extend(cells)
        if len(made) == 1:
            others.extend(sweep(load_pipeline(), "a cat", **{**call, "seed": [2, 3]}))
        return make_batch(pipeline, cells, texts)

    monkeypatch.setattr("sdkit.sweeping.executor.make", make)
    shots = sweep(pipe, "a cat", **call)
    assert [cell.label["seed"] for cell in made] == [1, 2, 3]  # here 1, by the other one 2 and 3
    assert [bits(shot) for shot in shots[1:]] == [bits(shot) for shot in others]


def test_a_full_disk_stops_the_sweep_with_every_finished_picture(pipe, tmp_path, monkeypatch):
    whole, saved = Image.Image.save, []

    def full(self, path, **options):
        saved.append(path)
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(self, path, **options)

    call = {"seed": range(5), "folder": tmp_path, **ONE}
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        with pytest.raises(SweepError, match="the disk is full.*; 3 of 5 pictures are finished") as caught:
            sweep(pipe, "a cat", **call)
    assert len(caught.value.shots) == 3 and len(list(tmp_path.iterdir())) == 2
    assert [bits(shot) for shot in sweep(pipe, "a cat", **call)[:3]] == [bits(one) for one in caught.value.shots]


def test_an_interrupt_keeps_what_is_finished(pipe):
    calls = []

    def interrupt(*_):
        calls.append(1)
        if len(calls) > 3:
            raise KeyboardInterrupt

    handle = pipe.unet.register_forward_pre_hook(interrupt)
    try:
        with pytest.warns(UserWarning, match="interrupted: 3 of 4 pictures are finished"):
            shots = sweep(pipe, "a cat", guidance_scale=[1.0, 3.0], seed=[1, 2], **ONE)
        with pytest.raises(KeyboardInterrupt):  # nothing was finished
            sweep(pipe, "a cat", seed=[1, 2], **ONE)
    finally:
        handle.remove()
    assert len(shots) == 3 and list(shots.axes) == ["guidance_scale", "seed"]
    assert repr(draw_grid(shots)).startswith("<Grid of 2 x 2, 3 pictures")


def test_an_interrupt_while_a_batch_is_written_counts_what_is_on_the_disk(pipe, tmp_path, monkeypatch):
    written = []

    def write(path, data):
        written.append(path)
        if len(written) == 4:
            raise KeyboardInterrupt
        return write_whole(path, data)

    monkeypatch.setattr("sdkit.sweeping.store.write_whole", write)
    words = "interrupted: 9 of 20 pictures are finished, 6 of them not written, and the same call goes on with those in"
    with pytest.warns(UserWarning, match=words):
        shots = sweep(pipe, "a cat", seed=range(20), folder=tmp_path, **ONE)
    assert (len(shots), len(list(tmp_path.iterdir()))) == (9, 3)


def test_settings_that_mean_the_same_are_found_again(pipe, tmp_path, batches):
    call = {"folder": tmp_path, **ONE}
    first = sweep(pipe, "a cat", guidance_scale=[2, 5], **call)
    again = sweep(pipe, "a cat", guidance_scale=[2.0, 5.0], negative_prompt="", num_images_per_prompt=1, **call)
    assert len(batches) == 2 and [bits(shot) for shot in again] == [bits(shot) for shot in first]
    assert [shot.label for shot in again] == [{"guidance_scale": 2.0}, {"guidance_scale": 5.0}]
    sweep(pipe, "a cat", guidance_scale=[2.5], negative_prompt="", **call)
    sweep(pipe, "a cat", guidance_scale=[2], negative_prompt="dog", **call)
    assert len(batches) == 4


def test_impossible_cells_can_be_skipped(pipe, img2img, tmp_path):
    call = {"image": Image.new("RGB", (64, 64)), "num_inference_steps": 10, "seed": [1, 2], "scheduler": "DDIM"}
    with pytest.raises(ValueError, match="leaves none to run"):
        sweep(img2img, "a cat", strength=[0.05, 0.1], **call)
    shots = sweep(img2img, "a cat", strength=[0.05, 0.1], impossible="skip", **call)
    assert [shot.label for shot in shots] == [{"strength": 0.1, "seed": seed} for seed in (1, 2)]
    assert [cell.label for cell in shots.skipped] == [{"strength": 0.05, "seed": seed} for seed in (1, 2)]
    assert all("leaves none to run" in cell.reason for cell in shots.skipped)
    assert repr(draw_grid(shots)).startswith("<Grid of 2 x 2, 2 pictures")
    assert plan_sweep(img2img, "a cat", strength=[0.05, 0.1], impossible="skip", **call).pictures == 2
    with pytest.raises(ValueError, match="leaves none to run"):  # nothing is left
        sweep(img2img, "a cat", strength=[0.04, 0.05], impossible="skip", **call)
    with pytest.raises(ValueError, match='impossible is \'leave\'; give "raise" or "skip"'):
        sweep(img2img, "a cat", strength=[0.1], impossible="leave", **call)


def test_a_scheduler_that_does_not_fit_can_be_skipped(pipe):
    call = {"scheduler": ["DDIM", "FlowMatchEulerDiscreteScheduler"], "guidance_scale": 1.0, **ONE}
    shots = sweep(pipe, "a cat", impossible="skip", **call)
    assert len(shots) == 1 and shots.skipped[0].label == {"scheduler": "FlowMatchEulerDiscreteScheduler"}


def test_consent_is_asked_after_one_picture_and_never_again(pipe, tmp_path, batches):
    call = {"seed": range(3), "guidance_scale": 1.0, "folder": tmp_path, **ONE}
    with pytest.raises(ValueError, match=r"more for 2 of 3 pictures, and max_seconds is 0\. Give max_seconds="):
        sweep(pipe, "a cat", max_seconds=0, **call)
    assert len(batches) == 1
    with pytest.raises(ValueError, match="2 of 3 pictures"):  # now from the folder, before anything is made
        sweep(pipe, "a cat", max_seconds=0, **call)
    assert len(batches) == 1
    assert len(sweep(pipe, "a cat", max_seconds=math.inf, **call)) == 3
    assert len(sweep(pipe, "a cat", max_seconds=0, **call)) == 3  # nothing is left to agree to


def test_a_plan_says_what_a_sweep_costs(pipe, tmp_path, batches):
    call = {"seed": range(3), "guidance_scale": 1.0, "folder": tmp_path, **ONE}
    plan = plan_sweep(pipe, "a cat", **call)
    assert (plan.pictures, plan.there, len(batches)) == (3, 0, 1) and plan.seconds > 0
    again = plan_sweep(pipe, "a cat", **call)
    assert (again.there, len(batches)) == (1, 1) and again.seconds == pytest.approx(plan.seconds)
    sweep(pipe, "a cat", **call)
    done = plan_sweep(pipe, "a cat", **call)
    assert (done.there, done.seconds, len(batches)) == (3, 0, 3)


def test_a_short_sweep_writes_nothing_on_stderr(pipe, capfd):
    sweep(pipe, "a cat", seed=[1, 2], **ONE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("package", ["distributed", "cryptography"])
def test_without_what_workers_need_it_is_said_what_to_install(pipe, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=re.escape('pip install -c constraints.txt -e ".[cluster]"')):
        sweep(pipe, "a cat", seed=[1], workers=2)


def test_numpys_numbers_are_numbers(pipe):
    call = {"guidance_scale": np.arange(1.1, 1.4, 0.1), "num_inference_steps": [np.uint8(1)]}
    shots = sweep(pipe, "a cat", batch_size=np.int64(2), **call)
    assert shots.at(guidance_scale=1.3).label["num_inference_steps"] == 1
