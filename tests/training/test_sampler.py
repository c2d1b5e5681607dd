"""The sampler's steps, against those of the pipeline."""

import numpy as np
import pytest
import torch

from training import prompts, vae128
from training.denoiser import LATENT_STD
from training.sampler import Sampler, scheduler


@pytest.fixture(scope="module")
def sampler(pipe):
    """Return a sampler of the built-in model's parts."""
    return Sampler(pipe.unet, pipe.text_encoder, pipe.tokenizer)


def test_the_sampler_draws_what_the_pipeline_draws(pipe, sampler, monkeypatch):
    texts, seeds = ["a cat", "赤い背景の犬"], [3, 4]
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    monkeypatch.setattr(pipe, "scheduler", scheduler(4))
    wanted = pipe(texts, generator=generators, num_inference_steps=4, guidance_scale=3, output_type="latent").images
    assert torch.allclose(sampler.sample(texts, seeds, 3, steps=4), wanted, atol=1e-3)


def test_latents_that_went_through_the_unet_show_the_same_picture(pipe, sampler, plain_shapes, large_shapes):
    latents = vae128.encode(pipe.vae, large_shapes) / LATENT_STD
    texts = [prompts.english(scene) for scene, _ in plain_shapes[::10]]
    torch.manual_seed(0)
    again = sampler.remade(latents, texts, np.random.default_rng(0))
    assert 0.001 < float((again - latents).std()) < 0.35
