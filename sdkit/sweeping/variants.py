"""The same pipeline with another model, number format or scheduler; the given one stays as it is."""

from __future__ import annotations

from copy import copy, deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sdkit.loading.components import pipeline_from
from sdkit.loading.device import device_of
from sdkit.loading.pipeline import is_loaded_from, load_pipeline
from sdkit.loading.provenance import Source, remember_source, source_of
from sdkit.quiet import quiet
from sdkit.schedulers import scheduler_named, usual_name

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

DTYPES = ("float32", "float16", "bfloat16", "float64")


class Parts(NamedTuple):
    """What a pipeline is made of besides its class; None means: as in the given pipeline."""

    model: str | None = None
    dtype: str | None = None
    scheduler: str | None = None


def check_parts(parts: Parts) -> Parts:
    """Return the parts with their names in one spelling; raise TypeError or ValueError for unknown ones."""
    import torch

    model, dtype, scheduler = parts
    if isinstance(dtype, torch.dtype):
        dtype = str(dtype).removeprefix("torch.")
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}; give one of {', '.join(DTYPES)}.")
    if model is not None and not isinstance(model, (str, Path)):
        raise TypeError(f"model is a {type(model).__name__}; give a name or a folder, as load_pipeline takes it.")
    if scheduler is not None:
        scheduler = usual_name(scheduler)
    return Parts(None if model is None else str(model), dtype, scheduler)


class Variants:
    """Pipelines over one given pipeline, by their `Parts`.

    Changed weights take as much memory again as the model; only the last ones made are kept.
    """

    def __init__(self, pipe):
        self._pipe = pipe
        self._last: tuple[tuple[str | None, str | None], Any] = (None, None), pipe

    def __getitem__(self, parts: Parts) -> DiffusionPipeline:
        """Return the pipeline with these parts; it shares all that is not changed with the given one."""
        weights = parts.model, parts.dtype
        if weights != self._last[0]:
            self._last = (None, None), self._pipe  # frees the weights before others are made
            self._last = weights, self._with_weights(*weights)
        base = self._last[1]
        if parts.scheduler is None:
            return base
        made = copy(base)
        made.scheduler = scheduler_named(parts.scheduler, base.scheduler)
        return made

    def _with_weights(self, model, dtype):
        """Return a pipeline of the given one's class with another model, or with its weights in another format."""
        import torch

        pipe = self._pipe
        dtype = pipe.unet.dtype if dtype is None else getattr(torch, dtype)
        if model is not None and not is_loaded_from(pipe, model):
            loaded = load_pipeline(model, device=device_of(pipe), dtype=dtype)
            return loaded if type(loaded) is type(pipe) else pipeline_from(type(pipe), loaded)
        if dtype == pipe.unet.dtype:
            return pipe
        made = copy(pipe)
        with quiet():
            for name, part in pipe.components.items():
                if isinstance(part, torch.nn.Module):
                    setattr(made, name, deepcopy(part).to(dtype))
        source = source_of(pipe)
        remember_source(made, Source(source.name, source.revision))
        return made
