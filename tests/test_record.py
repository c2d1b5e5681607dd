"""Settings in the PNG: complete, read back, and enough to make the picture again."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionImg2ImgPipeline
from PIL import Image

from sdkit import generate, generator, read_settings, rebuild, save_picture
from sdkit.record import decode, encode

FAST = {"num_inference_steps": 4}


@pytest.fixture
def saved(pipe, tmp_path):
    shot = generate(pipe, "a cat, いぬ", negative_prompt='red: "x", y', seed=11, **FAST)[0]
    return shot, save_picture(shot, tmp_path / "deep" / "cat.png")


def test_settings_come_back(saved):
    shot, path = saved
    record = read_settings(path)
    assert record["settings"] == shot.settings
    assert record["origin"] == json.loads(json.dumps(shot.origin))


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


def test_tensors_pictures_and_generator_states_are_kept(pipe, tmp_path):
    latents = torch.randn((1, 4, 16, 16), generator=generator(4))
    path = save_picture(generate(pipe, "a dog", latents=latents, **FAST)[0], tmp_path / "latents.png")
    assert rebuild(path, pipe).max_difference == 0

    used = generator(5)
    torch.randn(9, generator=used)
    path = save_picture(generate(pipe, "a dog", generator=used, **FAST)[0], tmp_path / "used.png")
    assert rebuild(path, pipe).max_difference == 0

    img2img = StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False)
    img2img.set_progress_bar_config(disable=True)
    start = Image.new("RGB", (64, 64), (200, 30, 30))
    path = save_picture(generate(img2img, "a dog", image=start, strength=0.6, **FAST)[0], tmp_path / "start.png")
    assert rebuild(path, pipe).max_difference == 0


def test_a_changed_picture_shows_in_the_difference(pipe, saved):
    _, path = saved
    image = Image.open(path)
    info = image.info
    image.paste((255, 0, 0), (0, 0, 16, 16))
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("sdkit", info["sdkit"])
    image.save(path, pnginfo=text)
    assert rebuild(path, pipe).max_difference > 3


def test_other_weights_are_refused(pipe, saved):
    _, path = saved
    record = json.loads(Image.open(path).info["sdkit"])
    record["origin"]["model"]["fingerprint"] = "0" * 16
    from PIL.PngImagePlugin import PngInfo

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
