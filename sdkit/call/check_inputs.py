"""Checks of the tensors and pictures given to a call: shapes, dtypes, values, and how many there are.

diffusers checks few of these: wrong ones fail inside a model in words of its own, or make a
picture of something else.
"""

from __future__ import annotations

from sdkit.call.check_together import guidance_is_on, picture_count, picture_size
from sdkit.parameters import MAX_SIDE, known_names
from sdkit.shot import is_picture


def check_inputs(pipe, arguments) -> None:
    """Raise TypeError or ValueError for tensors and pictures that this call cannot use, naming the argument."""
    _embeds(pipe, arguments)
    _latents(pipe, arguments)
    _pictures(pipe, arguments)


def _embeds(pipe, arguments):
    positive, negative = arguments.get("prompt_embeds"), arguments.get("negative_prompt_embeds")
    wide, longest = pipe.unet.config.cross_attention_dim, pipe.tokenizer.model_max_length
    if positive is not None and (positive.ndim != 3 or positive.shape[2] != wide):
        raise ValueError(f"prompt_embeds has the shape {tuple(positive.shape)}; give (prompts, tokens, {wide}).")
    tokens = longest if positive is None else positive.shape[1]
    if negative is not None:
        wanted = (picture_count(pipe, arguments, 1), tokens, wide)
        if tuple(negative.shape) != wanted:
            raise ValueError(f"negative_prompt_embeds has the shape {tuple(negative.shape)}; here it must be {wanted}.")
    elif not 2 <= tokens <= longest and guidance_is_on(pipe, arguments):
        raise ValueError(
            f"prompt_embeds has {tokens} tokens, and the text encoder makes 2 to {longest} for the negative prompt "
            "that guidance needs; give negative_prompt_embeds of the same shape."
        )


def _latents(pipe, arguments):
    latents = arguments.get("latents")
    if latents is None:
        return
    wanted = (picture_count(pipe, arguments), pipe.vae.config.latent_channels, *_latent_size(pipe, arguments))
    if tuple(latents.shape) != wanted:
        raise ValueError(
            f"latents has the shape {tuple(latents.shape)}; for this call it must be {wanted} "
            "(pictures, channels, height / factor, width / factor). diffusers would not check it."
        )
    if latents.dtype != pipe.unet.dtype:
        raise TypeError(f"latents is {latents.dtype}; this pipeline needs {pipe.unet.dtype}.")


def _latent_size(pipe, arguments):
    return tuple(one // pipe.vae_scale_factor for one in picture_size(pipe, arguments))


def _pictures(pipe, arguments):
    names, count = known_names(pipe), picture_count(pipe, arguments)
    shapes = {}
    for name in ("image", "mask_image"):
        if name not in names:
            continue
        value = arguments.get(name)
        if value is None:
            raise TypeError(f"{name} is missing; {type(pipe).__name__} needs it.")
        shapes[name] = _shape(pipe, name, value)
        _check_number_of(name, shapes[name][0], count)
    if "mask_image" not in names:
        return
    latent = (pipe.vae.config.latent_channels, *_latent_size(pipe, arguments))
    masked = arguments.get("masked_image_latents")
    if masked is not None:
        if tuple(masked.shape[1:]) != latent:
            raise ValueError(f"masked_image_latents has the shape {tuple(masked.shape)}; give (pictures, *{latent}).")
        _check_number_of("masked_image_latents", masked.shape[0], count)
    if shapes["image"][1] == latent[0] and (masked is None or shapes["image"][1:] != latent):
        raise ValueError(
            f"image holds latents of the shape {shapes['image']}; inpainting takes them only as (pictures, *{latent}) "
            "and with masked_image_latents. Give a picture."
        )
    if arguments.get("padding_mask_crop") is not None:
        _check_crop(arguments)


def _check_number_of(name, number, pictures):
    if pictures % number:
        raise ValueError(f"{name} has {number} entries for {pictures} pictures; give one, or {pictures}.")


def _check_crop(arguments):
    for name in ("image", "mask_image"):
        if not is_picture(arguments[name]):
            raise TypeError(f"padding_mask_crop is given, so {name} must be one PIL picture.")
    if arguments.get("output_type", "pil") != "pil":
        raise ValueError('padding_mask_crop is given, so output_type must be "pil".')
    if arguments["mask_image"].convert("L").getbbox() is None:
        raise ValueError("padding_mask_crop is given, but mask_image is all black: there is nothing to cut out.")


def _shape(pipe, name, value):
    """Check the pictures of an argument; return (pictures, channels, height, width)."""
    several = value if isinstance(value, list) else [value]
    if is_picture(several[0]):
        for picture in several:
            _check_pil(name, picture)
        return len(several), 3, several[0].height, several[0].width
    import torch

    arrays = not isinstance(several[0], torch.Tensor)
    shapes = {tuple(one.shape) for one in several}
    if len(shapes) != 1:
        raise ValueError(f"{name} is a list of different shapes, {sorted(shapes)}; give pictures of one size.")
    shape = _dimensions(name, len(several), *shapes, arrays)
    channels = pipe.vae.config.latent_channels
    latents = name == "image" and not arrays and shape[1] == channels
    allowed = (1,) if name == "mask_image" else (3,) if arrays else (3, channels)
    if shape[1] not in allowed:
        raise ValueError(f"{name} has {shape[1]} channels; give {' or '.join(map(str, allowed))}.")
    _check_values(name, several, arrays, latents)
    if not latents:
        _check_sides(name, *shape[2:])
    return shape


def _check_pil(name, picture):
    if name == "image" and picture.mode != "RGB":
        raise ValueError(f'image is a PIL picture of mode {picture.mode!r}; give image.convert("RGB").')
    _check_sides(name, picture.height, picture.width)


def _check_sides(name, height, width):
    if not (8 <= height <= MAX_SIDE and 8 <= width <= MAX_SIDE):
        raise ValueError(f"{name} is {height} pixels high and {width} wide; give sides of 8 to {MAX_SIDE} pixels.")


def _dimensions(name, number, shape, arrays):
    """Return (pictures, channels, height, width) of `number` arrays (channels last) or tensors (channels first)."""
    mask = name == "mask_image"
    if mask and len(shape) == 3 and number == 1 and 1 not in (shape[0], shape[-1]):
        number, shape = shape[0], shape[1:]  # several masks in one, without channels
    if mask and len(shape) == 2:
        shape = (*shape, 1) if arrays else (1, *shape)
    if len(shape) == 4 and number == 1:
        number, shape = shape[0], shape[1:]
    if len(shape) != 3 or 0 in (number, *shape):
        wanted = "(height, width)" if mask else "(height, width, 3)" if arrays else "(3, height, width)"
        raise ValueError(f"{name} has the shape {shape}; give {wanted}, or several of these with the number first.")
    return (number, shape[2], *shape[:2]) if arrays else (number, *shape)


def _check_values(name, several, arrays, latents):
    import numpy as np
    import torch

    floating = all(np.issubdtype(one.dtype, np.floating) if arrays else one.is_floating_point() for one in several)
    if not floating:
        raise TypeError(f"{name} has the dtype {several[0].dtype}; give a PIL picture, or numbers from 0.0 to 1.0.")
    if not arrays and any(one.is_meta or one.layout != torch.strided for one in several):
        raise TypeError(f"{name} is no dense tensor that holds its numbers; give a PIL picture.")
    low, high = min(float(one.min()) for one in several), max(float(one.max()) for one in several)
    lowest = -float("inf") if latents else 0 if name == "mask_image" else -1
    highest = float("inf") if latents else 1
    if not (lowest <= low and high <= highest) or not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError(f"{name} holds values from {low:g} to {high:g}; give numbers from 0.0 to 1.0.")
