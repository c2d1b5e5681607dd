"""The exercises of lesson 2: what the parts hand on, how often each is called, and the last part by hand."""

from __future__ import annotations

from typing import Any

from sdkit.exercises.answers import called, kind_of, picture_of, returned, table_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import Finding, finding
from sdkit.exercises.looks import same
from sdkit.exercises.own import own_pipe

HEIGHT, WIDTH = 128, 192
# What a call with 6 steps and guidance does with the built-in model: both texts are encoded, one after the other,
# and the UNet gets both copies of the latents at once.
_CALLS = {"text_encoder": 2, "unet": 6, "vae_decoder": 1}


@exercise(points=1)
def shapes(answer):
    """The shapes of what the parts hand on, for a picture of 192 x 128 pixels."""
    pipe = own_pipe()
    side = pipe.vae_scale_factor
    expected = {
        "tokens": (1, pipe.tokenizer.model_max_length),
        "vectors": (1, pipe.tokenizer.model_max_length, pipe.text_encoder.config.hidden_size),
        "latents": (1, pipe.unet.config.in_channels, HEIGHT // side, WIDTH // side),
    }
    for name, given in table_of(answer, tuple(expected)).items():
        yield _shape(name, given, expected[name])


def _shape(name: str, given: Any, expected: tuple[int, ...]) -> Finding:
    shape: tuple[Any, ...] | None = (
        tuple(given) if isinstance(given, (tuple, list)) or hasattr(given, "numel") else None
    )
    return finding(
        name,
        shape == expected,
        right="{name}: the shape is right.",
        missing="{name}: {given} is not the shape.",
        hint="Have that part make them and look at .shape. It begins with the number of pictures; of pictures and "
        "latents the height stands before the width.",
        name=name,
        given=kind_of(given) if shape is None else shape,
    )


@exercise(points=2)
def calls(answer):
    """How often each part is called in a call of 6 steps."""
    for name, given in table_of(answer, tuple(_CALLS)).items():
        yield finding(
            name,
            given == _CALLS[name] and not isinstance(given, bool),
            right="{name}: that is how often it is called.",
            missing="{name}: {given} is not the number of its calls.",
            hint="Count: register_forward_hook on the part, or a look at the lesson's loop. Which part works once a "
            "step, which one for each text?",
            name=name,
            given=str(given)[:40],
        )


@exercise(points=3)
def decode(answer):
    """A function that turns latents into a picture, as the pipeline does."""
    import torch

    pipe = own_pipe()
    start = torch.Generator("cpu").manual_seed(3)
    few = {"num_inference_steps": 4, "generator": start, "output_type": "latent"}
    latents = pipe("an owl on a blue background", **few).images
    with torch.no_grad():
        pixels = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
    expected = pipe.image_processor.postprocess(pixels)[0]
    given = latents.clone()
    picture = returned(called(answer, given), picture_of)
    yield finding(
        "size",
        picture.size == expected.size,
        right="The picture has the right size.",
        missing="The picture has {given} pixels; the latents hold one of {expected}.",
        hint="The VAE's decoder makes the pixels; nothing has to be enlarged or cut.",
        given="{} x {}".format(*picture.size),
        expected="{} x {}".format(*expected.size),
    )
    yield same(
        "equal",
        picture,
        expected,
        right="The picture is the pipeline's own.",
        missing="The picture is not the pipeline's own.",
        hint="Latents are stored smaller than the VAE wants them, by scaling_factor. Which way round, and before or "
        "after the decoder? Then pixels of -1 to 1 become 0 to 255.",
    )
    yield finding(
        "untouched",
        torch.equal(given, latents),
        right="The latents that your function got are as they were.",
        missing="Your function changed the latents that it got.",
        hint="An operator such as /= writes into the tensor itself; make a new one.",
    )
