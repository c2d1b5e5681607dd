"""A call as a film: at each step the noisy latents, and the clean picture that the model guesses from them.

The guess is what papers call the predicted x0. It is worked out from what goes into the UNet and what comes out
(arXiv 2010.02502, equation 12, for epsilon; arXiv 2202.00512, appendix D, for v), so that it holds for every scheduler.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdkit.call.exclusive import calling
from sdkit.errors import plain_errors
from sdkit.inside.unet_calls import for_one_picture, unet_calls
from sdkit.loading.present import check_present
from sdkit.parameters import short
from sdkit.show.drawing import Drawing, Section, lay_out

if TYPE_CHECKING:
    import PIL.Image
    import torch

COLUMNS = 8  # steps that a film shows of itself


@plain_errors
def decode(pipe, latents: torch.Tensor) -> list[PIL.Image.Image]:
    """Return the pictures of latents (N, 4, h, w), as the pipeline's VAE decodes them.

    Raises TypeError for what is no pipeline or no tensor, ValueError for another shape.
    """
    import torch

    check_present(pipe, ["vae", "image_processor"])
    if not isinstance(latents, torch.Tensor):
        raise TypeError(
            f"latents is {short(latents)}; give a tensor, such as a call with output_type='latent' returns."
        )
    channels = pipe.vae.config.latent_channels
    if latents.ndim != 4 or latents.shape[1] != channels:
        raise ValueError(f"latents has the shape {tuple(latents.shape)}; give (pictures, {channels}, height, width).")
    with torch.no_grad():
        decoded = pipe.vae.decode(latents.to(pipe.vae.dtype) / pipe.vae.config.scaling_factor).sample
    return pipe.image_processor.postprocess(decoded)


@dataclass(eq=False)
class Film:
    """What one call did, one entry for each time that it asked the UNet.

    `timesteps` are the moments, from about 999 (nearly noise alone) down to about 0 (clean). `noisy` and `predicted`
    hold latents (1, 4, h, w): what the UNet was given, scaled as it wants it, and the clean picture it guessed.
    `image` is the picture of the call. The film shows itself as two rows of at most 8 pictures; `draw` chooses them.
    """

    pipe: Any
    timesteps: list[float] = field(default_factory=list)
    noisy: list[torch.Tensor] = field(default_factory=list)
    predicted: list[torch.Tensor] = field(default_factory=list)
    image: PIL.Image.Image | None = None

    def __len__(self):
        return len(self.timesteps)

    def draw(self, columns: int = COLUMNS) -> Drawing:
        """Draw so many of its steps, the first and the last among them: noisy above, predicted below."""
        import torch

        if columns < 2:
            raise ValueError(f"columns is {columns}; give 2 or more.")
        last, count = len(self) - 1, min(columns, len(self))
        chosen = [round(number * last / max(1, count - 1)) for number in range(count)]
        rows = [
            list(decode(self.pipe, torch.cat([row[number] for number in chosen])))
            for row in (self.noisy, self.predicted)
        ]
        heads = [f"{self.timesteps[number]:.0f}" for number in chosen]
        section = Section(
            rows, column_name="timestep", column_heads=heads, row_heads=["noisy latents", "predicted picture"]
        )
        seen = f"{count} of {len(self)} steps, timesteps {', '.join(heads)}"
        alt = f"{seen}: above, noise that turns into the picture; below, the clean picture predicted at each step"
        return lay_out([section], f"<Film of {seen}>", alt)

    def __repr__(self):
        return f"<Film of {len(self)} steps>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.draw()._repr_mimebundle_()


@plain_errors
def film(pipe, prompt: str | None = None, *, seed: int = 0, **arguments: Any) -> Film:
    """Call a pipeline for one picture, and return what it saw and guessed on the way as a `Film`.

    The picture may be made from a text alone, from an image, or from an image and a mask.
    `arguments` are those of the pipeline's own call, checked as `generate` checks them; with guidance, the guess is
    the guided one (without `guidance_rescale`). Raises what `generate` raises, and ValueError for several pictures, for
    a generator, since `seed` stands for one, and for another output_type than "pil".
    """
    passed = for_one_picture(pipe, prompt, arguments, seed)
    with calling(pipe, passed), unet_calls(pipe) as calls:
        image = pipe(**passed).images[0]
    made = Film(pipe, [call.timestep for call in calls], image=image)
    for sample, timestep, answer, guidance_scale in calls:
        if len(sample) == 2:
            without, told = answer.chunk(2)
            sample, answer = sample[:1], without + guidance_scale * (told - without)
        sample = sample[:, : answer.shape[1]]  # without the mask and the masked picture, if the UNet takes them
        made.noisy.append(sample)
        made.predicted.append(predicted(pipe.scheduler, sample, answer, timestep))
    return made


def predicted(scheduler, sample: torch.Tensor, answer: torch.Tensor, timestep: float) -> torch.Tensor:
    """Return the clean latents that an answer of the UNet stands for.

    `sample` is what the UNet was given (scaled to a variance of 1), `answer` what it said, `timestep` from 0 to 999.
    Raises ValueError for a prediction type that is none of epsilon, v_prediction and sample.
    """
    kind = scheduler.config.prediction_type
    level = scheduler.alphas_cumprod[round(timestep)].to(sample)
    signal, noise = level**0.5, (1 - level) ** 0.5
    if kind == "epsilon":
        return (sample - noise * answer) / signal
    if kind == "v_prediction":
        return signal * sample - noise * answer
    if kind == "sample":
        return answer
    raise ValueError(f"prediction_type is {kind!r}; a film is made for epsilon, v_prediction and sample.")
