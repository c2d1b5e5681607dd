"""The strict call against the bare one."""

import re
import warnings

import numpy as np
import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
    PNDMScheduler,
)
from PIL import Image

from sdkit import NoEffectWarning, generate, generator
from sdkit.call.generate import check_call

PROMPT = "a cat on a blue background"
FAST = {"num_inference_steps": 4, "guidance_scale": 5.0}


def bits(image):
    return np.asarray(image).tobytes()


@pytest.fixture
def pndm(pipe, monkeypatch):
    """Return the pipeline with the scheduler that Stable Diffusion v1's own files name."""
    monkeypatch.setattr(pipe, "scheduler", PNDMScheduler.from_config(pipe.scheduler.config))
    return pipe


@pytest.fixture(autouse=True)
def count_unet_calls(pipe):
    """Count the denoiser's calls, so that a refusal is seen to come before the first."""
    calls = []
    handle = pipe.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    yield calls
    handle.remove()


def test_equals_the_bare_call_to_the_bit(pipe):
    bare = pipe(PROMPT, generator=torch.Generator("cpu").manual_seed(7), **FAST).images[0]
    assert bits(generate(pipe, PROMPT, seed=7, **FAST)[0].image) == bits(bare)


def test_a_first_timestep_beyond_the_last_is_refused_before_the_first_step(pipe, monkeypatch, count_unet_calls):
    with pytest.raises(ValueError, match="num_inference_steps is 1000; .* Give at most 999"):
        generate(pipe, PROMPT, num_inference_steps=1000)
    assert not count_unet_calls
    check_call(pipe, {"prompt": PROMPT, "num_inference_steps": 999})
    monkeypatch.setattr(pipe, "scheduler", EulerDiscreteScheduler.from_config(pipe.scheduler.config))
    check_call(pipe, {"prompt": PROMPT, "num_inference_steps": 1000})


def test_another_seed_gives_another_picture(pipe):
    assert bits(generate(pipe, PROMPT, seed=7, **FAST)[0].image) != bits(
        generate(pipe, PROMPT, seed=8, **FAST)[0].image
    )


def test_seed_defaults_to_zero(pipe):
    shot = generate(pipe, PROMPT, **FAST)[0]
    assert shot.settings["seed"] == 0
    assert bits(shot.image) == bits(generate(pipe, PROMPT, seed=0, **FAST)[0].image)


def test_each_picture_of_a_call_can_be_made_alone(pipe):
    shots = generate(pipe, ["a cat", "a red apple"], num_images_per_prompt=2, seed=3, **FAST)
    assert [shot.settings["seed"] for shot in shots] == [3, 4, 5, 6]
    assert [shot.settings["prompt"] for shot in shots] == ["a cat", "a cat", "a red apple", "a red apple"]
    for shot in shots:
        kept = {name: value for name, value in shot.settings.items() if value is not None}
        del kept["callback_on_step_end_tensor_inputs"]
        alone = generate(pipe, **kept)
        off = abs(np.asarray(alone[0].image, int) - np.asarray(shot.image, int))
        assert off.max() <= 2  # a batch adds up floats in another order


def test_settings_are_complete(pipe):
    shot = generate(pipe, PROMPT, seed=7, **FAST)[0]
    assert shot.settings["guidance_scale"] == 5.0 and shot.settings["eta"] == 0.0
    assert shot.settings["num_images_per_prompt"] == 1
    assert (shot.settings["height"], shot.settings["width"]) == shot.image.size == (128, 128)
    assert "generator" not in shot.settings
    assert shot.origin.scheduler == type(pipe.scheduler).__name__
    assert shot.origin.model == "built-in"
    assert len(shot.origin.fingerprint) == 16
    libraries = {"sdkit", "diffusers", "transformers", "torch", "numpy", "Pillow", "python"}
    assert set(shot.origin.versions) == libraries
    assert set(shot.origin.machine) == {"processor", "card", "threads"}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"nagative_prompt": ""}, TypeError, "did you mean negative_prompt"),
        ({"images": []}, TypeError, "images"),
        ({"strength": 0.5}, TypeError, "strength"),
        ({"height": 256}, ValueError, "height and width"),
        ({"height": 60, "width": 64}, ValueError, "multiple of 8"),
        ({"eta": 1.5}, ValueError, "eta"),
        ({"timesteps": [5, 1]}, ValueError, "timesteps"),
        ({"timesteps": [5, 1], "sigmas": [2.0, 1.0]}, ValueError, "both"),
        ({"clip_skip": 1}, ValueError, "clip_skip"),
        ({"clip_skip": 9}, ValueError, "2 layers"),
        ({"ip_adapter_image_embeds": [torch.zeros(1)]}, ValueError, "IP-Adapter"),
        ({"cross_attention_kwargs": {"foo": 1}}, ValueError, "foo"),
        ({"negative_prompt": ["red"]}, TypeError, "negative_prompt"),
        ({"prompt_embeds": torch.zeros(1, 77, 128)}, ValueError, "prompt_embeds"),
        ({"latents": torch.zeros(1, 4, 8, 8)}, ValueError, r"\(1, 4, 16, 16\)"),
        ({"latents": torch.zeros(1, 4, 16, 16, dtype=torch.float64)}, TypeError, "float64"),
        ({"generator": [torch.Generator()] * 2}, ValueError, "2 generators"),
        ({"callback_on_step_end": print, "callback_on_step_end_tensor_inputs": ["x"]}, ValueError, "'x'"),
        ({"seed": [1, 2]}, ValueError, "2 numbers for 1"),
        ({"seed": 1, "generator": torch.Generator()}, ValueError, "seed and generator"),
        ({"ineffective": "ignore"}, ValueError, "ineffective"),
    ],
)
def test_refused_before_any_denoising_step(pipe, count_unet_calls, arguments, error, words):
    if arguments == {"clip_skip": 1} and hasattr(pipe.text_encoder, "text_model"):
        pytest.skip("this transformers is one with which clip_skip works")
    with pytest.raises(error, match=words):
        generate(pipe, PROMPT, **arguments)
    assert not count_unet_calls


def test_no_prompt_at_all(pipe, count_unet_calls):
    with pytest.raises(ValueError, match="neither prompt nor prompt_embeds"):
        generate(pipe)
    assert not count_unet_calls


INEFFECTIVE = [
    ({"negative_prompt": "red", "guidance_scale": 1}, "negative_prompt has no effect"),
    ({"negative_prompt": "red", "guidance_scale": 0.5}, "acts exactly like 1"),
    ({"guidance_rescale": 0.5, "guidance_scale": 1}, "guidance_rescale has no effect"),
    ({"eta": 0.5}, "eta has no effect with PNDMScheduler"),
    ({"latents": torch.zeros(1, 4, 16, 16), "seed": 3}, "seed has no effect"),
    ({"callback_on_step_end_tensor_inputs": ["latents"]}, "without callback_on_step_end"),
    ({"return_dict": False}, "return_dict"),
    ({"prompt": "cat " * 75 + "red"}, "'red' is cut off"),
    ({"prompt": "a cat", "negative_prompt": "cat " * 75 + "red"}, "end of negative_prompt"),
    ({"prompt": "a (cat:1.3)"}, "'(cat:1.3)' in prompt has no effect as a command: diffusers reads it as letters"),
    ({"prompt": "a cat <lora:x:1>"}, "call pipe.load_lora_weights(...) and leave it out"),
    ({"prompt": "a cat", "negative_prompt": "((blue))"}, "'((blue))' in negative_prompt has no effect"),
]


@pytest.mark.parametrize(("arguments", "words"), INEFFECTIVE)
def test_arguments_without_effect_are_told(pndm, arguments, words):
    arguments = {"prompt": PROMPT, **arguments}
    seed_given = arguments.pop("seed", None) is not None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check_call(pndm, dict(arguments), seed_given=seed_given)
    assert any(one.category is NoEffectWarning and words in str(one.message) for one in told)
    with pytest.raises(ValueError, match=re.escape(words) if "acts" not in words else "no effect"):
        check_call(pndm, dict(arguments), seed_given=seed_given, ineffective="raise")


@pytest.mark.parametrize(("arguments", "words"), INEFFECTIVE[:4])
def test_what_is_told_is_true(pndm, arguments, words):
    plain = {name: value for name, value in arguments.items() if name == "guidance_scale"}
    with pytest.warns(NoEffectWarning):
        given = generate(pndm, PROMPT, num_inference_steps=4, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoEffectWarning)
        left_out = generate(pndm, PROMPT, num_inference_steps=4, **plain)
    assert bits(given[0].image) == bits(left_out[0].image)


def test_masked_image_latents_need_nine_channels(inpaint):
    picture = Image.new("RGB", (64, 64))
    call = {"prompt": PROMPT, "image": picture, "mask_image": picture.convert("L")}
    with pytest.warns(NoEffectWarning, match="masked_image_latents has no effect"):
        check_call(inpaint, {**call, "masked_image_latents": torch.zeros(1, 4, 16, 16)})


def test_what_has_an_effect_is_not_told(pipe):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEffectWarning)
        check_call(pipe, {"prompt": PROMPT, "negative_prompt": "red", "guidance_scale": 1.1, "eta": 0.5})
        check_call(pipe, {"prompt": PROMPT, "eta": 0.5, "latents": torch.zeros(1, 4, 16, 16)}, seed_given=True)


def test_used_up_generator_is_recorded_and_repeats(pipe):
    used = generator(5)
    torch.randn(3, generator=used)
    state = used.get_state()
    shot = generate(pipe, PROMPT, generator=used, **FAST)[0]
    assert torch.equal(shot.settings["generator_state"], state)
    assert "generator_state" not in generate(pipe, PROMPT, generator=generator(5), **FAST)[0].settings


def test_a_picture_hidden_by_the_safety_checker_is_told(pipe, monkeypatch):
    monkeypatch.setattr(type(pipe), "run_safety_checker", lambda self, image, device, dtype: (image * 0, [True]))
    with pytest.warns(UserWarning, match="picture 0 is black: the safety checker"):
        generate(pipe, PROMPT, **FAST)


def test_other_output_types_pass_through(pipe):
    shots = generate(pipe, PROMPT, output_type="latent", **FAST)
    assert tuple(shots[0].image.shape) == (4, 16, 16)


def test_a_strength_that_leaves_no_step_is_refused_unless_the_scheduler_makes_one_more(
    img2img, count_unet_calls, monkeypatch
):
    call = {"image": Image.new("RGB", (64, 64), "red"), "strength": 0, "num_inference_steps": 4}
    with pytest.raises(ValueError, match=r"strength is 0: of 4 .* stay the start picture\. Give at least 0\.25\.$"):
        generate(img2img, "a dog", **call)
    with pytest.raises(ValueError, match=r"strength is 0\.1: of 4 steps .* Give at least 0\.25, or more steps\.$"):
        generate(img2img, "a dog", **{**call, "strength": 0.1})
    assert not count_unet_calls
    monkeypatch.setattr(img2img, "scheduler", PNDMScheduler.from_config(img2img.scheduler.config))
    generate(img2img, "a dog", **call)
    assert count_unet_calls


def test_image_to_image_takes_its_own_arguments(pipe, img2img):
    start = generate(pipe, PROMPT, **FAST)[0].image
    shot = generate(img2img, "a dog", image=start, strength=0.5, num_inference_steps=4)[0]
    assert shot.settings["strength"] == 0.5 and shot.origin.pipeline == "StableDiffusionImg2ImgPipeline"
    with pytest.raises(TypeError, match="height"):
        generate(img2img, "a dog", image=start, height=64, width=64)


def test_a_record_stays_as_it_was_whatever_becomes_of_the_arguments(pipe, img2img):
    latents = torch.randn(1, 4, 16, 16, generator=generator(3))
    start = Image.new("RGB", (64, 64), "red")
    kept = latents.clone(), start.copy()
    from_noise = generate(pipe, "a cat", latents=latents, num_inference_steps=1)[0]
    from_picture = generate(img2img, "a cat", image=start, num_inference_steps=2)[0]
    latents.mul_(0.5)
    start.paste("blue", (0, 0, 64, 64))
    assert torch.equal(from_noise.settings["latents"], kept[0])
    assert from_picture.settings["image"].tobytes() == kept[1].tobytes()
