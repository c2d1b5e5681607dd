"""Cells of a sweep that go through the pipeline together.

Each picture keeps its own generator, so batching changes it only by the order of floating-point
sums: some 8-bit values move by one level. Each text is encoded once, and alone.
"""

from __future__ import annotations

from numbers import Real

from sdkit.call.check_together import guidance_is_on
from sdkit.call.generate import generator, run
from sdkit.shot import Shot, caption, is_picture
from sdkit.sweeping.plan import Cell

_OWN = ("prompt", "negative_prompt", "prompt_embeds", "negative_prompt_embeds", "latents", "seed")
_PICTURES = ("image", "mask_image")
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


def groups(cells) -> list[list[Cell]]:
    """Return the cells in lists that can share a call, those with equal parts beside each other."""
    together: dict = {}
    for cell in cells:
        together.setdefault(cell.parts, {}).setdefault(_shared(cell), []).append(cell)
    return [group for by_settings in together.values() for group in by_settings.values()]


def make(pipe, cells: list[Cell], texts: Texts, **options) -> list[Shot]:
    """Make one shot per cell in one call; a single cell is called exactly as `generate` calls it.

    `options` are those of `sdkit.call.generate.run`.
    """
    call = _call(pipe, cells, texts) if len(cells) > 1 else dict(cells[0].arguments)
    call.pop("seed", None)
    call["generator"] = [generator(cell.arguments["seed"]) for cell in cells]
    images, seconds = run(pipe, call, [f"the picture of {caption(cell.label)}" for cell in cells], **options)
    return [Shot(image, cell.settings, cell.origin, cell.label, seconds) for image, cell in zip(images, cells)]


def is_out_of_memory(error: Exception) -> bool:
    """Say whether torch or Python ran out of memory (torch raises a RuntimeError on most devices)."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


class Texts:
    """The text states of one pipeline, each text encoded once."""

    def __init__(self, pipe):
        self._pipe = pipe
        self._known: dict = {}

    def positive(self, text: str, clip_skip: int | None):
        """Return the states of a prompt, shape (1, tokens, width)."""
        return self._once(("+", text, clip_skip), (text, False), {"clip_skip": clip_skip})

    def negative(self, text: str, beside):
        """Return the states of a negative prompt in the shape of the prompt's."""
        given = {"negative_prompt": text, "prompt_embeds": beside}
        return self._once(("-", text, beside.shape[1]), (None, True), given)

    def _once(self, key, prompt_and_guided, given):
        import torch

        if key not in self._known:
            prompt, guided = prompt_and_guided
            with torch.no_grad():
                both = self._pipe.encode_prompt(prompt, self._pipe._execution_device, 1, guided, **given)
            self._known[key] = both[1] if guided else both[0]
        return self._known[key]


def _shared(cell):
    """Return what cells must have in common to share a call; itself for a cell that cannot."""
    given = _given(cell)
    own = {name: _shape(given[name]) for name in (*_OWN, *_PICTURES) if name in given}
    rest = {name: value for name, value in given.items() if name not in own}
    if not all(map(_is_plain, rest.values())) or "padding_mask_crop" in rest:
        return id(cell)
    if any(name in own and not is_picture(given[name]) for name in _PICTURES):
        return id(cell)
    own.pop("negative_prompt", None)  # none is the same as an empty one
    return repr((sorted(own.items()), sorted(rest.items())))


def _given(cell):
    return {name: value for name, value in cell.arguments.items() if value is not None}


def _shape(value):
    return tuple(getattr(value, "shape", getattr(value, "size", ())))


def _is_plain(value):
    return isinstance(value, (str, Real)) or (isinstance(value, list) and all(isinstance(v, Real) for v in value))


def _call(pipe, cells, texts):
    """Return the pipeline's arguments, but the generators, that make all cells at once."""
    import torch

    every = [_given(cell) for cell in cells]
    call = {name: value for name, value in every[0].items() if name not in _OWN}
    prompts = [
        one["prompt_embeds"] if "prompt_embeds" in one else texts.positive(one["prompt"], one.get("clip_skip"))
        for one in every
    ]
    call["prompt_embeds"] = torch.cat(prompts)
    if guidance_is_on(pipe, every[0]):
        call["negative_prompt_embeds"] = torch.cat([
            one["negative_prompt_embeds"] if "negative_prompt_embeds" in one
            else texts.negative(one.get("negative_prompt", ""), prompt)
            for one, prompt in zip(every, prompts)
        ])  # fmt: skip
    if "latents" in every[0]:
        call["latents"] = torch.cat([one["latents"] for one in every])
    for name in _PICTURES:
        if name in every[0]:
            call[name] = [one[name] for one in every]
    return call
