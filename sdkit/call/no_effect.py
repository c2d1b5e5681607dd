"""Arguments that are given but cannot change the picture in a call: a table of small rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from sdkit.call.resolve import Call, step_takes, uses_seed
from sdkit.parameters import short
from sdkit.shot import is_picture
from sdkit.words import marks_of_other_programs

_ORIENTATION = 0x0112  # EXIF 2.3, 4.6.4
_FEW = 0.1  # of a mask's pixels, which the edge of a shape that was resized or drawn smoothly may take


def without_effect(call: Call, seed_given: bool) -> list[str]:
    """List, in words, the given arguments that cannot change the picture in this call."""
    return [message for rule in _RULES for message in rule(call, seed_given)]


def _unguided(call, seed_given) -> Iterator[str]:
    if call.guided:
        return
    scale = call.get("guidance_scale")
    for name in ("negative_prompt", "negative_prompt_embeds", "guidance_rescale"):
        value = call.arguments.get(name)
        if value is not None and not (isinstance(value, (str, float, int)) and not value):
            yield f"{name} has no effect at guidance_scale={scale:g}: guidance is on only above 1."
    if 0 <= scale < 1 and "guidance_scale" in call.arguments:
        yield f"guidance_scale={scale:g} acts exactly like 1: guidance is on only above 1."


def _eta(call, seed_given) -> Iterator[str]:
    if call.arguments.get("eta") and not step_takes(call.pipe, "eta"):
        yield f"eta has no effect with {call.scheduler}: only DDIM-like schedulers take it."


def _seed(call, seed_given) -> Iterator[str]:
    if seed_given and not uses_seed(call):
        yield f"seed has no effect: latents is given, and {call.scheduler} draws no further noise here."


def _steps(call, seed_given) -> Iterator[str]:
    if "num_inference_steps" in call.arguments:
        for name in ("timesteps", "sigmas"):
            if call.arguments.get(name) is not None:
                yield f"num_inference_steps has no effect: {name} is given."


def _tensors_of_no_callback(call, seed_given) -> Iterator[str]:
    names = "callback_on_step_end_tensor_inputs"
    if names in call.arguments and call.arguments.get("callback_on_step_end") is None:
        yield f"{names} has no effect without callback_on_step_end."


def _masked_latents(call, seed_given) -> Iterator[str]:
    if call.arguments.get("masked_image_latents") is not None and call.pipe.unet.config.in_channels != 9:
        yield "masked_image_latents has no effect: only a UNet with 9 input channels reads them."


def _return_dict(call, seed_given) -> Iterator[str]:
    if call.arguments.get("return_dict") is False:
        yield "return_dict has no effect here: generate returns shots either way."


def _texts(call) -> Iterator[tuple[str, str]]:
    """Yield the texts that the text encoder will read, each with its argument's name."""
    for name in ("prompt", "negative_prompt") if call.guided else ("prompt",):
        value = call.arguments.get(name)
        for text in value if isinstance(value, list) else [value] if value else []:
            yield name, text


def _ends_of_texts(call, seed_given) -> Iterator[str]:
    for name, text in _texts(call):
        cut = words_cut(call.pipe, text)
        if cut:
            limit = _longest_text(call.pipe)
            yield f"the end of {name} has no effect: beyond {limit} tokens, {cut!r} is cut off."


def _marks(call, seed_given) -> Iterator[str]:
    learned = call.pipe.tokenizer.get_added_vocab()  # textual inversion may have such a token, as in "a [V] dog"
    for name, text in _texts(call):
        for mark in marks_of_other_programs(text):
            if mark.text not in learned:
                yield (
                    f"{short(mark.text)} in {name} has no effect as a command: diffusers reads it as letters, unlike "
                    f"other programs; {mark.instead}."
                )


def _size_of_start(call, seed_given) -> Iterator[str]:
    """Tell of start pictures that are made smaller or larger before they are used, with both sizes."""
    if "image" not in call.defaults:
        return
    sizes, made = _sizes(call, "image"), (call.height, call.width)
    if "mask_image" not in call.defaults:
        for size in dict.fromkeys(sizes):
            if size != made:
                factor = call.pipe.vae_scale_factor
                cause = "all get the first one's" if size != sizes[0] else f"its sides must be multiples of {factor}"
                yield f"the size of image has no effect: {_pixels(size)} is resized to {_pixels(made)}, since {cause}."
    elif call.arguments.get("padding_mask_crop") is None:
        asked = call.arguments.get("height") is not None
        for size in dict.fromkeys(sizes):
            if size != made and not (asked and size[0] * made[1] == size[1] * made[0]):
                advice = ", which changes its proportions" if asked else _give_size(call, size)
                yield f"the size of image has no effect: {_pixels(size)} is resized to {_pixels(made)}{advice}."


def _size_of_mask(call, seed_given) -> Iterator[str]:
    """Tell of masks that are stretched to fit the picture."""
    if "mask_image" not in call.defaults:
        return
    starts = _sizes(call, "image")
    for size in dict.fromkeys(_sizes(call, "mask_image")):
        if starts and size not in starts:
            yield (
                f"the size of mask_image has no effect: {_pixels(size)} is stretched over image, {_pixels(starts[0])}; "
                "give a mask of the picture's size."
            )


def _mask(call, seed_given) -> Iterator[str]:
    """Tell of masks without white and of soft ones: diffusers takes grey for black below the middle, else for white."""
    masks = call.arguments.get("mask_image")
    if masks is None:
        return
    for_pasting = call.arguments.get("padding_mask_crop") is not None
    masks = masks if isinstance(masks, list) else [masks]
    yield from filter(None, dict.fromkeys(_said_of_mask(call, mask, for_pasting) for mask in masks))


def _said_of_mask(call, mask, for_pasting: bool) -> str:
    """Return what is to be told of a mask, "" for nothing; `for_pasting` says that it also mixes result and picture."""
    brightest = _brightest(mask)
    grey = f"{brightest * 255:.0f} of 255"
    if brightest == 0:
        return f"mask_image is all black: nothing is painted{_no_prompt(call)}; make what shall change white."
    if brightest < 0.5:
        return (
            f"mask_image has no effect: its brightest value is {grey}, and below 128 all counts as black; make what "
            f"shall change white, as in {_all_made_white(mask)}."
        )
    if for_pasting:
        return ""
    if brightest < 1:
        return (
            f"grey has no effect in mask_image: its brightest value, {grey}, counts as white; "
            "for a weaker change give a lower strength."
        )
    share = _grey_share(mask)
    if share > _FEW:
        return (
            f"grey has no effect in mask_image: {share:.0%} of its pixels are grey, which counts as white from "
            f"128 of 255 on and else as black; for a soft edge mix afterwards, as in {_mixed(mask)}."
        )
    return ""


def _all_made_white(mask) -> str:
    """Return the code that makes white what is not black in a mask; numpy is np there, and PIL's Image has its name."""
    if not is_picture(mask):
        return "(mask > 0) * 1.0"
    # convert would cut off the fractions of these modes, which may be all that a mask holds, and what is beyond 255
    values = "mask" if mask.mode in ("I", "F") or mask.mode.startswith("I;16") else 'mask.convert("L")'
    return f'Image.fromarray((np.asarray({values}) > 0).astype("uint8") * 255)'


def _mixed(mask) -> str:
    """Return the code that mixes a picture with the one that was given, all of the mask's size."""
    if is_picture(mask):
        return 'Image.composite(picture, image, mask.convert("L"))'
    return "mask * picture + (1 - mask) * image"


def _no_prompt(call):
    """Say that the prompt is lost where nothing is painted; a UNet with 9 channels makes the whole anew with it."""
    return ", and prompt has no effect" if call.pipe.unet.config.in_channels == 4 else ""


def _parts_of_picture_files(call, seed_given) -> Iterator[str]:
    """Tell of what a file says besides the pixels of a picture: how it is turned, and its other frames."""
    for name in ("image", "mask_image"):
        value = call.arguments.get(name)
        pictures = [picture for picture in (value if isinstance(value, list) else [value]) if is_picture(picture)]
        if any(picture.getexif().get(_ORIENTATION, 1) != 1 for picture in pictures):
            yield (
                f"the orientation in the EXIF data of {name} has no effect: diffusers takes the pixels as they are "
                "stored; to turn them, give PIL.ImageOps.exif_transpose(picture)."
            )
        if any(getattr(picture, "n_frames", 1) > 1 for picture in pictures):
            yield f"the other frames of {name} have no effect: only the present one of an animation is used."


def _sizes(call, name) -> list[tuple[int, int]]:
    """Return (height, width) of each picture of an argument; none for latents."""
    value = call.arguments.get(name)
    sizes = []
    for picture in value if isinstance(value, list) else [value]:
        if is_picture(picture):
            sizes.append((picture.height, picture.width))
        elif hasattr(picture, "is_floating_point"):  # a torch tensor: channels first
            if picture.ndim < 3 or picture.shape[-3] != call.pipe.vae.config.latent_channels:
                sizes.append(tuple(picture.shape[-2:]))
        elif len(getattr(picture, "shape", ())) < 2:  # a call that was not checked
            continue
        elif picture.ndim == 2 or (name == "mask_image" and picture.ndim == 3 and picture.shape[-1] != 1):
            sizes.append(picture.shape[-2:])
        else:
            sizes.append(picture.shape[-3:-1])
    return sizes


def _brightest(mask) -> float:
    """Return the brightest value of a mask, from 0 to 1."""
    return mask.convert("L").getextrema()[1] / 255 if is_picture(mask) else float(mask.max())


def _grey_share(mask) -> float:
    """Return the share of a mask's values that lie between black and white, 0 to 1."""
    import numpy as np

    values = np.asarray(mask.convert("L")) / 255 if is_picture(mask) else mask
    return float(((values > 0) & (values < 1)).sum()) / math.prod(values.shape)


def _give_size(call, size) -> str:
    height, width = size[0] // 8 * 8, size[1] // 8 * 8
    return f", the model's own; for a picture of that size give height={height}, width={width}"


def _pixels(size) -> str:
    """Say (height, width) as Pillow counts: width x height."""
    return f"{size[1]}x{size[0]}"


Rule = Callable[[Call, bool], Iterator[str]]
_RULES: tuple[Rule, ...] = (
    _unguided,
    _eta,
    _seed,
    _steps,
    _tensors_of_no_callback,
    _masked_latents,
    _return_dict,
    _ends_of_texts,
    _marks,
    _size_of_start,
    _size_of_mask,
    _mask,
    _parts_of_picture_files,
)


def words_cut(pipe, text: str) -> str:
    """Return the end of a text that lies beyond the tokenizer's limit ("" if all of it fits)."""
    text = pipe.maybe_convert_prompt(text, pipe.tokenizer)  # a token of textual inversion may stand for several
    ids, longest = pipe.tokenizer(text, add_special_tokens=False, verbose=False).input_ids, _longest_text(pipe)
    return pipe.tokenizer.decode(ids[longest:]).strip() if len(ids) > longest else ""


def _longest_text(pipe) -> int:
    """Return how many tokens a text may have beside the start and the end token."""
    return pipe.tokenizer.model_max_length - 2
