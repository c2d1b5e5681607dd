"""The parts of a Stable Diffusion pipeline: which classes may be loaded for each, and what their configurations say.

A checkpoint is a stranger's file. It names classes, and only those in the table here are taken; it describes models,
and these are built first without memory (torch's device "meta"), to see that they are models and of the size of
their files. Nothing here reads weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from reprlib import repr as short
from typing import Any

WEIGHTED = ("unet", "vae", "text_encoder", "image_encoder", "safety_checker")
_NEEDED = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
# The library and the classes that may stand for a part in model_index.json; the first of them stands for those that
# the installed library has no more. "stable_diffusion" is the module of diffusers' pipelines.
ALLOWED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "unet": ("diffusers", ("UNet2DConditionModel",)),
    "vae": ("diffusers", ("AutoencoderKL", "AsymmetricAutoencoderKL", "AutoencoderTiny")),
    "text_encoder": ("transformers", ("CLIPTextModel",)),
    "tokenizer": ("transformers", ("CLIPTokenizer", "CLIPTokenizerFast")),
    "scheduler": ("diffusers", ()),  # every SchedulerMixin of diffusers
    "feature_extractor": (
        "transformers",
        ("CLIPImageProcessor", "CLIPFeatureExtractor", "CLIPImageProcessorFast", "CLIPImageProcessorPil"),
    ),
    "safety_checker": ("stable_diffusion", ("StableDiffusionSafetyChecker",)),
    "image_encoder": ("transformers", ("CLIPVisionModelWithProjection",)),
}
_CONFIGS = {
    "tokenizer": "tokenizer_config.json", "scheduler": "scheduler_config.json",
    "feature_extractor": "preprocessor_config.json",
}  # fmt: skip
# What a configuration could choose code, files or a kernel of the Hub with; the loaders of transformers follow these.
_CODE = ("auto_map", "custom_pipelines", "quantization_config", "attn_implementation", "_attn_implementation",
         "experts_implementation", "_experts_implementation")  # fmt: skip
_FILES = ("vocab_file", "merges_file", "tokenizer_file")
_MAX_BYTES = 16 * 2**20  # of a configuration or an index of shards
_MAX_DEPTH = 16
_MAX_ENTRIES = 100_000
_MAX_NUMBER = 10**6
# Counts of layers: each builds modules, which takes time even without memory. Published models have at most 32.
_COUNTS = ("num_hidden_layers", "layers_per_block", "transformer_layers_per_block",
           "reverse_transformer_layers_per_block", "num_encoder_blocks", "num_decoder_blocks")  # fmt: skip
_MAX_COUNT = 64
_MAX_BLOCKS = 8
_MAX_SIDE = 8192  # of latents or pictures
_MAX_TRAINING_STEPS = 10_000  # a scheduler keeps tables of this length


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a configuration file, which is a table.

    Raises FileNotFoundError if it is no file, ValueError that names it if it is damaged, too large, or no table.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}. Fetch the checkpoint again.")
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ValueError(f"{path} is {size:,} bytes long; a configuration has at most {_MAX_BYTES:,}. Fetch it again.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({first_line(error)}); fetch it again.") from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds {short(content)}; a configuration is a table, {{"name": value}}.')
    return content


def check_classes(
    index: dict[str, Any], name: str | Path, left_out: Collection[str] = ()
) -> dict[str, tuple[str, str]]:
    """Return {part: (library, class)} of a model_index.json, once all of them are allowed and none is missing.

    Nothing is imported that the index names, and the classes of parts in `left_out` do not matter. `name` is the
    checkpoint's for messages. Raises ValueError for a part or class that is not in the table, FileNotFoundError for
    one that is missing.
    """
    classes = {}
    for part, entry in index.items():
        if part not in ALLOWED:
            if isinstance(entry, list) and any(entry):
                raise ValueError(
                    f"{name} has a part {short(part)}, which Stable Diffusion has not; its parts are "
                    f"{', '.join(ALLOWED)}. It may need code of its own; give another checkpoint."
                )
            continue  # such as "_class_name" and "requires_safety_checker"
        if entry == [None, None]:
            continue  # says that a part is left out
        if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(word, str) for word in entry)):
            raise ValueError(
                f"{name} names {short(entry)} as its {part}; expected are a library and a class, such as "
                f'["{ALLOWED[part][0]}", "{_example(part)}"]. Fetch it again.'
            )
        if part not in left_out:
            _check_class(part, entry[0], entry[1], name)
            classes[part] = entry[0], entry[1]
    for part in _NEEDED:
        if part not in classes and part not in left_out:
            raise FileNotFoundError(f"{name} names no {part}, which every Stable Diffusion pipeline has.")
    if "safety_checker" in classes and "feature_extractor" not in classes:
        raise FileNotFoundError(
            f"{name} names a safety_checker and no feature_extractor, which prepares its pictures; "
            "give safety_checker=None to load without both."
        )
    return classes


def read_config(folder: Path, part: str) -> dict[str, Any]:
    """Return the configuration of a part in a pipeline's folder.

    Raises FileNotFoundError if it is not there, ValueError if it would choose code or files, or is out of bounds.
    """
    path = folder / part / _CONFIGS.get(part, "config.json")
    if not path.exists():
        what = f"has no folder {part}" if not (folder / part).is_dir() else f"has no {path.name} in {part}"
        hint = "; give safety_checker=None to load without it" if part == "safety_checker" else ""
        raise FileNotFoundError(f"{folder} {what}, which its index names: a part is missing. Fetch it again{hint}.")
    config = read_json(path)
    adapter = path.parent / "adapter_config.json"
    if adapter.exists():
        raise ValueError(f"{adapter} names another model to load in place of the {part}; remove it, or merge the two.")
    try:
        _check_values(config)
        if part in ("unet", "vae"):
            _check_widths(config)
        if part == "unet":
            _check_side(config.get("sample_size"))
        if part == "scheduler":
            _check_range(config, "num_train_timesteps", 1, _MAX_TRAINING_STEPS)
    except ValueError as error:
        raise ValueError(f"{path}: {error} Fetch it again, or give another checkpoint.") from error
    return config


def part_class(part: str, library: str, kind: str) -> Any:
    """Return the class of a part; library and class are allowed ones. Raises ValueError if it is not installed."""
    module = import_module("diffusers.pipelines.stable_diffusion" if library == "stable_diffusion" else library)
    names = ALLOWED[part][1]
    found = next((getattr(module, name, None) for name in (kind, *names[:1]) if hasattr(module, name)), None)
    if found is None:
        raise ValueError(f"the {part} is a {kind}, which the installed {library} does not have.")
    return found


def count_described(folder: Path, part: str, classes: Mapping[str, tuple[str, str]]) -> int:
    """Return how many numbers the model has that a part's configuration describes; no memory is taken for them.

    Raises ValueError if it describes none.
    """
    import torch

    kind = part_class(part, *classes[part])
    try:
        with torch.device("meta"):
            if hasattr(kind, "from_config"):
                model = kind.from_config(kind.load_config(folder / part, local_files_only=True))
            else:
                model = kind(kind.config_class.from_pretrained(folder / part, local_files_only=True))
    except Exception as error:  # whatever a constructor meets in a configuration that is none
        raise ValueError(
            f"{folder / part / 'config.json'} describes no {classes[part][1]} ({first_line(error)}). Fetch it again, "
            "or give another checkpoint."
        ) from error
    return sum(weight.numel() for weight in model.parameters())


def check_described(described: int, held: int, path: Path, part: str) -> None:
    """Raise ValueError if a configuration describes a model much larger than its files, which could fill the memory.

    Up to twice their size, the loaders find and name the tensor that does not fit.
    """
    if described > 2 * held:
        raise ValueError(
            f"{path} describes a {part} of {described:,} numbers, and its weights are {held:,}: the weights do not "
            "match. Fetch both again, or give another checkpoint."
        )


def load_small_parts(folder: Path, classes: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the parts without weights: tokenizer, scheduler, feature extractor.

    Raises ValueError that names the part's folder if one cannot be made.
    """
    made = {}
    for part in classes:
        if part not in WEIGHTED:
            options = {} if part == "scheduler" else {"trust_remote_code": False}
            try:
                kind = part_class(part, *classes[part])
                made[part] = kind.from_pretrained(folder / part, local_files_only=True, **options)
            except Exception as error:  # whatever a constructor meets in a configuration that is none
                raise ValueError(
                    f"{folder / part} holds no {classes[part][1]} that can be loaded ({first_line(error)}). "
                    "Fetch it again, or give another checkpoint."
                ) from error
    return made


def check_tokens(folder: Path, tokenizer: Any, text_encoder: Mapping[str, Any]) -> None:
    """Raise ValueError if a tokenizer makes texts or token numbers that the text encoder cannot read.

    `text_encoder` is that part's configuration.
    """
    places, words = text_encoder.get("max_position_embeddings", 77), text_encoder.get("vocab_size", 49_408)
    length, highest = tokenizer.model_max_length, max(tokenizer.get_vocab().values(), default=0)
    if not 2 <= length <= places:
        raise ValueError(
            f"{folder / 'tokenizer'} makes texts of {short(length)} tokens, and the text encoder reads {places}. "
            f'Write "model_max_length": {places} in its tokenizer_config.json.'
        )
    if highest >= words:
        raise ValueError(
            f"{folder / 'tokenizer'} has a token of the number {highest:,}, and the text encoder knows {words:,}. "
            "They are of different models; fetch both again."
        )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, its class where it has none."""
    return next((line for line in str(error).splitlines() if line), type(error).__name__)


def _example(part):
    return (*ALLOWED[part][1], "PNDMScheduler")[0]


def _check_class(part, library, kind, name):
    """Raise ValueError unless a class is allowed for a part."""
    home, kinds = ALLOWED[part]
    if part == "scheduler" and library == home and _is_scheduler(kind):
        return
    if library == home and kind in kinds:
        return
    if library not in ("diffusers", "transformers", "stable_diffusion"):
        raise ValueError(
            f"{name} has a {part} of the class {short(kind)} of {short(library)}, whose code is not known; only "
            "classes of diffusers and transformers are loaded. Give another checkpoint."
        )
    known = " or ".join(f"{home}.{kind}" for kind in kinds) or "a scheduler of the installed diffusers"
    raise ValueError(
        f"{name} has a {part} of the class {library}.{short(kind)}, and load_pipeline takes {known} there. "
        "Load it with plain diffusers if you trust it, or give another checkpoint."
    )


def _is_scheduler(kind):
    import diffusers

    if not (kind.isidentifier() and kind.endswith("Scheduler")):
        return False  # not looked up: diffusers imports what it is asked for
    found = getattr(diffusers, kind, None)
    return isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)


def _check_values(value, depth=0, name="it"):
    """Raise ValueError if a configuration chooses code or files, or has numbers or lists beyond all models."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"it is nested more than {_MAX_DEPTH} deep.")
    if isinstance(value, (dict, list)) and len(value) > _MAX_ENTRIES:
        raise ValueError(f"{name} has {len(value):,} entries; at most {_MAX_ENTRIES:,} are read.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if inner is None:
                continue
            if key in _CODE:
                raise ValueError(f"{key} chooses code, which a checkpoint may not.")
            if key in _FILES:
                raise ValueError(f"{key} is {short(inner)}; files are found by their names in the folder.")
            if key == "model_max_length" and isinstance(inner, int):
                continue  # transformers writes 10**30 for no limit; check_tokens looks at it
            if key in _COUNTS:
                _check_count(key, inner)
            _check_values(inner, depth + 1, short(key))
    elif isinstance(value, list):
        for inner in value:
            _check_values(inner, depth + 1, name)
    elif isinstance(value, float) and math.isnan(value):
        raise ValueError(f"{name} is no number (NaN).")
    elif isinstance(value, int) and abs(value) > _MAX_NUMBER:
        raise ValueError(f"{name} is {short(value)}; numbers up to {_MAX_NUMBER:,} are read.")


def _check_count(name, value):
    """Raise ValueError unless a count of layers, or each of a list of them, is a small whole number."""
    for count in value if isinstance(value, list) else [value]:
        if isinstance(count, list):
            _check_count(name, count)
        elif not _is_whole(count, 0, _MAX_COUNT):
            raise ValueError(f"{name} is {short(value)}; expected are whole numbers up to {_MAX_COUNT}.")


def _check_widths(config):
    """Raise ValueError unless the widths of the blocks are whole numbers."""
    widths = config.get("block_out_channels", [1])
    if not (isinstance(widths, list) and 1 <= len(widths) <= _MAX_BLOCKS):
        raise ValueError(f"block_out_channels is {short(widths)}; expected is a list of 1 to {_MAX_BLOCKS} widths.")
    if not all(_is_whole(width, 1, _MAX_NUMBER) for width in widths):
        raise ValueError(f"block_out_channels is {short(widths)}; expected are whole numbers.")


def _check_side(side):
    """Raise ValueError unless the usual latents have a side in whole numbers, or two; diffusers fails without."""
    lengths = side if isinstance(side, list) and len(side) == 2 else [side]
    if not all(_is_whole(length, 1, _MAX_SIDE) for length in lengths):
        raise ValueError(
            f"sample_size is {short(side)}; expected is a whole number up to {_MAX_SIDE:,}, or two, such as 64."
        )


def _check_range(config, name, low, high):
    if name in config and not _is_whole(config[name], low, high):
        raise ValueError(f"{name} is {short(config[name])}; expected is a whole number from {low:,} to {high:,}.")


def _is_whole(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
