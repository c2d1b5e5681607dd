"""Stable Diffusion v1 at full size without its weights: bytes and operations that its structure alone decides.

The models are built on PyTorch's `meta` device, where a tensor has a shape and no numbers. The structure is that of
the configuration files of CompVis/stable-diffusion-v1-4 (unet, vae) and openai/clip-vit-large-patch14 (text encoder).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sdkit.errors import plain_errors
from sdkit.inside.arithmetic import unet_flops
from sdkit.inside.memory import MemoryTrace, trace_memory

if TYPE_CHECKING:
    import torch

UNET: dict[str, Any] = {
    "sample_size": 64, "in_channels": 4, "out_channels": 4, "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2, "attention_head_dim": 8, "cross_attention_dim": 768, "norm_num_groups": 32,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}  # fmt: skip
VAE: dict[str, Any] = {
    "sample_size": 512, "latent_channels": 4, "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2,
    "norm_num_groups": 32, "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "max_position_embeddings": 77,
}  # fmt: skip
FACTOR = 8  # pixels of a picture for each place of the latents
HEADS, HEAD_SIZE = 8, 40  # of the UNet's first attention layer, which has most places


class UNetWork(NamedTuple):
    """What one run of the UNet with guidance takes for a picture of `side` pixels.

    `operations`: multiplications and additions. `attention_share`: the share of them that fills and uses the tables
    of who looks at whom, 0 to 1. `tables`: numbers in the tables of the layer with most places, all heads and
    both halves of the guidance batch together, as attention without blocks or slices makes them.
    """

    side: int
    operations: int
    attention_share: float
    tables: int


@cache
def _parts() -> dict[str, Any]:
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.device("meta"):
        return {
            "text_encoder": CLIPTextModel(CLIPTextConfig(**TEXT)),
            "unet": UNet2DConditionModel(**UNET),
            "vae": AutoencoderKL(**VAE),
        }


@plain_errors
def sd_v1_weights() -> dict[str, int]:
    """Return how many numbers the weights of each part are: text_encoder, unet and vae."""
    return {name: sum(weight.numel() for weight in part.parameters()) for name, part in _parts().items()}


@plain_errors
def sd_v1_work(side: int = 512) -> UNetWork:
    """Return what one run of the UNet takes for a square picture of `side` pixels, with guidance.

    Raises ValueError for a side that is not a multiple of 64, as the UNet halves its places three times.
    """
    if side <= 0 or side % (8 * FACTOR):
        raise ValueError(f"side is {side}; give a multiple of {8 * FACTOR}.")
    flops = unet_flops(UNET, side)
    return UNetWork(side, 2 * flops.total, flops.attention / flops.total, 2 * HEADS * (side // FACTOR) ** 4)


@plain_errors
def sd_v1_attention(side: int = 512, seed: int = 0) -> tuple[Any, torch.Tensor]:
    """Return the UNet's first attention layer and something to put in: (2, places, 320), as for a picture of `side`.

    Both are random numbers drawn from `seed`: for memory and time their values do not matter. Here they are real, on
    the CPU, in float32. Raises ValueError for a side that is not a multiple of 8.
    """
    import torch
    from diffusers.models.attention_processor import Attention

    if side <= 0 or side % FACTOR:
        raise ValueError(f"side is {side}; give a multiple of {FACTOR}.")
    width = UNET["block_out_channels"][0]
    draw = torch.Generator("cpu").manual_seed(seed)
    layer = Attention(width, heads=HEADS, dim_head=HEAD_SIZE).eval().requires_grad_(False)
    for weight in layer.parameters():
        weight.uniform_(-(width**-0.5), width**-0.5, generator=draw)
    return layer, torch.randn(2, (side // FACTOR) ** 2, width, generator=draw)


@plain_errors
def trace_attention(side: int = 512, slice_size: int | str | None = None) -> MemoryTrace:
    """Run that layer once on the CPU and return what it takes of the main memory.

    `slice_size` is what `enable_attention_slicing` takes ("auto", "max", a number of tables from 1 to 8), None for the
    default, or "plain" for attention that makes all its tables at once. It runs on one thread, since PyTorch's own
    attention takes working memory for each. Raises ValueError for anything else.
    """
    from diffusers.models.attention_processor import AttnProcessor

    layer, places = sd_v1_attention(side)
    if slice_size == "plain":
        layer.set_processor(AttnProcessor())
    else:
        words: dict[Any, Any] = {"auto": HEADS // 2, "max": 1}
        size = words.get(slice_size, slice_size)
        if size is not None and size not in range(1, HEADS + 1):
            known = f'"auto", "max", 1 to {HEADS}, None or "plain"'
            raise ValueError(f"slice_size is {slice_size!r}; give {known}.")
        layer.set_attention_slice(size)
    with _one_thread():
        return trace_memory(layer, places)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
