"""What a UNet costs in arithmetic and a VAE in memory, counted on the meta device: from configurations, no weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sdkit.errors import plain_errors

TOKENS = 77  # places of CLIP's text, which the UNet reads whatever the prompt


class Flops(NamedTuple):
    """Floating-point operations, a multiplication and an addition each one: all, and those of attention's products."""

    total: int
    attention: int


@plain_errors
def unet_flops(unet: Any, height: int, width: int | None = None, *, factor: int = 8) -> Flops:
    """Return the floating-point operations of one call of a UNet for one picture of `height` x `width` pixels.

    `unet` is a UNet2DConditionModel or what makes one, a dictionary of its configuration; `width` is the height if it
    is not given, `factor` the pixels of a latent's side. Counted are convolutions and products of matrices;
    `attention` are the products of queries with keys, and of the weights with values. Nothing is computed: the
    network is made again without numbers. Raises ValueError for sides that are not multiples of the factor.
    """
    import torch
    from diffusers import UNet2DConditionModel
    from torch.utils.flop_counter import FlopCounterMode

    width = height if width is None else width
    if height % factor or width % factor or min(height, width) < factor:
        raise ValueError(f"the picture is {height} x {width}; give multiples of {factor} pixels.")
    config = unet if isinstance(unet, Mapping) else unet.config
    with torch.device("meta"), torch.no_grad():
        empty = UNet2DConditionModel.from_config(config)
        latents = torch.zeros(1, empty.config.in_channels, height // factor, width // factor)
        words = torch.zeros(1, TOKENS, empty.config.cross_attention_dim)
        with FlopCounterMode(display=False) as counter:
            empty(latents, torch.zeros(()), encoder_hidden_states=words)
    kinds = counter.get_flop_counts()["Global"]
    attention = sum(count for kind, count in kinds.items() if "bmm" in str(kind) or "attention" in str(kind))
    return Flops(counter.get_total_flops(), attention)


@plain_errors
def largest_result(vae: Any, pictures: int, height: int, width: int | None = None, *, slicing: bool = False) -> int:
    """Return the bytes of the largest single result when a VAE decodes so many pictures of `height` x `width` pixels.

    `vae` is an AutoencoderKL or a dictionary of its configuration; `slicing` is what `vae.enable_slicing()` does: one
    picture after the other. Counted in float32, over the convolutions, on the meta device: nothing is computed. Raises
    ValueError for less than one picture and for sides that are not multiples of the VAE's factor.
    """
    import torch
    from diffusers import AutoencoderKL

    width = height if width is None else width
    config = vae if isinstance(vae, Mapping) else vae.config
    sizes: list[int] = []
    with torch.device("meta"), torch.no_grad():
        empty = AutoencoderKL.from_config(config).float()
        factor = 2 ** (len(empty.config.block_out_channels) - 1)
        if pictures < 1 or height % factor or width % factor or min(height, width) < factor:
            raise ValueError(
                f"there are {pictures} pictures of {height} x {width}; give 1 or more, of multiples of {factor} pixels."
            )
        for part in empty.modules():
            if isinstance(part, torch.nn.Conv2d):
                part.register_forward_hook(lambda module, given, result: sizes.append(result.nbytes))
        empty.use_slicing = slicing
        empty.decode(torch.zeros(pictures, empty.config.latent_channels, height // factor, width // factor))
    return max(sizes)
