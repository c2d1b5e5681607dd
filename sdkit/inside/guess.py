"""What a model guesses of a picture under noise: the task that it was trained for, one guess for each timestep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sdkit.call.exclusive import exclusive
from sdkit.call.generate import generator
from sdkit.errors import plain_errors
from sdkit.inside.film import decode, predicted
from sdkit.loading.present import check_present
from sdkit.parameters import check_value
from sdkit.show.drawing import Drawing, Section, as_picture, lay_out

if TYPE_CHECKING:
    import PIL.Image
    import torch


@plain_errors
def guess(
    pipe, picture: PIL.Image.Image, prompt: str, *, timestep: int | Sequence[int], seed: int = 0, guidance_scale=7.5
) -> Drawing:
    """Lay noise over a picture, as much as belongs to each timestep, and draw that above what the model guesses.

    `picture` is a PIL picture or a shot, with the sides that the model was trained with; `timestep` is from 0, clean,
    to 999, nearly noise alone. A guess is one call of the UNet with the prompt and with the empty text, as in each
    step of a picture; nothing is repeated. Raises ValueError for a timestep that the scheduler does not have, and for
    none, TypeError for what is no picture, no pipeline or no number.
    """
    check_present(pipe)
    check_value("guidance_scale", guidance_scale)
    moments = list(timestep) if isinstance(timestep, Iterable) else [timestep]
    last = pipe.scheduler.config.num_train_timesteps - 1
    for moment in moments:
        if moment not in range(last + 1):
            raise ValueError(f"timestep is {moment}; give whole numbers from 0 to {last}.")
    if not moments:
        raise ValueError("there is no timestep; give at least one.")
    picture = as_picture(getattr(picture, "image", picture))
    with exclusive(pipe):
        noised, guessed = _guessed(pipe, picture, prompt, moments, seed, guidance_scale)
        rows = [decode(pipe, noised), decode(pipe, guessed)]
    heads = [str(moment) for moment in moments]
    section = Section(
        rows, column_name="timestep", column_heads=heads, row_heads=["picture and noise", "what the model guesses"]
    )
    seen = f"timesteps {', '.join(heads)}"
    alt = f"{seen}: above, a picture under more and more noise; below, the clean picture that the model guesses"
    return lay_out([section], f"<Guesses at {seen}>", alt)


def _guessed(pipe, picture, prompt, moments, seed, guidance_scale) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the latents with noise and those guessed, one of each per moment."""
    import torch

    with torch.no_grad():
        kind = {"device": pipe.device, "dtype": pipe.unet.dtype}
        clean = pipe.vae.encode(pipe.image_processor.preprocess(picture).to(**kind)).latent_dist.mean
        clean = clean * pipe.vae.config.scaling_factor
        noise = torch.randn(clean.shape, generator=generator(seed)).to(**kind)
        told, empty = pipe.encode_prompt(prompt, pipe.device, 1, True, "")
        noised, guessed = [], []
        for moment in moments:
            level = pipe.scheduler.alphas_cumprod[moment].to(**kind)
            sample = level**0.5 * clean + (1 - level) ** 0.5 * noise
            answers = pipe.unet(torch.cat([sample] * 2), moment, torch.cat([empty, told])).sample
            without, asked = answers.chunk(2)
            answer = without + guidance_scale * (asked - without)
            noised.append(sample)
            guessed.append(predicted(pipe.scheduler, sample, answer, moment))
    return torch.cat(noised), torch.cat(guessed)
