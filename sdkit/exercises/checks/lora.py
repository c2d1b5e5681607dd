"""The exercises of lesson 28: how strongly a LoRA acts, and its formula."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.exercises.answers import called, kind_of, number_of, returned
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import Finding, finding, refuse
from sdkit.exercises.own import fresh_pipe

CONE, SEED, STEPS, GUIDANCE = "a big <zib> on a green background, flat style", 1, 8, 1.5
_SCALE, _WITHIN = 0.7, 0.15  # half would be everybody's guess


@cache
def _cone() -> Any:
    """Return the cone at the hidden strength, by a model of its own: the word and the LoRA are loaded into it."""
    import torch

    from sdkit.examples import example
    from sdkit.quiet import quiet

    pipe = fresh_pipe()
    with quiet():
        pipe.load_textual_inversion(example("zib.safetensors"))
        pipe.load_lora_weights(example("zib_lora.safetensors"), adapter_name="zib")
    call = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "cross_attention_kwargs": {"scale": _SCALE}}
    return pipe(CONE, generator=torch.Generator("cpu").manual_seed(SEED), **call).images[0]


@exercise(points=1, puzzle=lambda: _cone().copy())
def which_scale(answer):
    """The strength of the LoRA in a picture, within 0.15."""
    scale = number_of(answer)
    yield finding(
        "scale",
        abs(scale - _SCALE) <= _WITHIN,
        right="{scale:g} is within 0.15 of the LoRA's strength.",
        missing="{scale:g} is more than 0.15 away from the LoRA's strength.",
        hint="Draw a row of cones with other values of lora_scale. sd.distance gets smaller the nearer you are.",
        scale=scale,
    )


@exercise(points=2)
def merged(answer):
    """The weights of a layer with its LoRA, as a function."""
    import torch

    random = torch.Generator("cpu").manual_seed(0)
    W, B, A = (torch.randn(shape, generator=random) for shape in ((6, 5), (6, 2), (2, 5)))
    for name, scale, alpha in (("scale 0", 0.0, 2.0), ("scale 1", 1.0, 2.0), ("alpha 6", 0.5, 6.0)):
        given = returned(called(answer, W.clone(), B.clone(), A.clone(), scale, alpha), _matrix, W.shape)
        yield _sum(name, given, W + scale * alpha / 2 * (B @ A), scale, alpha)


def _sum(name: str, given: Any, wanted: Any, scale: float, alpha: float) -> Finding:
    import torch

    return finding(
        name,
        torch.allclose(given, wanted, atol=1e-4),
        right="A scale of {scale:g} with an alpha of {alpha:g} and a rank of 2 is right.",
        missing="A scale of {scale:g} with an alpha of {alpha:g} and a rank of 2 is not right.",
        hint="Compare with the formula of the lesson, part by part. The rank is how wide B is; is it there?",
        scale=scale,
        alpha=alpha,
    )


def _matrix(value: Any, shape: Any) -> Any:
    import torch

    if not isinstance(value, torch.Tensor) or value.shape != shape:
        raise refuse(
            "matrix",
            missing="The function returns something of the type {kind} that is no matrix of the shape of W.",
            hint="Matrices are multiplied with @, and the order counts: the thin one times the low one.",
            kind=kind_of(value),
        )
    return value.float()
