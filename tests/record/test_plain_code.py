"""The plain code makes the same picture with diffusers alone."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from PIL import Image
from safetensors.torch import save_file

from sdkit import generate, load_pipeline, save_picture
from sdkit.quiet import quiet
from sdkit.record.plain_code import has_plain_code, plain_call, plain_code
from sdkit.shot import Origin, Shot
from tests.adapters import add_lora, save_lora

STEPS = {"num_inference_steps": 2}


def run(code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names = {}
    with quiet():
        exec(compile(code, "code", "exec"), names)
    return names


def with_ddim(pipe):
    return {**pipe.components, "scheduler": DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)}


def test_the_code_makes_the_same_picture(pipe, tmp_path, monkeypatch):
    other = type(pipe)(**with_ddim(pipe), requires_safety_checker=False)
    other.set_progress_bar_config(disable=True)
    shot = generate(other, "a cat, it's red", seed=5, eta=0.5, negative_prompt="blue", **STEPS)[0]
    code = plain_code(shot)
    names = run(code, tmp_path, monkeypatch)
    assert np.array_equal(names["image"], shot.image)
    assert isinstance(names["pipe"].scheduler, DDIMScheduler)
    assert "eta=0.5," in code and "guidance_scale" not in code and "output_type" not in code


def test_pictures_tensors_and_used_generators_come_from_the_saved_file(img2img, tmp_path, monkeypatch):
    monkeypatch.setattr(img2img, "scheduler", with_ddim(img2img)["scheduler"])
    used = torch.Generator("cpu").manual_seed(3)
    torch.randn(7, generator=used)
    start = Image.new("RGB", (64, 64), "red")
    shot = generate(img2img, "a cat", image=start, strength=0.9, num_inference_steps=4, generator=used)[0]
    save_picture(shot, tmp_path / "picture.png")
    code = plain_code(shot)
    assert 'image=stored["image"],' in code and "StableDiffusionImg2ImgPipeline" in code
    assert np.array_equal(run(code, tmp_path, monkeypatch)["image"], shot.image)


def test_adapters_and_words_are_loaded_from_files_to_be_filled_in(tmp_path, monkeypatch):
    pipe = load_pipeline()
    add_lora(pipe, "zib's", parts=("unet", "text_encoder"))
    save_lora(pipe, "zib's", tmp_path / "lora.safetensors", ("unet", "text_encoder"))
    save_file({"any": torch.ones(2, 128)}, tmp_path / "word.safetensors")
    pipe.load_textual_inversion(torch.ones(2, 128), "<bop>")
    pipe.load_textual_inversion(torch.ones(1, 128), "<not read>")
    pipe.set_adapters("zib's", {"unet": 0.5, "text_encoder": 0.75})
    shot = generate(pipe, "a <bop>", seed=5, lora_scale=0.5, **STEPS)[0]
    code = plain_code(shot)
    assert not has_plain_code(shot) and "not read" not in code and "cross_attention_kwargs={'scale': 0.5}" in code
    (adapter,) = shot.origin.adapters.values()
    assert f"# its numbers: {adapter.tensors[:12]}" in code
    for place, file in (("zib's", "lora.safetensors"), ("<bop>", "word.safetensors")):
        code = code.replace(repr(f"the file of {place}"), repr(file))
    assert np.array_equal(run(code, tmp_path, monkeypatch)["image"], shot.image)


def shot_of(**changed):
    origin = Origin(
        pipeline="StableDiffusionPipeline",
        model="owner/name",
        revision="abc",
        fingerprint="0",
        scheduler="PNDMScheduler",
        scheduler_config={"skip_prk_steps": True, "steps_offset": 1, "unknown": 2},
        attention=(),
        device="cuda",
        dtype="torch.float16",
        versions={},
        machine={},
    )
    return Shot(None, {"prompt": "a cat", "seed": 1, "guidance_scale": np.float64(2.0), **changed}, origin)


def test_model_device_and_dtype_are_written():
    code = plain_code(shot_of())
    assert "StableDiffusionPipeline.from_pretrained('owner/name', dtype=torch.float16, revision='abc')" in code
    assert 'pipe = pipe.to("cuda")' in code and "sdkit" not in code
    assert "    skip_prk_steps=True,\n    steps_offset=1,\n)" in code
    assert "    guidance_scale=2.0,\n" in code


def test_arguments_at_their_defaults_are_written_if_asked_for():
    shot = shot_of(guidance_scale=7.5, num_inference_steps=50, eta=0.0)
    assert "guidance_scale" not in plain_code(shot) and "num_inference_steps" not in plain_code(shot)
    code = plain_code(shot, always=("seed", "guidance_scale", "num_inference_steps", "height"))
    assert "    num_inference_steps=50,\n    guidance_scale=7.5,\n" in code
    assert "eta" not in code and "height" not in code  # not asked for, and not in the record


def test_a_callback_stays_a_name():
    code = plain_code(shot_of(callback_on_step_end=print))
    assert "callback_on_step_end=callback_on_step_end," in code
    compile(code, "code", "exec")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"a": 1, "b": "x"}, "call(a=1, b='x')\n"),
        ({"a": object()}, "# a: define it first; here it is: object.\ncall(a=a)\n"),
        ({"a": 1, "b": torch.zeros(1, 4)}, "# b: define it first; here it is: tensor (1, 4).\ncall(a=1, b=b)\n"),
        (
            {"image": Image.new("RGB", (8, 9))},
            "from PIL import Image\n\n# image.png: the picture for image, 8 x 9; put it beside your notebook.\n"
            'call(image=Image.open("image.png"))\n',
        ),
    ],
)
def test_what_is_no_shot_is_written_as_the_call_of_its_function(values, code):
    def call():
        pass

    assert plain_call(call, values) == code


def test_the_call_with_pictures_runs_once_they_are_there(tmp_path, monkeypatch):
    seen = []

    def call(**arguments):
        seen.append(arguments)

    colours = {"image": "red", "mask_image": "white"}
    values = {name: Image.new("RGB", (8, 8), colour) for name, colour in colours.items()}
    code = plain_call(call, {**values, "strength": 0.5})
    assert "..." not in code
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"image\.png"):  # which says what is missing
        exec(code, {"call": call})
    for name, picture in values.items():
        picture.save(f"{name}.png")
    exec(code, {"call": call})
    assert seen[0]["strength"] == 0.5 and all(np.array_equal(seen[0][name], values[name]) for name in values)
