"""Cells of a sweep that go through the pipeline together.

Each picture keeps its own generator, so batching changes it only by the order of floating-point
sums: some 8-bit values move by one level. Each text is encoded once, and alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import TYPE_CHECKING

from sdkit.call.generate import generator, run
from sdkit.loading.adapters import strengths_kept
from sdkit.loading.device import device_of
from sdkit.shot import Shot, caption, is_picture
from sdkit.sweeping.plan import Cell

if TYPE_CHECKING:
    import torch

_OWN = ("prompt", "negative_prompt", "prompt_embeds", "negative_prompt_embeds", "latents", "seed")
_PICTURES = ("image", "mask_image")
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """Return the cells in lists that can share a call, those with equal parts beside each other."""
    together: dict = {}
    for cell in cells:
        together.setdefault(cell.parts, {}).setdefault(_shared(cell), []).append(cell)
    return [group for by_settings in together.values() for group in by_settings.values()]


def make(pipe, cells: list[Cell], texts: Texts) -> list[Shot]:
    """Make one shot per cell in one call; a single cell is called exactly as `generate` calls it."""
    arguments = _together(cells, texts) if len(cells) > 1 else dict(cells[0].arguments)
    arguments.pop("seed", None)
    arguments["generator"] = [generator(cell.arguments["seed"]) for cell in cells]
    made = run(pipe, arguments, [f"the picture of {caption(cell.label)}" for cell in cells])
    return [
        Shot(picture.image, cell.settings, cell.origin, cell.label, picture.seconds, picture.problem)
        for picture, cell in zip(made, cells)
    ]


def is_out_of_memory(error: Exception) -> bool:
    """Say whether torch or Python ran out of memory (torch raises a RuntimeError on most devices)."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


class Texts:
    """The text states of one pipeline, each text encoded once."""

    def __init__(self, pipe):
        self._pipe = pipe
        self._known: dict[tuple, torch.Tensor] = {}

    def positive(self, text: str, clip_skip: int | None, lora_scale: float | None) -> torch.Tensor:
        """Return the states of a prompt, shape (1, tokens, width), with the text encoder's LoRA at this strength."""
        key = "positive", text, clip_skip, lora_scale
        if key not in self._known:
            self._known[key] = self._encode(text, False, lora_scale, clip_skip=clip_skip)[0]
        return self._known[key]

    def negative(self, text: str, beside: torch.Tensor, lora_scale: float | None) -> torch.Tensor:
        """Return the states of a negative prompt in the shape of the prompt's, which stand `beside` it."""
        key = "negative", text, beside.shape[1], lora_scale
        if key not in self._known:
            self._known[key] = self._encode(None, True, lora_scale, negative_prompt=text, prompt_embeds=beside)[1]
        return self._known[key]

    def _encode(self, prompt, guided, lora_scale, **given):
        import torch

        with torch.no_grad(), strengths_kept(self._pipe, lora_scale):
            return self._pipe.encode_prompt(prompt, device_of(self._pipe), 1, guided, lora_scale=lora_scale, **given)


def _shared(cell):
    """Return what cells must have in common to share a call; a key of its own for a cell that cannot share one."""
    given = _given(cell)
    own = {name: _shape(given[name]) for name in (*_OWN, *_PICTURES) if name in given}
    rest = {name: value for name, value in given.items() if name not in own}
    if set(rest.get("cross_attention_kwargs", ())) == {"scale"}:  # a LoRA's; other names are for own processors
        rest["cross_attention_kwargs"] = _lora_scale(given)
    if not all(map(_is_plain, rest.values())) or "padding_mask_crop" in rest:
        return id(cell)
    if "noise_sampler_seed" in cell.origin.scheduler_config:  # one noise for all pictures of a call
        return id(cell)
    if any(name in own and not is_picture(given[name]) for name in _PICTURES):
        return id(cell)
    own.pop("negative_prompt", None)  # none is the same as an empty one
    return repr((sorted(own.items()), sorted(rest.items())))


def _given(cell):
    return {name: value for name, value in cell.arguments.items() if value is not None}


def _lora_scale(given):
    return given.get("cross_attention_kwargs", {}).get("scale")


def _shape(value):
    return tuple(getattr(value, "shape", getattr(value, "size", ())))


def _is_plain(value):
    """Say whether a value is a text, a number, or a list of numbers."""
    numbers = value if isinstance(value, list) else [value]
    return isinstance(value, str) or all(isinstance(number, Real) for number in numbers)


def _together(cells, texts):
    """Return the pipeline's arguments, but the generators, that make all cells at once.

    Texts come as embeddings, (cells, tokens, width); latents as (cells, channels, height, width).
    """
    import torch

    each = [_given(cell) for cell in cells]
    call = {name: value for name, value in each[0].items() if name not in _OWN}
    prompts = [_positive(given, texts) for given in each]
    call["prompt_embeds"] = torch.cat(prompts)
    if cells[0].guided:
        call["negative_prompt_embeds"] = torch.cat(
            [_negative(given, texts, prompt) for given, prompt in zip(each, prompts)]
        )
    if "latents" in each[0]:
        call["latents"] = torch.cat([given["latents"] for given in each])
    for name in _PICTURES:
        if name in each[0]:
            call[name] = [given[name] for given in each]
    return call


def _positive(given, texts):
    if "prompt_embeds" in given:
        return given["prompt_embeds"]
    return texts.positive(given["prompt"], given.get("clip_skip"), _lora_scale(given))


def _negative(given, texts, beside):
    if "negative_prompt_embeds" in given:
        return given["negative_prompt_embeds"]
    return texts.negative(given.get("negative_prompt", ""), beside, _lora_scale(given))
