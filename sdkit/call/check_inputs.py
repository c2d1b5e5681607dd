"""Checks of the tensors and pictures given to a call: shapes, dtypes, values, and how many there are.

diffusers checks few of these: wrong ones fail inside a model in words of its own, or make a
picture of something else.
"""

from __future__ import annotations

import math
from typing import Any

from sdkit.call.resolve import Call
from sdkit.parameters import MAX_SIDE
from sdkit.shot import is_picture


def check_inputs(call: Call) -> None:
    """Raise TypeError or ValueError for tensors and pictures that this call cannot use, naming the argument."""
    _check_embeds(call)
    _check_latents(call)
    if "image" in call.defaults:
        _check_pictures(call)


def _check_embeds(call):
    """Check text states: prompt_embeds (prompts, tokens, width), negative_prompt_embeds of the same shape."""
    positive, negative = call.arguments.get("prompt_embeds"), call.arguments.get("negative_prompt_embeds")
    width, longest = call.pipe.unet.config.cross_attention_dim, call.pipe.tokenizer.model_max_length
    if positive is not None and (positive.ndim != 3 or positive.shape[2] != width):
        raise ValueError(f"prompt_embeds has the shape {tuple(positive.shape)}; give (prompts, tokens, {width}).")
    tokens = longest if positive is None else positive.shape[1]
    if negative is not None:
        wanted = (call.prompts, tokens, width)
        if tuple(negative.shape) != wanted:
            raise ValueError(f"negative_prompt_embeds has the shape {tuple(negative.shape)}; here it must be {wanted}.")
    elif not 2 <= tokens <= longest and call.guided:
        raise ValueError(
            f"prompt_embeds has {tokens} tokens, and the text encoder makes 2 to {longest} for the negative prompt "
            "that guidance needs; give negative_prompt_embeds of the same shape."
        )


def _check_latents(call):
    """Check the starting noise: (pictures, channels, height / factor, width / factor), in the UNet's dtype."""
    latents = call.arguments.get("latents")
    if latents is None:
        return
    if tuple(latents.shape) != call.latent_shape:
        raise ValueError(
            f"latents has the shape {tuple(latents.shape)}; for this call it must be {call.latent_shape} "
            "(pictures, channels, height / factor, width / factor). diffusers would not check it."
        )
    if latents.dtype != call.pipe.unet.dtype:
        raise TypeError(f"latents is {latents.dtype}; this pipeline needs {call.pipe.unet.dtype}.")


def _check_pictures(call):
    """Check the start picture, and for inpainting the mask and what belongs to it."""
    shapes = {}
    for name in ("image", "mask_image"):
        if name in call.defaults:
            value = call.arguments.get(name)
            if value is None:
                raise TypeError(f"{name} is missing; {type(call.pipe).__name__} needs it.")
            shapes[name] = _picture_shape(call.pipe, name, value)
            _check_count(name, shapes[name][0], call.count)
    if "mask_image" in shapes:
        _check_start_latents(call, shapes["image"])
        if call.arguments.get("padding_mask_crop") is not None:
            _check_crop(call.arguments)


def _check_start_latents(call, image_shape):
    """Check masked_image_latents, (pictures, channels, height / factor, width / factor), and an image that is latents.

    `image_shape` is (pictures, channels, height, width).
    """
    latent, masked = call.latent_shape[1:], call.arguments.get("masked_image_latents")
    if masked is not None:
        if tuple(masked.shape[1:]) != latent:
            raise ValueError(f"masked_image_latents has the shape {tuple(masked.shape)}; give (pictures, *{latent}).")
        _check_count("masked_image_latents", masked.shape[0], call.count)
    if image_shape[1] == latent[0] and (masked is None or image_shape[1:] != latent):
        raise ValueError(
            f"image holds latents of the shape {image_shape}; inpainting takes them only as (pictures, *{latent}) "
            "and with masked_image_latents. Give a picture."
        )


def _check_count(name, count, pictures):
    if pictures % count:
        raise ValueError(f"{name} has {count} entries for {pictures} pictures; give one, or {pictures}.")


def _check_crop(arguments):
    for name in ("image", "mask_image"):
        if not is_picture(arguments[name]):
            raise TypeError(f"padding_mask_crop is given, so {name} must be one PIL picture.")
    sizes = [f"{arguments[name].width}x{arguments[name].height}" for name in ("image", "mask_image")]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"padding_mask_crop is given, so image ({sizes[0]}) and mask_image ({sizes[1]}) must have one size: "
            "the same region is cut out of both."
        )
    if arguments.get("output_type", "pil") != "pil":
        raise ValueError('padding_mask_crop is given, so output_type must be "pil".')
    if arguments["mask_image"].convert("L").getbbox() is None:
        raise ValueError("padding_mask_crop is given, but mask_image is all black: there is nothing to cut out.")


def _picture_shape(pipe, name, value):
    """Check the pictures of an argument and return (pictures, channels, height, width).

    `value` is a PIL picture, an array (height, width, channels), a tensor (channels, height, width), several
    of one of these in a list, or arrays and tensors with their number first; a mask needs no channels.
    """
    pictures = value if isinstance(value, list) else [value]
    if is_picture(pictures[0]):
        for picture in pictures:
            _check_pil(name, picture)
        return len(pictures), 3, pictures[0].height, pictures[0].width
    import torch

    arrays = not isinstance(pictures[0], torch.Tensor)
    shapes = sorted({tuple(picture.shape) for picture in pictures})
    if len(shapes) != 1:
        raise ValueError(f"{name} is a list of different shapes, {shapes}; give pictures of one size.")
    number, shape = len(pictures), shapes[0]
    if holds_several_masks(name, value):
        number, shape = shape[0], shape[1:]
    shape = _full_shape(name, number, shape, arrays)
    channels = pipe.vae.config.latent_channels
    latents = name == "image" and not arrays and shape[1] == channels
    allowed = (1,) if name == "mask_image" else (3,) if arrays else (3, channels)
    if shape[1] not in allowed:
        raise ValueError(f"{name} has {shape[1]} channels; give {' or '.join(map(str, allowed))}.")
    _check_values(name, pictures, arrays, latents)
    if not latents:
        _check_sides(name, *shape[2:])
    return shape


def holds_several_masks(name: str, value: Any) -> bool:
    """Say whether an argument is one array or tensor of masks without channels: (masks, height, width).

    diffusers reads any mask of three dimensions so that stands in no list, but an array (height, width, 1).
    """
    shape = tuple(getattr(value, "shape", ()))
    has_channel_last = not hasattr(value, "is_floating_point") and shape[-1:] == (1,)
    return name == "mask_image" and len(shape) == 3 and not has_channel_last


def _check_pil(name, picture):
    try:
        picture.load()
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} is a PIL picture that cannot be read: {error}; open it again.") from error
    if name == "image" and "transparency" in picture.info:
        raise ValueError(
            'image has a transparent colour, which diffusers would drop; paste image.convert("RGBA") on a background '
            'and give that as "RGB".'
        )
    if name == "image" and picture.mode != "RGB":
        raise ValueError(f'image is a PIL picture of mode {picture.mode!r}; give image.convert("RGB").')
    if name == "mask_image" and ("A" in picture.mode.upper() or "transparency" in picture.info):
        _refuse_transparency(picture)
    _check_sides(name, picture.height, picture.width)


def _refuse_transparency(mask):
    """Refuse a mask with transparency: diffusers drops it, and brush strokes and erased parts with it."""
    if mask.convert("RGBA").getchannel("A").getextrema()[0] == 255:
        advice = 'all of it is opaque, so give mask_image.convert("L")'
    else:
        advice = (
            'diffusers would drop that; if a brush has marked what shall change, give mask_image.convert("RGBA")'
            '.getchannel("A"), and if that was erased, ImageOps.invert of the same (from PIL)'
        )
    raise ValueError(f"mask_image is a PIL picture of mode {mask.mode!r} with transparency; {advice}.")


def _check_sides(name, height, width):
    if not (8 <= height <= MAX_SIDE and 8 <= width <= MAX_SIDE):
        raise ValueError(f"{name} is {height} pixels high and {width} wide; give sides of 8 to {MAX_SIDE} pixels.")


def _full_shape(name, number, shape, arrays):
    """Return (pictures, channels, height, width) of `number` arrays (channels last) or tensors (channels first).

    `shape` is that of each: a picture without its number or, where it stands alone, with it first, a mask also without
    channels.
    """
    mask = name == "mask_image"
    if mask and len(shape) == 2:
        shape = (*shape, 1) if arrays else (1, *shape)
    if len(shape) == 4 and number == 1:
        number, shape = shape[0], shape[1:]
    if len(shape) != 3 or 0 in (number, *shape):
        wanted = "(height, width)" if mask else "(height, width, 3)" if arrays else "(3, height, width)"
        raise ValueError(f"{name} has the shape {shape}; give {wanted}, or several of these with the number first.")
    return (number, shape[2], *shape[:2]) if arrays else (number, *shape)


def _check_values(name, pictures, arrays, latents):
    """Refuse numbers that are not floating point or out of range: 0 to 1, a picture's also -1 to 1, latents' any."""
    import numpy as np
    import torch

    def is_floating(picture):
        return np.issubdtype(picture.dtype, np.floating) if arrays else picture.is_floating_point()

    if not all(map(is_floating, pictures)):
        raise TypeError(f"{name} has the dtype {pictures[0].dtype}; give a PIL picture, or numbers from 0.0 to 1.0.")
    if not arrays and any(picture.is_meta or picture.layout != torch.strided for picture in pictures):
        raise TypeError(f"{name} is no dense tensor that holds its numbers; give a PIL picture.")
    low, high = min(float(picture.min()) for picture in pictures), max(float(picture.max()) for picture in pictures)
    lowest, highest = (0, 1) if name == "mask_image" else (-1, 1)
    if not (math.isfinite(low) and math.isfinite(high)) or not (latents or lowest <= low and high <= highest):
        raise ValueError(f"{name} holds values from {low:g} to {high:g}; give numbers from 0.0 to 1.0.")
