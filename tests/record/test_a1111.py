"""The web UI's text: read by another project's reader, and read here as arguments of diffusers."""

import importlib.util
import math
from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager

from sdkit import generate, read_settings, rebuild, save_picture, schedulers
from sdkit.record.a1111 import read_parameters, write_parameters

FAST = {"num_inference_steps": 3}


def line(text="", **pairs):
    """Return a text as the web UI writes it."""
    usual = {"Steps": 20, "Sampler": "Euler", "CFG scale": 7, "Seed": 965400086, "Size": "512x768"}
    return f"{text}\n" + ", ".join(f"{key}: {value}" for key, value in {**usual, **pairs}.items())


@pytest.fixture(scope="module")
def shot(pipe):
    return generate(pipe, "a cat, いぬ (big)", negative_prompt="red: blue", seed=11, **FAST)[0]


def saved_by_the_web_ui(path, image, text):
    """Write a picture as the web UI does: with its text alone."""
    info = PngInfo()
    info.add_text("parameters", text)
    image.save(path, pnginfo=info)
    return path


# Written here, read by others.


def test_another_reader_finds_the_settings(shot, tmp_path):
    found = ParserManager().parse(save_picture(shot, tmp_path / "cat.png"))
    assert found.generator.value == "AUTOMATIC1111"
    (sampler,) = found.samplers
    assert sampler.name == "DDIM"
    assert sampler.parameters == {"steps": "3", "cfg_scale": "7.5", "seed": "11"}
    assert [str(one) for one in found.prompts] == [r"a cat, いぬ \(big\)"]
    assert [str(one) for one in found.negative_prompts] == ["red: blue"]
    assert sampler.model.name == "built-in"
    assert found.metadata["Size"] == "128x128" and found.metadata["RNG"] == "CPU"


def test_our_own_text_reads_back(shot):
    read = read_parameters(write_parameters(shot))
    same = ("prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "seed", "height", "width")
    assert read["settings"] == {name: shot.settings[name] for name in same}
    assert read["not_mapped"] == {}


@pytest.mark.parametrize("prompt", ["[a|b]", "(x:1.2), ((y))", r"back\slash \( [", "two\nlines", "", "a [b] (c"])
def test_literal_brackets_survive(shot, prompt):
    again = replace(shot, settings={**shot.settings, "prompt": prompt, "negative_prompt": prompt})
    read = read_parameters(write_parameters(again))
    assert (read["settings"]["prompt"], read["settings"]["negative_prompt"]) == (prompt, prompt)
    assert read["not_mapped"] == {}


BOTH = [
    (name, spacing)
    for name, sampler in schedulers.SAMPLERS.items()
    for spacing in (None, *(schedulers.SPACINGS if sampler.is_spaced else ()))
]


@pytest.mark.parametrize(("sampler", "schedule"), BOTH)
def test_each_sampler_reads_back(shot, sampler, schedule):
    kind, config, _ = schedulers.SAMPLERS[sampler]
    spacing = schedulers.SPACINGS.get(schedule, {})
    origin = replace(shot.origin, scheduler=kind, scheduler_config={**config, **spacing})
    settings = {**shot.settings, "eta": 0.5 if kind == "DDIMScheduler" else 0.0, "clip_skip": 1}
    read = read_parameters(write_parameters(replace(shot, origin=origin, settings=settings)))
    assert read["origin"]["scheduler"]["class"] == kind
    assert {**config, **spacing}.items() <= read["origin"]["scheduler"]["config"].items()
    assert read["settings"]["clip_skip"] == 1
    assert read["settings"].get("eta", 0.0) == settings["eta"]
    assert read["not_mapped"] == {}


# Written by the web UI, read here.


def test_a_plain_picture_is_mapped():
    read = read_parameters(
        line("a dog,\nblue\nNegative prompt: ugly,\nred", **{"Model hash": "6ce0161689", "Model": "v1-5", "RNG": "CPU"})
    )
    assert read["settings"] == {
        "prompt": "a dog,\nblue", "negative_prompt": "ugly,\nred", "num_inference_steps": 20, "guidance_scale": 7.0,
        "seed": 965400086, "width": 512, "height": 768,
    }  # fmt: skip
    assert read["origin"]["pipeline"] == "StableDiffusionPipeline"
    assert read["origin"]["model"] == {"name": "v1-5", "revision": None, "hash": "6ce0161689"}
    assert read["not_mapped"] == {}


SAMPLERS = [
    ("DPM++ 2M Karras", None, "DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    ("DPM++ 2M", "Karras", "DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    ("DPM++ 2M", "Automatic", "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    ("DPM++ 2M SDE Exponential", None, "DPMSolverMultistepScheduler", {"use_exponential_sigmas": True}),
    ("DPM++ 2M SDE", "SGM Uniform", "DPMSolverMultistepScheduler", {"timestep_spacing": "trailing"}),
    ("DPM++ SDE Karras", None, "DPMSolverSDEScheduler", {"use_karras_sigmas": True}),
    ("Euler a", None, "EulerAncestralDiscreteScheduler", {"timestep_spacing": "linspace"}),
    ("DDIM", None, "DDIMScheduler", {"clip_sample": False}),
    ("PLMS", None, "PNDMScheduler", {"skip_prk_steps": True}),
    ("LMS Karras", None, "LMSDiscreteScheduler", {"use_karras_sigmas": True}),
]


@pytest.mark.parametrize(("sampler", "schedule", "kind", "config"), SAMPLERS)
def test_samplers_are_schedulers(sampler, schedule, kind, config):
    extra = {"Schedule type": schedule} if schedule else {}
    read = read_parameters(line("a", Sampler=sampler, RNG="CPU", **extra))
    assert read["origin"]["scheduler"]["class"] == kind and hasattr(diffusers, kind)
    assert config.items() <= read["origin"]["scheduler"]["config"].items()
    assert read["not_mapped"] == {}


NOT_MAPPED = [
    ({"Sampler": "DPM adaptive"}, "Sampler", "DPM adaptive"),
    ({"Sampler": "Euler a", "Schedule type": "Karras"}, "Schedule type", "EulerAncestralDiscreteScheduler"),
    ({"Schedule type": "Polyexponential"}, "Schedule type", "Polyexponential"),
    ({"RNG": "NV"}, "RNG", "NV noise"),
    ({"ENSD": 31337}, "ENSD", "31337"),
    ({"Eta": 0.67}, "Eta", "0.67"),
    ({"VAE": "some.pt"}, "VAE", "pipe.vae"),
    ({"Variation seed": 3, "Variation seed strength": 0.1}, "Variation seed strength", "two seeds"),
    ({"Denoising strength": 0.7, "Hires upscale": 2}, "Denoising strength", "0.7"),
    ({"Denoising strength": 0.7, "Hires upscale": 2}, "Hires upscale", "second pass"),
    ({"Denoising strength": 0.7, "Mask blur": 4}, "Mask blur", "mask is not in the file"),
    ({"Denoising strength": 0.7}, "start picture", "512x768"),
    ({"Lora hashes": '"x: 1234, y: 5678"'}, "Lora hashes", "x: 1234, y: 5678"),
    ({"Tiling": "True"}, "Tiling", "no such argument"),
]


@pytest.mark.parametrize(("pairs", "key", "words"), NOT_MAPPED)
def test_what_is_not_mapped_is_said(pairs, key, words):
    assert words in read_parameters(line("a", **{"RNG": "CPU", **pairs}))["not_mapped"][key]


def test_noise_is_drawn_on_the_graphics_card_unless_the_text_says_otherwise():
    assert "GPU noise" in read_parameters(line("a"))["not_mapped"]["RNG"]


def test_image_to_image_has_a_strength_and_the_second_pass_none():
    read = read_parameters(line("a", **{"Denoising strength": 0.7}))
    assert read["origin"]["pipeline"] == "StableDiffusionImg2ImgPipeline"
    assert read["settings"]["strength"] == 0.7 and "height" not in read["settings"]
    assert "strength" not in read_parameters(line("a", **{"Denoising strength": 0.7, "Hires steps": 9}))["settings"]


@pytest.mark.parametrize(("clip_skip", "ours"), [(1, None), (2, 1), (12, 11)])
def test_clip_skip_counts_from_one_there(clip_skip, ours):
    assert read_parameters(line("a", **{"Clip skip": clip_skip}))["settings"].get("clip_skip") == ours


PROMPTS = [
    ("a (red:1.3) cat", "a red cat", "weights"),
    ("((old)) [dull] car", "old dull car", "weights"),
    ("a (red, (shiny:.5):1.2) car", "a red, shiny car", "weights"),
    (r"a \(red\) car", "a (red) car", None),
    ("time 10:30, ratio 1:2", "time 10:30, ratio 1:2", None),
    ("a cat, <lora:ink:0.8>, <hypernet:x:1>", "a cat", "tags"),
    ("<lora:ink:0.8> a cat", "a cat", "tags"),
    ("a [cat:dog:0.5]", "a [cat:dog:0.5]", "edits"),
    ("a [cat|dog] (red:1.1)", "a [cat|dog] red", "edits"),
    ("a cat AND a dog", "a cat AND a dog", "joins"),
    ("a cat BREAK a dog", "a cat BREAK a dog", "joins"),
    ("a cat and a dog", "a cat and a dog", None),
]


@pytest.mark.parametrize(("written", "plain", "kind"), PROMPTS)
def test_marks_in_prompts_are_taken_out_and_named(written, plain, kind):
    read = read_parameters(line(f"{written}\nNegative prompt: {written}", RNG="CPU"))
    assert (read["settings"]["prompt"], read["settings"]["negative_prompt"]) == (plain, plain)
    names = set(read["not_mapped"])
    assert {f"{kind} in the prompt", f"{kind} in the negative prompt"} <= names if kind else not names


@pytest.mark.parametrize("text", ["", "a cat", "a cat\nSteps: 20", "Steps: 20\na cat"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="no line of settings"):
        read_parameters(text)


@pytest.mark.parametrize(("key", "value"), [("Steps", "many"), ("Size", "512"), ("CFG scale", "high"), ("Seed", "1.5")])
def test_damaged_numbers_are_named(key, value):
    with pytest.raises(ValueError, match=f"{key} is '{value}'"):
        read_parameters(line("a", **{key: value}))


# Dialects: extensions, other programs, older and newer versions.

END = "CFG scale: 7, Seed: 21, Size: 64x64, RNG: CPU"
PLAIN = {
    "prompt": "a cat", "negative_prompt": "a dog", "num_inference_steps": 8, "guidance_scale": 7.0, "seed": 21,
    "width": 64, "height": 64,
}  # fmt: skip
HEAD = "a cat\nNegative prompt: a dog\nSteps: 8, Sampler: Euler a"
DIALECTS = {
    "lines after the settings": (f"{HEAD}, {END}\nTemplate: a {{cat|dog}}, big: x\nNegative Template: y", "Template"),
    "a line break in quotes": (f'{HEAD}, Wildcard prompt: "a\nb, c", {END}', "Wildcard prompt"),
    "a bare line break": (f"{HEAD}, Wildcard prompt: a\nb, c, {END}", "Wildcard prompt"),
    "settings over two lines": (f"{HEAD},\n{END}", None),
    "Windows": (f"{HEAD}, {END}\r\n".replace("\n", "\r\n"), None),
    "unquoted JSON": (
        f'{HEAD}, Civitai resources: [{{"type":"lora","weight":0.4}},{{"a":1}}], {END}',
        "Civitai resources",
    ),
    "an unquoted table": (f'{HEAD}, Hashes: {{"model": "ab, cd"}}, {END}', "Hashes"),
    "escaped quotes": (f'{HEAD}, Hires prompt: "say \\"hi\\", friend", {END}', "Hires prompt"),
    "brackets in a name": (f"{HEAD}, Distilled CFG (guidance): 3.5, {END}", "Distilled CFG (guidance)"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects_are_read(name):
    text, key = DIALECTS[name]
    read = read_parameters(text)
    assert read["settings"] == PLAIN
    assert read["origin"]["scheduler"]["class"] == "EulerAncestralDiscreteScheduler"
    assert [name for name in read["not_mapped"] if name != "Negative Template"] == ([key] if key else [])


def test_what_dialects_hold_is_kept_whole():
    mapped = {key: read_parameters(text)["not_mapped"].get(key) for text, key in DIALECTS.values() if key}
    assert mapped["Template"].startswith("a {cat|dog}, big: x: ")
    assert mapped["Wildcard prompt"].startswith("a\nb, c: ")
    assert mapped["Civitai resources"].startswith('[{"type":"lora","weight":0.4},{"a":1}]: ')
    assert mapped["Hashes"].startswith('{"model": "ab, cd"}: ')
    assert mapped["Hires prompt"].startswith('say "hi", friend: ')


def test_a_prompt_may_speak_of_steps_and_the_last_line_of_settings_counts():
    text = f"a cat\nSteps: of a stair\nSteps: 3, Seed: 4\nSteps: 8, Sampler: Euler, {END}"
    assert read_parameters(text)["settings"]["prompt"] == "a cat\nSteps: of a stair\nSteps: 3, Seed: 4"
    assert read_parameters(f"a cat, Steps: 8, Sampler: Euler, {END}")["settings"]["prompt"] == "a cat"


def test_a_text_without_a_sampler_keeps_the_pipelines_scheduler():
    read = read_parameters("a cat\nSteps: 8, Seed: 21, Size: 64x64, RNG: CPU")
    assert read["origin"]["scheduler"] is None and "not in the text" in read["not_mapped"]["Sampler"]


SPELLINGS = [
    ("k_euler", "EulerDiscreteScheduler", None), ("dpmpp_2m_karras", "DPMSolverMultistepScheduler", "karras"),
    ("Euler A", "EulerAncestralDiscreteScheduler", None), ("euler a", "EulerAncestralDiscreteScheduler", None),
    ("k_euler_a", "EulerAncestralDiscreteScheduler", None), ("DEIS", "DEISMultistepScheduler", None),
    ("DDPM", "DDPMScheduler", None), ("UniPC Karras", "UniPCMultistepScheduler", "karras"),
    ("uni_pc", "UniPCMultistepScheduler", None), ("dpmpp_2m_sde_gpu", "DPMSolverMultistepScheduler", None),
]  # fmt: skip


@pytest.mark.parametrize(("sampler", "kind", "spacing"), SPELLINGS)
def test_spellings_of_other_programs(sampler, kind, spacing):
    read = read_parameters(line("a", Sampler=sampler, RNG="CPU"))
    assert read["origin"]["scheduler"]["class"] == kind and read["not_mapped"] == {}
    assert read["origin"]["scheduler"]["config"].get("use_karras_sigmas", False) == (spacing == "karras")


@pytest.mark.parametrize("schedule", ["karras", "KARRAS", "sgm_uniform", "Normal", "exponential"])
def test_spellings_of_schedule_types(schedule):
    read = read_parameters(line("a", Sampler="DPM++ 2M", RNG="CPU", **{"Schedule type": schedule}))
    assert read["not_mapped"] == {}


# The scheduler that comes out spaces its noise as k-diffusion does.


def made_scheduler(pipe, sampler, steps):
    scheduler = read_parameters(line("a", Sampler=sampler))["origin"]["scheduler"]
    made = getattr(diffusers, scheduler["class"]).from_config(pipe.scheduler.config, **scheduler["config"])
    made.set_timesteps(steps)
    return made


def trained_sigmas(pipe):
    kept = pipe.scheduler.alphas_cumprod.double().numpy()
    return np.sqrt((1 - kept) / kept)


@pytest.mark.parametrize("sampler", ["Euler Karras", "DPM++ 2M Karras", "LMS Karras"])
def test_karras_noise_levels(pipe, sampler):
    low, high = trained_sigmas(pipe)[[0, -1]]
    ramp = np.linspace(0, 1, 10)
    wanted = (high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))) ** 7  # Karras et al. 2022, equation 5
    assert np.allclose(made_scheduler(pipe, sampler, 10).sigmas.numpy(), [*wanted, 0], rtol=1e-3)


@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "LMS"])
def test_usual_noise_levels(pipe, sampler):
    trained = np.log(trained_sigmas(pipe))
    wanted = np.exp(np.interp(np.linspace(999, 0, 10), range(1000), trained))
    made = made_scheduler(pipe, sampler, 10)
    # between two timesteps k-diffusion interpolates the logarithm, diffusers the noise level itself
    assert np.allclose(made.sigmas.numpy(), [*wanted, 0], rtol=2e-2)
    assert math.isclose(made.init_noise_sigma, wanted[0], rel_tol=1e-3)


# From the file to the picture.


@pytest.fixture
def euler(pipe):
    """Return the pipeline with the scheduler that the web UI's Euler is, put back afterwards."""
    before = pipe.scheduler
    pipe.scheduler = EulerDiscreteScheduler.from_config(before.config, timestep_spacing="linspace")
    yield pipe
    pipe.scheduler = before


def test_a_picture_of_the_web_ui_is_made_again(euler, pipe, tmp_path):
    image = generate(euler, "a red cat", seed=7, guidance_scale=5, **FAST)[0].image
    text = line("a (red:1.2) cat", Steps=3, Seed=7, Size="128x128", Model="small", ENSD=31337, **{"CFG scale": 5})
    path = saved_by_the_web_ui(tmp_path / "theirs.png", image, text)
    record = read_settings(path)
    assert record["made_by"] == "AUTOMATIC1111" and record["settings"]["prompt"] == "a red cat"
    rebuilt = rebuild(path, pipe)
    assert rebuilt.max_difference == 0 and rebuilt.versions == rebuilt.machine == {}
    assert set(rebuilt.not_mapped) == {"RNG", "ENSD", "weights in the prompt"}
    assert "not mapped: weights in the prompt, RNG, ENSD" in repr(rebuilt)
    with pytest.raises(ValueError, match="made by AUTOMATIC1111 with the model small; load it"):
        rebuild(path)


def test_an_enlarged_picture_is_refused_before_it_is_made(pipe, shot, tmp_path):
    text = line("a cat", Steps=3, Size="32x32", **{"Denoising strength": 0.7, "Hires upscale": 2})
    with pytest.raises(ValueError, match="128x128 pixels, but its settings make 32x32"):
        rebuild(saved_by_the_web_ui(tmp_path / "large.png", shot.image, text), pipe)


def test_a_picture_from_a_picture_needs_the_start(pipe, shot, tmp_path):
    text = line("a cat", Steps=3, Size="128x128", **{"Denoising strength": 0.7})
    path = saved_by_the_web_ui(tmp_path / "from.png", shot.image, text)
    with pytest.raises(ValueError, match="give image="):
        rebuild(path, pipe)
    assert rebuild(path, pipe, image=Image.new("RGB", (128, 128))).max_difference > 0


def test_damaged_texts_are_named(pipe, shot, tmp_path):
    path = saved_by_the_web_ui(tmp_path / "damaged.png", shot.image, line("a", Steps="x"))
    with pytest.raises(ValueError, match="damaged.png are damaged: Steps is 'x'"):
        read_settings(path)


# No sampler gives a black picture.

NEEDS_TORCHSDE = "DPM++ SDE"
ONCE = [(name, spacing, steps) for name, spacing in BOTH for steps in ((2, 5) if spacing is None else (4,))]


@pytest.mark.slow  # one of ninety takes a moment, all of them half a minute
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("sampler", "spacing", "steps"), [case for case in ONCE if case[0] != NEEDS_TORCHSDE])
def test_no_sampler_gives_a_black_picture(pipe, tmp_path, sampler, spacing, steps):
    # Small and without guidance: black comes from the sampler's own arithmetic.
    pairs = {"Sampler": sampler, "Schedule type": spacing or "Automatic", "Steps": steps, "Size": "32x32"}
    text = line("a cat", **pairs, **{"CFG scale": 1})
    path = saved_by_the_web_ui(tmp_path / "a.png", Image.new("RGB", (32, 32)), text)
    pixels = np.asarray(rebuild(path, pipe).shot.image)
    assert pixels.max() > 60 and pixels.std() > 5


def test_what_to_install_is_said(pipe, shot, tmp_path):
    if importlib.util.find_spec("torchsde"):
        pytest.skip("torchsde is installed")
    path = saved_by_the_web_ui(tmp_path / "a.png", shot.image, line("a", Sampler=NEEDS_TORCHSDE, Size="128x128"))
    assert read_settings(path)["origin"]["scheduler"]["class"] == "DPMSolverSDEScheduler"
    with pytest.raises(ValueError, match="a.png.*DPMSolverSDEScheduler.*pip install torchsde"):
        rebuild(path, pipe)


def test_clip_skip_can_be_left_out(pipe, shot, tmp_path):
    text = line("a cat", Steps=2, Size="128x128", **{"Clip skip": 3})
    path = saved_by_the_web_ui(tmp_path / "a.png", shot.image, text)
    with pytest.raises(ValueError, match="clip_skip is 2.* To leave it out, give clip_skip=None"):
        rebuild(path, pipe)
    assert rebuild(path, pipe, clip_skip=None).shot.settings["clip_skip"] is None


def test_what_the_text_cannot_hold_is_named_in_it(pipe):
    latents = torch.randn(1, 4, 16, 16)
    shot = generate(pipe, "a cat", latents=latents, guidance_rescale=0.5, num_inference_steps=1)[0]
    read = read_parameters(write_parameters(shot))
    assert read["not_mapped"]["Not held here"].startswith("latents, guidance_rescale: ")
    assert "Not held here" not in write_parameters(generate(pipe, "a cat", num_inference_steps=1)[0])
