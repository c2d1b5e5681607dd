"""The tensor names of CompVis' original checkpoints, from those of diffusers.

One file holds all: `model.diffusion_model.` (the UNet), `first_stage_model.` (the VAE) and
`cond_stage_model.transformer.` (CLIP's text encoder). The names follow from the order in which
github.com/CompVis/latent-diffusion builds its modules: the UNet's blocks are numbered through all
levels, and the VAE's decoder counts its levels from the largest picture.
"""

import re
from collections.abc import Sequence

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_UNET_ENDS = {
    "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet_name(name: str, layers: int, attends: Sequence[bool]) -> str:
    """Return the original name of a UNet tensor; `layers` is layers_per_block, `attends` says it of each up block."""
    body, end = name.rsplit(".", 1)
    if body in _UNET_ENDS:
        return f"{UNET}{_UNET_ENDS[body]}.{end}"
    if body.startswith("mid_block."):
        _, kind, number, rest = body.split(".", 3)
        place = "middle_block.1" if kind == "attentions" else f"middle_block.{2 * int(number)}"
        return f"{UNET}{place}.{_inside(kind, rest)}.{end}"
    blocks, level, kind, number, rest = body.split(".", 4)
    slot = {"resnets": 0, "attentions": 1}.get(kind)
    first = int(level) * (layers + 1)  # down, a level is its layers and the downsampler; up, it has one layer more
    if blocks == "down_blocks":
        if kind == "downsamplers":
            return f"{UNET}input_blocks.{first + layers + 1}.0.op.{end}"
        return f"{UNET}input_blocks.{first + int(number) + 1}.{slot}.{_inside(kind, rest)}.{end}"
    if kind == "upsamplers":
        return f"{UNET}output_blocks.{first + layers}.{2 if attends[int(level)] else 1}.conv.{end}"
    return f"{UNET}output_blocks.{first + int(number)}.{slot}.{_inside(kind, rest)}.{end}"


def _inside(kind, rest):
    return _RESNET[rest] if kind == "resnets" else rest


def vae_name(name: str, levels: int) -> str:
    """Return the original name of a VAE tensor; `levels` is the number of its block_out_channels."""
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda hit: f"mid.block_{int(hit[1]) + 1}", name)
    if "mid_block.attentions.0." in name:
        head, rest = name.split("mid_block.attentions.0.")
        body, end = rest.rsplit(".", 1)
        name = f"{head}mid.attn_1.{_VAE_ATTENTION[body]}.{end}"
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda hit: f"up.{levels - 1 - int(hit[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda hit: f"up.{levels - 1 - int(hit[1])}.upsample", name)
    return VAE + name


def vae_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the original shape of a VAE tensor: its attention is made of convolutions with 1x1 kernels."""
    is_attention = "attentions.0.to_" in name and len(shape) == 2
    return (*shape, 1, 1) if is_attention else shape


def text_name(name: str) -> str:
    """Return the original name of a text encoder's tensor; `text_model.` before it may be there or not."""
    return f"{TEXT}text_model.{name.removeprefix('text_model.')}"
