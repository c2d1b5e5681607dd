"""From a checkpoint to a pipeline in main memory: every tensor there, and all in one number format."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdkit.loading.checkpoint import Checkpoint
from sdkit.loading.locate import missing_part
from sdkit.loading.parts import first_line, part_class

if TYPE_CHECKING:
    import torch
    from diffusers import StableDiffusionPipeline


def load_folder(
    checkpoint: Checkpoint, name: str, dtype: torch.dtype, parts: dict[str, Any]
) -> StableDiffusionPipeline:
    """Return the pipeline of a folder, with `parts` in the place of its own.

    `name` is the model's for messages. Raises ValueError for weights that do not match their
    configuration, FileNotFoundError for a part that is missing.
    """
    from diffusers import StableDiffusionPipeline

    try:
        loaded = {part: _load_part(checkpoint, part, dtype) for part in checkpoint.numbers}
        pipe = StableDiffusionPipeline.from_pretrained(
            checkpoint.path,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **{**loaded, **checkpoint.small_parts, **parts},
        )
    except OSError as error:
        raise FileNotFoundError(missing_part(name, "in that folder", error)) from error
    return _in_one_format(pipe, dtype)


def load_single_file(
    checkpoint: Checkpoint, dtype: torch.dtype, config: Path | None, options: dict[str, Any]
) -> StableDiffusionPipeline:
    """Return the pipeline of a single file, its configurations from `config` (None: diffusers' choice).

    `options` are those of diffusers' `from_single_file`. Raises ValueError for a file that does not
    match its configurations, FileNotFoundError if these cannot be had.
    """
    from diffusers import StableDiffusionPipeline

    path = checkpoint.path
    if config is not None:
        options = {**checkpoint.small_parts, "image_encoder": None, **options, "config": str(config)}
    try:
        pipe = StableDiffusionPipeline.from_single_file(str(path), dtype=dtype, **options)
    except OSError as error:
        raise FileNotFoundError(
            f"could not load {path}: a single file has no configurations and no tokenizer, and they could not be had"
            f"{'' if config is None else f' from {config}'}. Give config= a folder or a Hub id of the same kind of "
            f"model. diffusers said: {first_line(error)}"
        ) from error
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not match its configurations ({config or 'those that diffusers chose'}): "
            f"{first_line(error)}. Give config= the folder or the Hub id of the model it was made from."
        ) from error
    _check_complete(pipe, checkpoint)
    return _in_one_format(pipe, dtype)


def _load_part(checkpoint, part, dtype):
    """Return a part with weights. Raises ValueError if its files do not fill it: the loaders would, with noise."""
    loader = part_class(part, *checkpoint.classes[part])
    folder = checkpoint.path / part
    variant = checkpoint.variants[part]
    try:
        loaded, report = loader.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"the weights in {folder} do not match its config.json: {first_line(error)}") from error
    absent = sorted(report["missing_keys"])
    if absent:
        raise ValueError(
            f"the weights in {folder} lack {len(absent)} of the tensors that its config.json describes, such as "
            f"{absent[0]}. They are incomplete or of another model; fetch them again."
        )
    return loaded


def _check_complete(pipe, checkpoint):
    """Raise ValueError if a single file holds fewer numbers than a part has: diffusers filled the rest with noise."""
    for part, count in checkpoint.numbers.items():
        described = sum(weight.numel() for weight in getattr(pipe, part).parameters())
        if count < described:
            raise ValueError(
                f"{checkpoint.path} holds {count:,} numbers of the {described:,} that the {part} has; it is incomplete "
                "or of another model. Fetch it again, or give config= the model it was made from."
            )


def _in_one_format(pipe, dtype):
    """Return the pipeline, each part in `dtype`: a mixture, as with a part given, fails in the middle of a call."""
    for part in pipe.components.values():
        if hasattr(part, "parameters"):
            tensors = chain(part.parameters(), part.buffers())
            if any(tensor.is_floating_point() and tensor.dtype != dtype for tensor in tensors):
                part.to(dtype)
    return pipe
