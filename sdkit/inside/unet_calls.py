"""One call of a pipeline for one picture, and what its UNet is asked and answers on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sdkit.call.exclusive import exclusive
from sdkit.call.generate import check_call, generator

if TYPE_CHECKING:
    import torch


class UNetCall(NamedTuple):
    """What a UNet was given and said: latents (N, c, h, w), the timestep, and an answer (N, 4, h, w).

    With guidance N is 2 for one picture: first without the prompt, then with it. `guidance_scale` is that of the
    moment: a callback may change it on the way.
    """

    sample: torch.Tensor
    timestep: float
    answer: torch.Tensor
    guidance_scale: float


def for_one_picture(pipe, prompt: str | None, arguments: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return what to call a pipeline with for one picture, checked as `generate` checks it.

    Raises what `generate` raises, and ValueError for a call that makes several pictures, for a generator, which the
    seed stands for, and for another output_type than "pil".
    """
    given = dict(arguments) if prompt is None else {"prompt": prompt, **arguments}
    call = check_call(pipe, given, seed_given=True, ineffective="warn")
    if call.count != 1:
        raise ValueError(f"the call makes {call.count} pictures; one is shown: give one prompt.")
    if call.arguments.get("generator") is not None:
        raise ValueError("generator is given, and here the noise is drawn from seed; give that instead.")
    if call.arguments.get("output_type", "pil") != "pil":
        raise ValueError(f"output_type is {call.arguments['output_type']!r}; here it must be 'pil': leave it out.")
    return {**call.arguments, "generator": generator(seed), "output_type": "pil", "return_dict": True}


@contextmanager
def unet_calls(pipe) -> Iterator[list[UNetCall]]:
    """Give a list that fills with what the UNet is asked and answers inside the block; the pipeline is ours there."""
    found: list[UNetCall] = []

    def note(unet, args, kwargs, output):
        given = dict(zip(("sample", "timestep"), args), **kwargs)
        answer = output[0] if isinstance(output, tuple) else output.sample
        found.append(UNetCall(given["sample"].clone(), float(given["timestep"]), answer, pipe.guidance_scale))

    with exclusive(pipe):
        hook = pipe.unet.register_forward_hook(note, with_kwargs=True)
        try:
            yield found
        finally:
            hook.remove()
