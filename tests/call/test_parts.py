"""Pipelines whose parts are missing or do not fit are told before the first step."""

import diffusers
import pytest
import torch

from sdkit import generate, load_pipeline, rebuild, save_picture, sweep


@pytest.fixture
def own():
    """Load a pipeline that may be changed."""
    return load_pipeline()


@pytest.mark.parametrize("part", ["unet", "vae", "scheduler", "tokenizer", "text_encoder"])
def test_a_missing_part_is_named(own, part):
    setattr(own, part, None)
    with pytest.raises(TypeError, match=f"pipe.{part} is None; set it"):
        generate(own, "a cat")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_parts_of_different_formats_are_named_but_inside_autocast(own, part):
    getattr(own, part).to(torch.bfloat16)
    with pytest.raises(ValueError, match=f"different number formats: .*{part} torch.bfloat16"):
        generate(own, "a cat", num_inference_steps=1)
    if part == "unet":
        with torch.autocast("cpu", torch.bfloat16):
            generate(own, "a cat", num_inference_steps=1)


def test_a_token_without_a_row_is_named(own):
    own.tokenizer.add_tokens(["<new>"])
    generate(own, "a cat", num_inference_steps=1)
    for texts in ({"prompt": "a <new> cat"}, {"prompt": "a cat", "negative_prompt": "<new>"}):
        name = list(texts)[-1]
        with pytest.raises(ValueError, match=f"{name} holds '<new>', a token that was added"):
            generate(own, **texts, num_inference_steps=1)
    own.text_encoder.resize_token_embeddings(len(own.tokenizer))
    generate(own, "a <new> cat", num_inference_steps=1)


@pytest.mark.parametrize("kind", ["PNDMScheduler", "DDIMScheduler", "DPMSolverMultistepScheduler"])
def test_a_scheduler_with_a_step_of_its_own_runs_as_in_diffusers(own, kind):
    own.scheduler = getattr(diffusers, kind).from_config(own.scheduler.config)
    step = own.scheduler.step
    own.scheduler.step = lambda *given, **named: step(*given, **named)
    call = {"prompt": "a cat", "num_inference_steps": 3, "guidance_scale": 1.0}
    bare = own(generator=torch.Generator().manual_seed(1), **call).images[0]
    assert generate(own, seed=1, **call)[0].image.tobytes() == bare.tobytes()


def test_something_that_is_no_scheduler_is_refused(own):
    for name in ("SchedulerMixin", "UNet2DConditionModel"):
        with pytest.raises(ValueError, match=f"scheduler is '{name}'; .*known are"):
            sweep(own, "a cat", scheduler=[name], num_inference_steps=1)


def test_layers_stored_in_another_format_are_no_mixture(own):
    own.unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    generate(own, "a cat", num_inference_steps=1)


def test_a_step_with_other_names_fits(own):
    class Own(type(own.scheduler)):
        def step(self, output, *rest, **named):
            return super().step(output, *rest, **named)

    own.scheduler = Own.from_config(own.scheduler.config)
    generate(own, "a cat", num_inference_steps=2, guidance_scale=1.0)


@pytest.mark.parametrize("pipe", [None, "built-in", diffusers.StableDiffusionPipeline])
def test_what_is_no_pipeline_is_named(pipe, tmp_path, own):
    path = save_picture(generate(own, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    with pytest.raises(TypeError, match="pipe is .*; give a Stable Diffusion pipeline"):
        sweep(pipe, "a cat", seed=[1])
    if pipe is not None:
        with pytest.raises(TypeError, match="pipe is .*; give a Stable Diffusion pipeline|pipe\\..* is None"):
            rebuild(path, pipe)
