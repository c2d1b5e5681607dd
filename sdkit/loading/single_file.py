"""A pipeline written as one file, with the names that the original programs gave its tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdkit.errors import plain_errors
from sdkit.files import expanded, whole
from sdkit.loading import ldm
from sdkit.loading.present import check_present

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


@plain_errors
def save_single_file(pipe: StableDiffusionPipeline, path: str | Path) -> Path:
    """Write UNet, VAE and text encoder into one .safetensors file, and return its path.

    That is the usual form of community models, which diffusers' `from_single_file` reads. Tokenizer, scheduler and
    configurations are not in it: they come from a folder or a Hub id given as `config`. The number format is that of
    the weights. The file is written whole or not at all. Raises ValueError for another ending, TypeError for what is no
    pipeline.
    """
    from safetensors.torch import save_file

    check_present(pipe, ["unet", "vae", "text_encoder"])
    path = expanded(path)
    if path.suffix.lower() != ".safetensors":
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .safetensors.")
    unet, vae = pipe.unet.config, pipe.vae.config
    attends = ["Attn" in kind for kind in unet.up_block_types]
    tensors = {
        ldm.unet_name(name, unet.layers_per_block, attends): value for name, value in pipe.unet.state_dict().items()
    }
    for name, value in pipe.vae.state_dict().items():
        shape = ldm.vae_shape(name, tuple(value.shape))
        tensors[ldm.vae_name(name, len(vae.block_out_channels))] = value.reshape(shape)
    tensors |= {ldm.text_name(name): value for name, value in pipe.text_encoder.state_dict().items()}
    with whole(path) as temporary:
        save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, {"format": "pt"})
    return path
