"""The exercises of lesson 13: latents to keep, the quality of a JPEG, and a picture out of a tensor."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any

import numpy as np

from sdkit.exercises.answers import called, kind_of, number_of, picture_of, returned
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import drawn, own_pipe
from sdkit.measure import pixels

PROMPT = "a big house on a green background, flat style"
STEPS = 8
_SEED = 3
_QUALITY, _WITHIN = 35, 5


@exercise(points=1)
def kept(answer):
    """Latents of a rabbit on purple, to be decoded later."""
    import torch

    pipe = own_pipe()
    side = pipe.unet.config.sample_size
    shape = (1, pipe.unet.config.in_channels, side, side)
    if not torch.is_tensor(answer) or answer.shape != shape:
        raise refuse(
            "latents",
            missing="This is of the type {kind} with the shape {given}; latents of one picture have the shape {shape}.",
            hint="The call can stop before the decoder. Which output_type does that?",
            kind=kind_of(answer),
            given=tuple(getattr(answer, "shape", ())),
            shape=shape,
        )
    with torch.no_grad():
        latents = answer.detach().float().cpu() / pipe.vae.config.scaling_factor
        picture = pipe.image_processor.postprocess(pipe.vae.decode(latents).sample)[0]
    yield shows(picture, "object", "rabbit")
    yield shows(picture, "background", "purple")


@cache
def _stained() -> Any:
    from PIL import Image

    stored = BytesIO()
    drawn(PROMPT, _SEED, num_inference_steps=STEPS).save(stored, "JPEG", quality=_QUALITY)
    return Image.open(stored).convert("RGB")


@exercise(points=2, puzzle=lambda: _stained().copy())
def quality(answer):
    """The quality that a picture was saved with as JPEG, within 5."""
    value = number_of(answer)
    yield finding(
        "quality",
        abs(value - _QUALITY) <= _WITHIN,
        right="{value:g} is within 5 of the quality that it was saved with.",
        missing="{value:g} is more than 5 away from the quality that it was saved with.",
        hint="Make the picture yourself, save it with several values of quality, open the files, and see which of them "
        "is nearest to the puzzle.",
        value=value,
    )


@exercise(points=2)
def to_picture(answer):
    """A function that makes a picture of a tensor of output_type pt."""
    import torch

    side = 64
    ramp = torch.linspace(0, 1, side)
    # Each colour runs another way, so that no axis can be taken for another one.
    tensor = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), 1 - ramp.expand(side, side)])[None]
    given = tensor.clone()
    picture = returned(called(answer, given), picture_of)
    wanted = np.round(tensor[0].permute(1, 2, 0).numpy() * 255)
    found = pixels(picture)
    fits = found.shape == wanted.shape and np.abs(found - wanted).max() < 2
    yield finding(
        "axes",
        fits,
        right="Every colour is at its place.",
        missing="The colours are not at their places.",
        hint="The tensor has the colours before height and width, a picture has them last. reshape only counts the "
        "numbers off anew; axes are moved by another function.",
    )
    if fits:
        yield finding(
            "rounding",
            np.abs(found - wanted).max() < 0.5,
            right="The values are rounded as diffusers rounds them.",
            missing="Some values are one level too low.",
            hint='astype("uint8") cuts off what is behind the point: 254.9 becomes 254.',
        )
    yield finding(
        "untouched",
        torch.equal(given, tensor),
        right="The tensor that your function got is as it was.",
        missing="Your function changed the tensor that it got.",
        hint="An operator such as *= writes into the tensor itself; make a new one.",
    )
