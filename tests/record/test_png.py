"""Settings in the PNG: complete, read back, and enough to make the picture again."""

import inspect
import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
)
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdkit import generate, generator, model_path, read_settings, rebuild, save_picture
from sdkit.record.png import decode, encode

FAST = {"num_inference_steps": 4}


@pytest.fixture
def saved(pipe, tmp_path):
    shot = generate(pipe, "a cat, いぬ", negative_prompt='red: "x", y', seed=11, **FAST)[0]
    return shot, save_picture(shot, tmp_path / "deep" / "cat.png")


def test_settings_come_back(saved):
    shot, path = saved
    record = read_settings(path)
    assert record["settings"] == shot.settings
    assert record["origin"] == shot.origin.to_dict()


def test_the_record_is_complete(saved, pipe):
    shot, path = saved
    record = json.loads(Image.open(path).info["sdkit"])
    arguments = set(inspect.signature(type(pipe).__call__).parameters) - {"self", "kwargs"}
    assert arguments - {"generator", "return_dict"} < set(record["settings"])
    assert record["settings"]["seed"] == 11 and record["seconds"] > 0
    origin = record["origin"]
    assert set(origin["model"]) == {"name", "revision", "fingerprint"}
    assert origin["scheduler"]["class"] == "PNDMScheduler"
    assert origin["scheduler"]["config"]["timestep_spacing"] == "leading"
    assert (origin["device"], origin["dtype"]) == ("cpu", "torch.float32")
    assert origin["attention"] == ["AttnProcessor2_0"]
    assert origin["versions"]["torch"] == version("torch") and origin["versions"]["numpy"] == np.__version__
    assert origin["machine"]["threads"] == torch.get_num_threads()


def test_the_record_tells_nothing_of_the_user(saved):
    text = Path(saved[1]).read_bytes().decode("latin-1")
    assert str(Path.home()) not in text and str(model_path().parent) not in text and platform.node() not in text


def test_pixels_are_kept(saved):
    shot, path = saved
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(shot.image))


def test_other_tools_can_read_the_parameters(saved):
    text = Image.open(saved[1]).info["parameters"].split("\n")
    assert text[0] == "a cat, いぬ"
    assert text[1] == 'Negative prompt: red: "x", y'
    assert text[2].startswith("Steps: 4, Sampler: PLMS, CFG scale: 7.5, Seed: 11, Size: 64x64, ")


def test_rebuilt_in_a_new_process(saved):
    code = f"from sdkit import rebuild; r = rebuild({str(saved[1])!r}); print(r.max_difference, r.mean_difference)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    largest, mean = out.split()
    assert int(largest) <= 3 and float(mean) < 0.05


def test_rebuilt_with_another_scheduler_than_the_pipeline_has_now(pipe, tmp_path):
    before = pipe.scheduler
    pipe.scheduler = DDIMScheduler.from_config(before.config, clip_sample=False)
    try:
        path = save_picture(generate(pipe, "a dog", seed=2, eta=0.7, **FAST)[0], tmp_path / "dog.png")
    finally:
        pipe.scheduler = before
    assert rebuild(path, pipe).max_difference == 0
    assert pipe.scheduler is before


def test_tensors_pictures_and_generator_states_are_kept(pipe, img2img, tmp_path):
    latents = torch.randn((1, 4, 16, 16), generator=generator(4))
    path = save_picture(generate(pipe, "a dog", latents=latents, **FAST)[0], tmp_path / "latents.png")
    assert rebuild(path, pipe).max_difference == 0

    used = generator(5)
    torch.randn(9, generator=used)
    path = save_picture(generate(pipe, "a dog", generator=used, **FAST)[0], tmp_path / "used.png")
    assert rebuild(path, pipe).max_difference == 0

    start = Image.new("RGB", (64, 64), (200, 30, 30))
    path = save_picture(generate(img2img, "a dog", image=start, strength=0.6, **FAST)[0], tmp_path / "start.png")
    assert rebuild(path, pipe).max_difference == 0


def near(rebuilt):
    """Say whether a picture of a batch, made alone, is the same up to the order of floats."""
    return rebuilt.max_difference <= 2


@pytest.fixture
def scheduler(pipe, request):
    """Give the pipeline a scheduler class over its own settings, and put the old one back."""
    before = pipe.scheduler
    pipe.scheduler = request.param.from_config(before.config)
    yield pipe.scheduler
    pipe.scheduler = before


@pytest.mark.parametrize("same", [True, False])
def test_pictures_that_shared_a_generator_are_made_again_alone(pipe, tmp_path, same):
    one = generator(4)
    shots = generate(pipe, ["a dog", "a cat"], generator=one if same else [one, one], **FAST)
    assert [near(rebuild(save_picture(shot, tmp_path / "shared.png"), pipe)) for shot in shots] == [True, True]


@pytest.mark.parametrize("scheduler", [EulerAncestralDiscreteScheduler], indirect=True)
def test_a_shared_generator_that_draws_on_cannot_be_kept(pipe, scheduler, tmp_path):
    path = save_picture(generate(pipe, ["a dog", "a cat"], generator=generator(4), **FAST)[1], tmp_path / "drawn.png")
    with pytest.raises(ValueError, match="was made with generator, which a file cannot keep"):
        rebuild(path, pipe)
    path = save_picture(generate(pipe, ["a dog", "a cat"], seed=4, **FAST)[1], tmp_path / "own.png")
    assert near(rebuild(path, pipe))


def test_inpainted_pictures_of_a_batch_are_made_again_alone(pipe, inpaint, tmp_path):
    start, mask = Image.new("RGB", (64, 64), (200, 30, 30)), Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    call = {"image": start, "mask_image": mask, "strength": 0.8, **FAST}
    for shot in generate(inpaint, "a dog", num_images_per_prompt=2, seed=3, **call):
        assert shot.settings["image"] == start and shot.settings["image"] is not start
        assert near(rebuild(save_picture(shot, tmp_path / "inpaint.png"), pipe))


def test_each_picture_keeps_its_own_start(pipe, img2img, tmp_path):
    red, blue = (np.full((64, 64, 3), colour, dtype=np.float32) for colour in ((1, 0, 0), (0, 0, 1)))
    shots = generate(img2img, ["a dog", "a cat"], image=[red, blue], strength=0.6, **FAST)
    for shot, own in zip(shots, (red, blue)):
        assert np.array_equal(shot.settings["image"], own) and shot.settings["image"] is not own
        assert near(rebuild(save_picture(shot, tmp_path / "start.png"), pipe))


def test_a_generator_of_another_device_is_recorded(pipe, saved):
    shot, path = saved
    text = PngInfo()
    record = json.loads(Image.open(path).info["sdkit"])
    record["settings"]["generator_device"] = "cuda"
    text.add_text("sdkit", json.dumps(record))
    shot.image.save(path, pnginfo=text)
    if torch.cuda.is_available():
        assert rebuild(path, pipe).max_difference > 0
    else:
        with pytest.raises(ValueError, match="drawn by a generator on 'cuda'"):
            rebuild(path, pipe)


def test_what_differs_from_the_recorded_machine_is_said(pipe, saved):
    shot, path = saved
    record = json.loads(Image.open(path).info["sdkit"])
    record["origin"]["dtype"], record["origin"]["versions"]["torch"] = "torch.float16", "1.0"
    text = PngInfo()
    text.add_text("sdkit", json.dumps(record))
    shot.image.save(path, pnginfo=text)
    rebuilt = rebuild(path, pipe)
    assert rebuilt.machine == {"dtype": ("torch.float16", "torch.float32")}
    assert rebuilt.versions == {"torch": ("1.0", version("torch"))}
    assert "libraries torch 1.0 -> " in repr(rebuilt) and "dtype torch.float16 -> torch.float32" in repr(rebuilt)


def test_a_changed_picture_shows_in_the_difference(pipe, saved):
    _, path = saved
    image = Image.open(path)
    info = image.info
    image.paste((255, 0, 0), (0, 0, 16, 16))
    text = PngInfo()
    text.add_text("sdkit", info["sdkit"])
    image.save(path, pnginfo=text)
    assert rebuild(path, pipe).max_difference > 3


def test_other_weights_are_refused(pipe, saved):
    _, path = saved
    record = json.loads(Image.open(path).info["sdkit"])
    record["origin"]["model"]["fingerprint"] = "0" * 16
    text = PngInfo()
    text.add_text("sdkit", json.dumps(record))
    Image.open(path).save(path, pnginfo=text)
    with pytest.raises(ValueError, match="weights differ"):
        rebuild(path, pipe)


def test_a_callback_cannot_be_kept_and_rebuild_says_so(pipe, tmp_path):
    shot = generate(pipe, "a dog", callback_on_step_end=lambda p, i, t, tensors: tensors, **FAST)[0]
    path = save_picture(shot, tmp_path / "callback.png")
    with pytest.raises(ValueError, match="callback_on_step_end"):
        rebuild(path, pipe)
    assert rebuild(path, pipe, callback_on_step_end=lambda p, i, t, tensors: tensors).max_difference == 0


def test_bad_files_and_paths_are_named(tmp_path, saved):
    shot, path = saved
    with pytest.raises(FileNotFoundError, match="nothing.png"):
        read_settings(tmp_path / "nothing.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "foreign.png")
    with pytest.raises(ValueError, match="foreign.png holds no settings"):
        read_settings(tmp_path / "foreign.png")
    (tmp_path / "half.png").write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="half.png"):
        read_settings(tmp_path / "half.png")
    with pytest.raises(ValueError, match="ends in .png"):
        save_picture(shot, tmp_path / "x.jpg")
    with pytest.raises(TypeError, match="one shot"):
        save_picture([shot], tmp_path / "x.png")


def test_a_failed_write_leaves_the_old_file(saved, monkeypatch):
    shot, path = saved
    before = path.read_bytes()

    def fail(self, *args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_picture(shot, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["cat.png"]


@pytest.mark.parametrize("value", [None, 1, 2.5, "x", [1, "a", None], {"a": [1]}, True])
def test_plain_values_survive_encoding(value):
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_tensor_survives_encoding():
    tensor = torch.randn(2, 3)
    assert torch.equal(decode(json.loads(json.dumps(encode(tensor)))), tensor)


def test_arrays_stay_arrays():
    array = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    again = decode(json.loads(json.dumps(encode(array))))
    assert isinstance(again, np.ndarray) and again.dtype == array.dtype and np.array_equal(again, array)


def test_what_png_cannot_hold_is_said():
    assert encode(Image.new("CMYK", (8, 8))) == {"not_recorded": "picture of mode CMYK"}
    assert encode([print]) == [{"not_recorded": "builtin_function_or_method"}]
