"""What a call needs to work in, compared with the memory that is free, before anything is computed."""

from __future__ import annotations

from sdkit.call.resolve import Call
from sdkit.errors import warn_user
from sdkit.loading.memory import free_gpu, free_ram, gib

_COPIES = 4  # as for a checkpoint: so many activations of the VAE's widest full-size block live at once
_LATENTS_ONLY = 3  # the UNet needs a third of what the VAE's decoder does


def check_memory(call: Call) -> None:
    """Raise ValueError if the call needs more memory than is free; say in a warning if it needs more than half of it.

    Where the system does not tell what is free, nothing is checked.
    """
    need, free = work_of(call), _free(call)
    if free is None or need <= free / 2:
        return
    pictures = f"{call.count} pictures" if call.count > 1 else "one picture"
    text = f"{pictures} of {call.width}x{call.height} pixels: about {gib(need)} to work in, and {gib(free)} are free"
    if need <= free:
        warn_user(f"{text}; this may take long.")
        return
    fewer = "a smaller num_images_per_prompt or fewer prompts at once, " if call.count > 1 else ""
    raise ValueError(
        f"{text}. Give {fewer}a smaller height and width, or call pipe.vae.enable_tiling() for large pictures and "
        "pipe.vae.enable_slicing() for many."
    )


def work_of(call: Call) -> int:
    """Return about how many bytes a call needs besides the weights, at the most: the VAE's decoder at full size."""
    vae = call.pipe.vae
    if call.height is None or call.width is None:
        return 0
    pixels, count = call.height * call.width, call.count
    if getattr(vae, "use_tiling", False):
        pixels = min(pixels, vae.tile_sample_min_size**2)
    if getattr(vae, "use_slicing", False):
        count = 1
    widths = vae.config.get("block_out_channels", [64])
    work = _COPIES * widths[min(1, len(widths) - 1)] * pixels * count * vae.dtype.itemsize
    is_decoded = call.get("output_type") != "latent" or "image" in call.defaults
    return work if is_decoded else work // _LATENTS_ONLY


def _free(call) -> int | None:
    return free_gpu(str(call.device)) if call.device.type == "cuda" else free_ram()
