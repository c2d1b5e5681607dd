"""What a call will do, worked out once from a pipeline and its arguments."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sdkit.loading.device import device_of
from sdkit.parameters import known_names
from sdkit.schedulers import fresh_copy, try_steps
from sdkit.shot import is_picture

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a pipeline: its arguments as given, and what follows from them and the pipeline's defaults.

    `defaults` holds every argument of the pipeline's call with its default. `prompts` counts the prompts,
    `count` the pictures. `height` and `width` are the picture's pixels (None if they follow from a start
    picture of no known form). `guided` says whether the UNet sees each picture twice. `steps` counts the
    denoising steps that will run, of those schedulers that ask the UNet twice in a step two for each.
    """

    pipe: Any
    arguments: dict[str, Any]
    defaults: dict[str, Any]
    prompts: int
    count: int
    height: int | None
    width: int | None
    guided: bool
    steps: int

    def get(self, name: str) -> Any:
        """Return an argument's value, the pipeline's default where it is not given."""
        return self.arguments.get(name, self.defaults.get(name))

    @property
    def scheduler(self) -> str:
        """Return the name of the scheduler's class."""
        return type(self.pipe.scheduler).__name__

    @cached_property
    def device(self) -> torch.device:
        """Return the device that the call computes on; all modules are asked, so only once."""
        return device_of(self.pipe)

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """Return the shape of the call's latents: (pictures, channels, height / factor, width / factor).

        Only for pipelines whose call has height and width.
        """
        assert self.height is not None and self.width is not None
        factor = self.pipe.vae_scale_factor
        return self.count, self.pipe.vae.config.latent_channels, self.height // factor, self.width // factor


def resolve(pipe, arguments: dict[str, Any]) -> Call:
    """Return what a call with these arguments will do. Raises ValueError if neither prompt nor prompt_embeds is given.

    The arguments must have the right types; combinations that cannot work are found later, by
    `sdkit.call.check_together`.
    """
    defaults = known_names(pipe)
    given = {**defaults, **arguments}
    prompts = _prompt_count(given)
    height, width = _size(pipe, given, defaults)
    return Call(
        pipe=pipe,
        arguments=arguments,
        defaults=defaults,
        prompts=prompts,
        count=prompts * given["num_images_per_prompt"],
        height=height,
        width=width,
        guided=_is_guided(pipe, given),
        steps=_step_count(pipe, given),
    )


def step_takes(pipe, name: str) -> bool:
    """Say whether the scheduler's `step` has an argument of this name."""
    return name in inspect.signature(pipe.scheduler.step).parameters


def draws_noise_on_the_way(call: Call) -> bool:
    """Say whether the scheduler draws noise after the first step of this call: its steps are tried on a tiny tensor.

    Raises what the scheduler raises if it cannot work; `sdkit.call.check_together` finds that before.
    """
    if not step_takes(call.pipe, "generator"):
        return False
    planned = fresh_copy(call.pipe.scheduler)
    name = schedule_argument(call)
    planned.set_timesteps(**{name: call.get(name)})
    skipped = max(len(planned.timesteps) - call.steps, 0) if "strength" in call.defaults else 0
    return try_steps(planned, planned.timesteps[skipped:], call.get("eta"), until_noise=True).drew_noise


def uses_seed(call: Call) -> bool:
    """Say whether the seed can change the picture of this call, which it does not where all noise is given.

    With `latents` it still feeds what the scheduler draws on the way, and in inpainting, the one pipeline with a
    start picture that takes latents, what the VAE draws as it encodes that picture. Raises what
    `draws_noise_on_the_way` raises.
    """
    return call.arguments.get("latents") is None or "image" in call.defaults or draws_noise_on_the_way(call)


def schedule_argument(call: Call) -> str:
    """Return the name of the argument that says which steps run."""
    own = (name for name in ("timesteps", "sigmas") if call.arguments.get(name) is not None)
    return next(own, "num_inference_steps")


def _prompt_count(given):
    prompt, embeds = given["prompt"], given["prompt_embeds"]
    if prompt is None and embeds is None:
        raise ValueError("neither prompt nor prompt_embeds is given; give one of them.")
    if prompt is None:
        return embeds.shape[0]
    return len(prompt) if isinstance(prompt, list) else 1


def _size(pipe, given, defaults):
    """Return (height, width) in pixels; (None, None) where a start picture of unknown form decides."""
    if "height" not in defaults:
        return _start_size(pipe, given.get("image"))
    if given["height"] and given["width"]:
        return given["height"], given["width"]
    side = pipe.unet.config.sample_size
    height, width = (side, side) if isinstance(side, int) else side
    return height * pipe.vae_scale_factor, width * pipe.vae_scale_factor


def _start_size(pipe, image):
    """Return (height, width) in pixels of the picture that image to image makes of a start picture.

    `image` is a PIL picture, an array (..., height, width, 3), a tensor (..., 3, height, width), latents as
    such a tensor, or a list of one of these. diffusers' image processor makes sides multiples of the VAE's factor.
    """
    first = image[0] if isinstance(image, list) and image else image
    if is_picture(first):
        height, width = first.height, first.width
    elif len(getattr(first, "shape", ())) >= 3:
        channels_first = hasattr(first, "is_floating_point")  # a torch tensor
        channels, height, width = first.shape[-3:] if channels_first else [first.shape[i] for i in (-1, -3, -2)]
        if channels == pipe.vae.config.latent_channels:
            height, width = height * pipe.vae_scale_factor, width * pipe.vae_scale_factor
    else:
        return None, None
    factor = pipe.vae_scale_factor
    return height // factor * factor, width // factor * factor


def _is_guided(pipe, given):
    """Say whether guidance is on: above 1, and not with a guidance-distilled UNet.

    Source: `do_classifier_free_guidance` in pipeline_stable_diffusion.py of diffusers.
    """
    return given["guidance_scale"] > 1 and pipe.unet.config.get("time_cond_proj_dim") is None


def _step_count(pipe, given):
    own = next((given[name] for name in ("timesteps", "sigmas") if given.get(name) is not None), None)
    steps = given["num_inference_steps"] if own is None else len(own)
    steps = min(int(steps * given.get("strength", 1.0)), steps)  # as in `get_timesteps` of image to image
    return steps * getattr(pipe.scheduler, "order", 1)
