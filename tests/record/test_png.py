"""Settings in the PNG: complete, read back, and enough to make the picture again."""

import inspect
import json
import platform
import subprocess
import sys
import warnings
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    StableDiffusionPipeline,
)
from PIL import Image, ImageFilter
from PIL.PngImagePlugin import PngInfo

from sdkit import (
    NoEffectWarning,
    WordProcessor,
    generate,
    generator,
    load_pipeline,
    model_path,
    read_settings,
    rebuild,
    save_picture,
    sweep,
)
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
    assert origin["scheduler"]["class"] == "DDIMScheduler"
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
    assert text[2].startswith("Steps: 4, Sampler: DDIM, CFG scale: 7.5, Seed: 11, Size: 128x128, ")


@pytest.mark.slow
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
    shared = generate(pipe, ["a dog", "a cat"], generator=generator(4), **FAST)[1]
    with pytest.warns(UserWarning, match="drawn.png alone is not enough .* keep generator, and rebuild"):
        path = save_picture(shared, tmp_path / "drawn.png")
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


MODES = ["1", "L", "P", "RGB", "I", "F", "I;16", "I;16B", "I;16L", "CMYK", "RGBX", "YCbCr", "HSV"]


def mask_of_mode(mode):
    """Return a mask with soft edges, white in the middle."""
    mask = Image.new("L", (48, 48))
    mask.paste(255, (13, 13, 35, 35))
    mask = mask.filter(ImageFilter.GaussianBlur(4))
    return (mask.convert("RGB") if mode in ("P", "CMYK", "YCbCr", "HSV", "RGBX") else mask).convert(mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_mask_of_each_mode_comes_back_byte_for_byte(mode):
    mask = mask_of_mode(mode)
    again = decode(json.loads(json.dumps(encode(mask))))
    assert again.size == mask.size and again.convert("L").tobytes() == mask.convert("L").tobytes()
    small, small_again = (picture.resize((32, 32)).convert("L").tobytes() for picture in (mask, again))
    assert small == small_again


@pytest.mark.parametrize("mode", ["I", "F", "I;16", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_a_picture_with_a_mask_of_an_unusual_mode_is_made_again(inpaint, tmp_path, mode):
    call = {"image": Image.new("RGB", (48, 48), "red"), "mask_image": mask_of_mode(mode), "height": 32, "width": 32}
    for more in ({}, {"padding_mask_crop": 4}):  # resized, and cut out before
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "grey has no effect", NoEffectWarning)
            path = save_picture(generate(inpaint, "a cat", **call, **more, **FAST)[0], tmp_path / "a.png")
            assert rebuild(path, inpaint).max_difference == 0


@pytest.mark.parametrize("mode", ["RGBA", "PA", ["F"], None, 4])
def test_a_false_mode_of_a_picture_is_refused(mode):
    with pytest.raises(ValueError, match="a picture in it is of mode .*no such picture is written as RGBA"):
        decode({**encode(Image.new("RGBA", (8, 8))), "mode": mode})


def test_what_is_left_out_is_not_warned_of(pipe, tmp_path):
    shot = generate(pipe, "a dog", callback_on_step_end=lambda p, i, t, tensors: tensors, **FAST)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_picture(shot, tmp_path / "a.png", leave_out=["callback_on_step_end", "prompt"])


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
    with pytest.warns(UserWarning, match="callback.png alone is not enough .* keep callback_on_step_end, and rebuild"):
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


TABLES = [
    {"weights": {2: 0.0, 5: 1.5}}, {1: {"1": "a", 1: "b"}}, {"pairs": [[1, 2]]}, {"png": "x"}, {"mode": 1, "png": 2},
    {"tensor": None}, {"array": [1]}, {"pairs": {"pairs": 3}}, {-7: {}, "x": []}, {10**30: 1},
]  # fmt: skip


@pytest.mark.parametrize("value", TABLES)
def test_tables_survive_encoding_with_numbers_as_keys_and_with_our_own_marks(value):
    assert decode(json.loads(json.dumps(encode(value)))) == value


def test_keys_of_numpy_are_numbers_and_those_of_other_kinds_become_texts():
    assert decode(encode({np.int64(3): 1, True: 2, 1.5: 3})) == {3: 1, "True": 2, "1.5": 3}


@pytest.mark.parametrize("pairs", ["x", 5, {"a": 1}, [1], [[1]], [[1, 2, 3]], [[1.5, 2]], [[True, 2]], [[[1], 2]]])
def test_pairs_that_we_did_not_write_are_refused(pairs):
    with pytest.raises(ValueError, match="a dictionary"):
        decode({"pairs": pairs})


def test_a_record_of_early_days_with_a_plain_table_is_read(saved):
    shot, path = saved
    with Image.open(path) as picture:
        record = json.loads(picture.info["sdkit"])
        record["settings"]["cross_attention_kwargs"] = {"weights": {"2": 0.0}}
        info = PngInfo()
        info.add_text("sdkit", json.dumps(record))
        picture.save(path, pnginfo=info)
    assert read_settings(path)["settings"]["cross_attention_kwargs"] == {"weights": {"2": 0.0}}


def test_tensor_survives_encoding():
    tensor = torch.randn(2, 3)
    assert torch.equal(decode(json.loads(json.dumps(encode(tensor)))), tensor)


def test_arrays_stay_arrays():
    array = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    again = decode(json.loads(json.dumps(encode(array))))
    assert isinstance(again, np.ndarray) and again.dtype == array.dtype and np.array_equal(again, array)


def test_what_png_cannot_hold_is_said():
    assert encode(Image.new("LAB", (8, 8))) == {"not_recorded": "picture of mode LAB"}
    assert encode([print]) == [{"not_recorded": "builtin_function_or_method"}]


# All that torch takes as a seed, and NumPy's numbers.

WIDE = 823497123987123


def drawn(generator):
    generator.seed()
    return generator


def used(generator):
    torch.randn(3, generator=generator)
    return generator


GENERATORS = {
    "as it comes": lambda: torch.Generator(), "a wide seed": lambda: torch.Generator().manual_seed(WIDE),
    "drawn by the system": lambda: drawn(torch.Generator()), "below zero": lambda: torch.Generator().manual_seed(-1),
    "used": lambda: used(torch.Generator()), "the largest": lambda: torch.Generator().manual_seed(2**64 - 1),
}  # fmt: skip


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_is_kept_as_it_comes(pipe, tmp_path, name):
    given = GENERATORS[name]()
    seed = given.initial_seed()
    path = save_picture(generate(pipe, "a cat", generator=given, num_inference_steps=1)[0], tmp_path / "a.png")
    assert read_settings(path)["settings"]["seed"] == seed
    assert rebuild(path, pipe).max_difference == 0


@pytest.mark.parametrize("seed", [WIDE, 2**64 - 1, np.uint64(2**64 - 1), np.int64(7)])
def test_wide_seeds_are_kept(pipe, tmp_path, seed):
    path = save_picture(generate(pipe, "a cat", seed=seed, num_inference_steps=1)[0], tmp_path / "a.png")
    assert read_settings(path)["settings"]["seed"] == int(seed)
    assert rebuild(path, pipe).max_difference == 0


def test_numbers_of_numpy_are_kept(pipe, tmp_path):
    numbers = {
        "num_inference_steps": np.uint8(2), "guidance_scale": np.float32(3.3), "guidance_rescale": np.float16(0.3),
        "height": np.int16(64), "width": np.int64(64), "seed": np.uint64(5),
    }  # fmt: skip
    path = save_picture(generate(pipe, "a cat", **numbers)[0], tmp_path / "a.png")
    stored = read_settings(path)["settings"]
    assert {name: stored[name] for name in numbers} == {name: number.item() for name, number in numbers.items()}
    assert rebuild(path, pipe).max_difference == 0


@pytest.mark.parametrize("number", [np.float64(0.1), np.longdouble(0.5), np.bool_(True), np.int8(-3), np.float32(2)])
def test_each_kind_of_number_is_written_plainly(number):
    assert type(encode(number)) in (int, float, bool) and encode(number) == number
    assert json.loads(json.dumps(encode([number]))) == [encode(number)]


# What is saved can be read again.


def noise(side):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.fixture
def little_text(monkeypatch):
    """Let Pillow read 1.2 MB of text at most, of which 1 MB is kept for what no setting takes."""
    monkeypatch.setattr("PIL.PngImagePlugin.MAX_TEXT_MEMORY", 1_200_000)


def test_a_record_that_could_not_be_read_is_not_saved(img2img, tmp_path, little_text):
    shot = generate(img2img, "a cat", image=noise(256), strength=0.5, num_inference_steps=2)[0]
    with pytest.raises(ValueError, match="(?s)the record would take .*image.*leave_out=.*'image'"):
        save_picture(shot, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
    path = save_picture(shot, tmp_path / "a.png", leave_out=["image"])
    assert read_settings(path)["settings"]["image"] == {"not_recorded": "left out"}
    with pytest.raises(ValueError, match="was made with image, which a file cannot keep; give image="):
        rebuild(path, img2img)
    assert rebuild(path, img2img, image=shot.settings["image"]).max_difference == 0


def test_a_sweep_refuses_such_a_record_before_it_starts(img2img, tmp_path, little_text, monkeypatch):
    monkeypatch.setattr("sdkit.sweeping.executor.make", lambda *args: pytest.fail("a picture was begun"))
    call = {"image": noise(256), "strength": 0.5, "num_inference_steps": 2, "guidance_scale": [1, 2]}
    with pytest.raises(ValueError, match="the record would take .*image"):
        sweep(img2img, "a cat", folder=tmp_path / "sweep", **call)
    assert list(tmp_path.rglob("*.png")) == []


def test_the_largest_record_that_is_saved_is_read(saved, monkeypatch, tmp_path):
    shot, _ = saved
    monkeypatch.setattr("PIL.PngImagePlugin.MAX_TEXT_MEMORY", 3_000_000)
    sides = [side for side in range(600, 800, 20) if is_saved(shot, side, tmp_path / "a.png")]
    assert 600 < max(sides) < 780  # 3 bytes a pixel, 4/3 in base64, of 2 MB
    assert is_saved(shot, max(sides), tmp_path / "a.png")
    assert read_settings(tmp_path / "a.png")["settings"]["image"].width == max(sides)


def is_saved(shot, side, path):
    try:
        save_picture(replace(shot, settings={**shot.settings, "image": noise(side)}), path)
    except ValueError:
        return False
    return True


def test_leave_out_is_checked(saved, tmp_path):
    shot, _ = saved
    with pytest.raises(TypeError, match="give a list of names"):
        save_picture(shot, tmp_path / "a.png", leave_out="image")
    with pytest.raises(ValueError, match="leave_out has 'imag'"):
        save_picture(shot, tmp_path / "a.png", leave_out=["imag"])


@pytest.mark.parametrize("kind", ["pipe", "inpaint"])
def test_each_setting_can_be_left_out_and_given_again(request, tmp_path, kind):
    pictures = {"image": Image.new("RGB", (32, 32), "red"), "mask_image": Image.new("L", (32, 32), 255)}
    call = {"height": 32, "width": 32, **(pictures if kind == "inpaint" else {})}
    pipe, path = request.getfixturevalue(kind), tmp_path / "a.png"
    shot = generate(pipe, "a cat", guidance_scale=1.0, num_inference_steps=1, **call)[0]
    for name in shot.settings:
        save_picture(shot, path, leave_out=[name])
        assert read_settings(path)["settings"][name] == {"not_recorded": "left out"}
        assert "not_recorded" not in Image.open(path).info["parameters"]
        with pytest.raises(ValueError, match=f"was made with {name}, which a file cannot keep; give {name}="):
            rebuild(path, pipe)
        assert rebuild(path, pipe, **{name: shot.settings[name]}).max_difference == 0


def test_the_text_for_other_tools_says_nothing_of_what_was_left_out(saved):
    shot, path = saved
    save_picture(shot, path, leave_out=["prompt", "negative_prompt", "seed", "clip_skip"])
    text = Image.open(path).info["parameters"]
    assert text.startswith("\nSteps: 4, Sampler: DDIM, CFG scale: 7.5, Size: 128x128")
    assert not any(words in text for words in ("cat", "red", "Seed", "Clip skip"))


def test_very_large_pictures_and_prompts_are_refused(saved, tmp_path):
    shot, _ = saved
    with pytest.raises(ValueError, match="10000x8000 pixels"):
        save_picture(replace(shot, image=Image.new("L", (10_000, 8_000))), tmp_path / "a.png")
    with pytest.raises(ValueError, match="prompt has 1,000,001 letters"):
        save_picture(replace(shot, settings={**shot.settings, "prompt": "x" * 1_000_001}), tmp_path / "a.png")


def test_a_record_does_not_ask_for_more_than_its_picture_shows(pipe, inpaint, saved, tmp_path):
    shot, path = saved
    larger = replace(shot, settings={**shot.settings, "height": 256, "width": 256})
    with pytest.raises(ValueError, match="128x128 pixels, but its settings make 256x256"):
        rebuild(save_picture(larger, path), pipe)
    start, mask = Image.new("RGB", (128, 128), "red"), Image.new("L", (128, 128))
    mask.paste(255, (0, 0, 32, 32))
    call = {"image": start, "mask_image": mask, "padding_mask_crop": 8, "height": 64, "width": 64}
    made = generate(inpaint, "a cat", num_inference_steps=2, **call)[0]
    assert near(rebuild(save_picture(made, path), inpaint))
    larger = replace(made, settings={**made.settings, "height": 8192, "width": 8192})
    with pytest.raises(ValueError, match="far more than cat.png has"):
        rebuild(save_picture(larger, path), inpaint)


LONGEST = {
    "commas": {"prompt": "," * 1_000_000, "negative_prompt": "[" * 1_000_000},
    "quotes": {"prompt": '"' * 1_000_000},
    "noise levels": {"sigmas": [float(number) for number in range(1000, 0, -1)]},
    "attention": {"cross_attention_kwargs": {"masks": [torch.ones(1, 2)], "boxes": {"at": torch.ones(2), "n": [1, 2]}}},
}


@pytest.mark.parametrize("name", LONGEST)
def test_the_longest_settings_that_are_saved_are_read(saved, tmp_path, name):
    shot, _ = saved
    path = save_picture(replace(shot, settings={**shot.settings, **LONGEST[name]}), tmp_path / "a.png")
    read = read_settings(path)["settings"]
    assert all(encode(read[key]) == encode(value) for key, value in LONGEST[name].items())


def test_too_many_own_noise_levels_are_refused(saved, tmp_path):
    shot, _ = saved
    levels = {"sigmas": [float(number) for number in range(1001, 0, -1)]}
    with pytest.raises(ValueError, match="sigmas has 1,001 entries"):
        save_picture(replace(shot, settings={**shot.settings, **levels}), tmp_path / "a.png")


# Paths.


def test_the_home_folder_is_known_to_saving_reading_and_making_again(pipe, saved, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shot, _ = saved
    assert save_picture(shot, "~/a.png") == tmp_path / "a.png"
    assert read_settings("~/a.png")["settings"] == shot.settings
    assert rebuild("~/a.png", pipe).max_difference == 0


def test_paths_that_cannot_be_written_are_named(saved, tmp_path):
    shot, _ = saved
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match="a folder; give the name of a file"):
        save_picture(shot, tmp_path / "folder.png")
    with pytest.raises(ValueError, match="give a name that ends in .png"):
        save_picture(shot, str(tmp_path / "a\0b.png"))
    with pytest.raises(TypeError, match="give a text or a Path"):
        save_picture(shot, None)


def test_a_broken_picture_says_so_in_its_file(saved):
    shot, path = saved
    assert "problem" not in read_settings(path)
    save_picture(replace(shot, problem="NaN among its numbers"), path)
    assert read_settings(path)["problem"] == "NaN among its numbers"


# What of the pipeline is not as it was.


def test_nothing_is_said_where_nothing_changed(pipe, saved):
    rebuilt = rebuild(saved[1], pipe)
    assert rebuilt.state == () and "not as it was" not in repr(rebuilt)


def test_the_cause_of_a_difference_is_named(saved):
    other = load_pipeline()
    other.unet.conv_in.padding_mode = "circular"
    assert "unet padding_mode" in rebuild(saved[1], other).state
    other = load_pipeline()
    other.vae.config["scaling_factor"] *= 0.9
    assert "vae config" in rebuild(saved[1], other).state
    other = load_pipeline()
    handle = other.unet.register_forward_hook(lambda *args: None)
    assert any("a hook" in reason for reason in rebuild(saved[1], other).state)
    handle.remove()
    other.unet.conv_in.weight.data.mul_(1 + 2**-20)  # too little for the fingerprint, which rounds to float16
    assert "unet weights" in rebuild(saved[1], other).state


@pytest.fixture
def watched(pipe):
    """Give the pipeline attention processors that can silence single words, and put its own back."""
    before = pipe.unet.attn_processors
    pipe.unet.set_attn_processor(WordProcessor())
    yield pipe
    pipe.unet.set_attn_processor(before)


def test_a_picture_with_a_word_silenced_is_made_again(watched, tmp_path):
    silenced = {"weights": {2: 0.0}, "factor": 0.5}
    shot = generate(watched, "a cat", cross_attention_kwargs=silenced, **FAST)[0]
    path = save_picture(shot, tmp_path / "a.png")
    assert read_settings(path)["settings"]["cross_attention_kwargs"] == silenced
    rebuilt = rebuild(path, watched)
    assert rebuilt.max_difference == 0
    assert rebuilt.state == ()  # the same processors then and now are no change


def test_what_is_lost_inside_a_table_is_said_and_asked_for(watched, tmp_path):
    class Maps:
        def append(self, shares):
            pass

    given = {"maps": Maps(), "weights": {2: 0.0}}
    shot = generate(watched, "a cat", cross_attention_kwargs=given, num_inference_steps=1)[0]
    with pytest.warns(UserWarning, match="keep cross_attention_kwargs, and rebuild"):
        path = save_picture(shot, tmp_path / "a.png")
    stored = read_settings(path)["settings"]["cross_attention_kwargs"]
    assert stored == {"maps": {"not_recorded": "Maps"}, "weights": {2: 0.0}}
    with pytest.raises(ValueError, match="was made with cross_attention_kwargs, which a file cannot keep"):
        rebuild(path, watched)
    assert rebuild(path, watched, cross_attention_kwargs=given).max_difference == 0


def test_code_that_was_there_only_then_or_only_now_is_named(pipe, saved, tmp_path):
    handle = pipe.unet.register_forward_hook(lambda *args: None)
    try:
        assert rebuild(saved[1], pipe).state == ("now: unet has a hook",)
        path = save_picture(generate(pipe, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
        assert rebuild(path, pipe).state == ()
    finally:
        handle.remove()
    assert rebuild(path, pipe).state == ("then: unet has a hook",)


def test_a_record_that_would_be_refused_is_not_saved(pipe, tmp_path):
    class Own(StableDiffusionPipeline):
        pass

    own = Own(**pipe.components, requires_safety_checker=False)
    own.set_progress_bar_config(disable=True)
    with pytest.raises(ValueError, match=r"no record that can be read again .*Own.*shot.image.save\(path\)"):
        save_picture(generate(own, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_noise_levels_in_an_array_are_kept_as_a_list(pipe, tmp_path):
    own = StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)
    own.set_progress_bar_config(disable=True)
    own.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, trained_betas=np.linspace(1e-4, 0.02, 1000))
    path = save_picture(generate(own, "a cat", num_inference_steps=2)[0], tmp_path / "a.png")
    assert rebuild(path, pipe).max_difference == 0


def test_other_outputs_are_refused_before_a_picture_is_made_again(pipe, tmp_path):
    path = save_picture(generate(pipe, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    with pytest.raises(ValueError, match="output_type is 'np', and pictures are compared"):
        rebuild(path, pipe, output_type="np")


@pytest.mark.parametrize(
    "several",
    [{"prompt": ["a", "b"]}, {"num_images_per_prompt": 2}, {"prompt": None, "prompt_embeds": torch.ones(2, 7, 128)}],
)
def test_a_call_that_makes_several_pictures_is_refused_before_they_are_made(pipe, saved, several, monkeypatch):
    monkeypatch.setattr("sdkit.record.png.generate", None)
    with pytest.raises(ValueError, match="the call makes 2 pictures, and cat.png is one; give one prompt"):
        rebuild(saved[1], pipe, negative_prompt=None, **several)


def test_a_number_of_pictures_that_is_none_is_refused(pipe, saved):
    with pytest.raises(TypeError, match="num_images_per_prompt is '2'"):
        rebuild(saved[1], pipe, num_images_per_prompt="2")


def test_another_number_format_is_named_as_the_cause(tmp_path, pipe):
    path = save_picture(generate(pipe, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    with pytest.raises(ValueError, match="made in torch.float32 and this pipeline is in torch.bfloat16"):
        rebuild(path, load_pipeline(dtype=torch.bfloat16))
