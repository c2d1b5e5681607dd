"""The built-in model as checks and puzzles use it: never the reader's pipeline, which may have been changed."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from sdkit.loading.components import pipeline_from
from sdkit.loading.locate import BUILT_IN
from sdkit.loading.pipeline import load_pipeline


@cache
def _parts() -> Any:
    return load_pipeline(BUILT_IN, device="cpu")


def own_pipe(kind: str = "StableDiffusionPipeline") -> Any:
    """Return a new pipeline of the built-in model with a scheduler of its own; the weights are loaded once.

    `kind` is the name of one of diffusers' classes for Stable Diffusion, such as "StableDiffusionImg2ImgPipeline".
    """
    import diffusers

    pipe = _parts()
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    return pipeline_from(getattr(diffusers, kind), pipe, scheduler=scheduler)


def fresh_pipe(dtype: Any = None) -> Any:
    """Return a pipeline of the built-in model with weights of its own, for an answer that may change them."""
    return load_pipeline(BUILT_IN, device="cpu", dtype=dtype)


def weights_of(pipe: Any) -> list[Any]:
    """Return the weights of a pipeline's UNet, VAE and text encoder, always in the same order."""
    return [weight for part in (pipe.unet, pipe.vae, pipe.text_encoder) for weight in part.parameters()]


def is_the_model(pipe: Any) -> bool:
    """Say whether a pipeline's weights are the built-in model's, but for the rounding of a format of two bytes."""
    pairs = zip(weights_of(pipe), weights_of(own_pipe()))
    return all(
        weight.shape == other.shape and bool((weight - other).abs().max() <= 0.01 * other.abs().max())
        for weight, other in pairs
    )


def drawn(prompt: str, seed: int, **arguments: Any) -> Any:
    """Return the PIL picture that the built-in model makes of a prompt, with a fresh generator.

    Puzzles and checks show it few steps: 8 draw well and take half a second. Pictures that were made before are
    remembered, so arguments are plain values.
    """
    return _drawn(prompt, seed, tuple(sorted(arguments.items()))).copy()


@lru_cache(maxsize=64)
def _drawn(prompt: str, seed: int, arguments: tuple[tuple[str, Any], ...]) -> Any:
    import torch

    return own_pipe()(prompt, generator=torch.Generator("cpu").manual_seed(seed), **dict(arguments)).images[0]
