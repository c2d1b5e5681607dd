"""What a checkpoint on disk holds, read from its configurations and the headers of its files.

No weight is loaded. What is missing, damaged, unsafe or of another family is told here, before a
loader meets it: the loaders fill missing tensors with random numbers and only write a line to the log.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

INDEX = "model_index.json"
SAFE, PICKLES = ".safetensors", (".bin", ".ckpt", ".pt", ".pth", ".pkl")
# A pipeline for pictures from pictures has the parts of one for text to image; its UNet's channels decide.
FAMILY = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
_WEIGHTED = ("unet", "vae", "text_encoder", "image_encoder", "safety_checker")
_NEEDED = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
# The file names of a part's weights, by the library of its class; the safety checker's is a module of diffusers.
_STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model", "stable_diffusion": "model"}
_CONFIGS = {
    "tokenizer": "tokenizer_config.json", "scheduler": "scheduler_config.json",
    "feature_extractor": "preprocessor_config.json",
}  # fmt: skip
# Where CompVis' single files keep the parts (github.com/CompVis/latent-diffusion); SD 2 has OpenCLIP's text encoder.
_PREFIXES = {"unet": "model.diffusion_model.", "vae": "first_stage_model.", "text_encoder": "cond_stage_model."}
_UNET_IN = "model.diffusion_model.input_blocks.0.0.weight"
_VAE_OUT = "first_stage_model.decoder.up.0.block.0.conv1.weight"
_COPIES = 4  # counted: 3 activations of the decoder's widest block live at once; the fourth is for the convolution


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be loaded: a folder or a single file.

    `numbers` counts the numbers of each part that has weights, `stored` says in which formats they
    lie there ("F32", "F16"), `variants` which parts have files of the variant asked for, `classes` the
    library and class of each part (none for a single file). `side` is the usual picture's in pixels,
    `width` the channels of the VAE's decoder at that size.
    """

    path: Path
    numbers: dict[str, int]
    stored: dict[str, tuple[str, ...]]
    side: int
    width: int
    classes: dict[str, tuple[str, str]] = field(default_factory=dict)
    variants: dict[str, str | None] = field(default_factory=dict)

    @property
    def work(self) -> int:
        """Numbers that one picture of the usual size needs besides the weights, at the most and roughly.

        The peak is the VAE's decoder (diffusers/models/autoencoders/vae.py), whose widest block works
        at the picture's full size; the UNet's work at 512 pixels with guidance is a third of it.
        """
        return _COPIES * self.width * self.side**2


def read_folder(folder: Path, variant: str | None = None, left_out: Collection[str] = ()) -> Checkpoint:
    """Read the folder of a diffusers pipeline; parts in `left_out` are not looked at.

    Raises FileNotFoundError for what is missing, ValueError for what is damaged, a pickle, or not
    Stable Diffusion's text to image.
    """
    classes = _classes(folder, left_out)
    configs = {part: _config(folder, part) for part in classes}
    check_channels(configs["unet"], folder)
    files, variants = _files(folder, classes, variant)
    headers = {part: _headers(paths) for part, paths in files.items()}
    side, width = _picture(configs["unet"], configs["vae"])
    return Checkpoint(
        path=folder,
        numbers={part: _count(header) for part, header in headers.items()},
        stored={part: _formats(header) for part, header in headers.items()},
        side=side,
        width=width,
        classes=classes,
        variants=variants,
    )


def read_single_file(path: Path) -> Checkpoint:
    """Read a single file in CompVis' layout, such as v1-5-pruned-emaonly.safetensors.

    Raises ValueError for a damaged one, and for one that is not a whole Stable Diffusion for text to image.
    """
    header = read_header(path)
    if any(name.startswith("conditioner.embedders.") for name in header):
        raise ValueError(_other_family(path, "StableDiffusionXLPipeline", "from_single_file"))
    parts = {
        part: {name: tensor for name, tensor in header.items() if name.startswith(prefix)}
        for part, prefix in _PREFIXES.items()
    }
    absent = [part for part, tensors in parts.items() if not tensors]
    if absent:
        first = next(iter(header), "nothing")
        raise ValueError(
            f"{path} holds no {' and no '.join(absent)} in the layout of Stable Diffusion's single files (names that "
            f"begin with {', '.join(_PREFIXES[part] for part in absent)}); its first tensor is {first}. Give a whole "
            "checkpoint; a LoRA, an embedding or one part is loaded into a pipeline that is there already."
        )
    check_channels({"in_channels": _inputs(header, _UNET_IN, 4)}, path)
    return Checkpoint(
        path=path,
        numbers={part: _count(tensors) for part, tensors in parts.items()},
        stored={part: _formats(tensors) for part, tensors in parts.items()},
        side=512,
        width=_inputs(header, _VAE_OUT, 256),
    )


def check_family(index: dict[str, Any], name: str | Path) -> None:
    """Raise ValueError if a model_index.json is of a pipeline that has not Stable Diffusion's parts."""
    kind = index.get("_class_name")
    if kind not in FAMILY:
        raise ValueError(_other_family(name, kind, "from_pretrained"))


def check_channels(unet: dict[str, Any], name: str | Path) -> None:
    """Raise ValueError if a UNet's configuration is not for text to image, which has the latents alone to give."""
    channels = unet.get("in_channels", 4)
    if channels == 9:
        raise ValueError(
            f"the UNet of {name} takes 9 channels: it is an inpainting model, which needs a picture and a mask beside "
            "the prompt. Load it with diffusers.StableDiffusionInpaintPipeline, or give a checkpoint with 4 channels."
        )
    if channels != 4:
        raise ValueError(
            f"the UNet of {name} takes {channels} channels, and text to image gives it the latents' 4. "
            "Load it with the pipeline it was made for, or give another checkpoint."
        )


def _other_family(name, kind, method):
    """Say that a checkpoint is of another pipeline `kind`, and which `method` of it loads it if it is diffusers'."""
    if isinstance(kind, str) and kind.endswith("Pipeline"):
        return (
            f"{name} is a checkpoint of {kind}; load_pipeline takes those of StableDiffusionPipeline (Stable Diffusion "
            f"1 and 2). Load it with diffusers.{kind}.{method}, or give another checkpoint."
        )
    return (
        f"{name} names {kind!r} as its pipeline, and load_pipeline takes {FAMILY[0]}. It may need code of its own; "
        "give another checkpoint."
    )


def refuse_pickle(path: Path) -> NoReturn:
    """Raise ValueError that says what a pickle can do and how to make safetensors of it."""
    raise ValueError(
        f"{path} is a pickle, not safetensors: reading one can run any code its author put in. Take the .safetensors "
        "of the same model, which most repositories have; or convert the file once, on a machine with nothing to lose: "
        "diffusers' from_pretrained(..., use_safetensors=False) or from_single_file, then save_pretrained(folder)."
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a configuration file. Raises FileNotFoundError or ValueError that names the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}); fetch it again.") from error


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return {tensor: (format, shape)} of a safetensors file, such as ("F16", (320, 4, 3, 3)).

    Raises ValueError if the file is cut short or its header does not fit it.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_slice(name) for name in file.keys()}
            return {name: (tensor.get_dtype(), tuple(tensor.get_shape())) for name, tensor in tensors.items()}
    except (SafetensorError, OSError, ValueError) as error:
        with path.open("rb") as file:
            pointer = file.read(42).startswith(b"version https://git-lfs")
        size = path.stat().st_size
        if pointer:
            raise ValueError(
                f"{path} is a note of Git LFS ({size} bytes) instead of the file; run git lfs pull in its folder."
            ) from error
        raise ValueError(f"{path} is damaged or cut short ({size:,} bytes: {error}); fetch it again.") from error


def _classes(folder, left_out):
    """Return {part: (library, class)} of the parts that a folder's model_index.json names, all that are needed."""
    index = read_json(folder / INDEX)
    check_family(index, folder)
    known = {*_WEIGHTED, *_CONFIGS}.difference(left_out)  # diffusers ignores others too
    classes = {
        part: (value[0], value[1])
        for part, value in index.items()
        if part in known and isinstance(value, list) and value[0]  # [null, null] says that a part is left out
    }
    for part in _NEEDED:
        if part not in classes and part not in left_out:
            raise FileNotFoundError(f"{folder / INDEX} names no {part}, which every Stable Diffusion pipeline has.")
    if "safety_checker" in classes and "feature_extractor" not in classes:
        raise FileNotFoundError(
            f"{folder / INDEX} names a safety_checker and no feature_extractor, which prepares its pictures; "
            "give safety_checker=None to load without both."
        )
    return classes


def _config(folder, part):
    """Return the configuration of a part, which must be there."""
    path = folder / part / _CONFIGS.get(part, "config.json")
    if not path.exists():
        what = f"has no folder {part}" if not (folder / part).is_dir() else f"has no {path.name} in {part}"
        hint = "; give safety_checker=None to load without it" if part == "safety_checker" else ""
        raise FileNotFoundError(f"{folder} {what}, which its {INDEX} names: a part is missing. Fetch it again{hint}.")
    return read_json(path)


def _picture(unet, vae):
    """Return the usual picture's side in pixels and the VAE decoder's channels at that size, from two configurations.

    The decoder ends in its first width, but comes to the full size still in its second one.
    """
    widths = vae.get("block_out_channels", [64])
    latent = unet.get("sample_size") or 64
    longest = max(latent) if isinstance(latent, list) else latent
    return longest * 2 ** (len(widths) - 1), widths[1] if len(widths) > 1 else widths[0]


def _files(folder, classes, variant):
    """Return {part: weight files} and {part: their variant}. Raises ValueError if no part has the wanted variant."""
    files, variants = {}, {}
    for part in _WEIGHTED:
        if part in classes:
            library, kind = classes[part]
            files[part], variants[part] = _weight_files(folder / part, library, kind, variant)
    if variant is not None and not any(variants.values()):
        raise ValueError(
            f"variant is {variant!r}, but {folder} has no files of it; it has {_variants_there(files)}. "
            "The number format of the loaded weights is said with dtype, whatever the files hold."
        )
    return files, variants


def _weight_files(folder, library, kind, variant):
    """Return a part's weight files and the variant they are of; those of the variant go before the plain ones."""
    if library not in _STEMS:
        raise ValueError(f"{folder} is a {kind} of {library}; only classes of diffusers and transformers are loaded.")
    stem = _STEMS[library]
    for tried in (variant, None):
        dot = "" if tried is None else f".{tried}"
        index, single = folder / f"{stem}{SAFE}.index{dot}.json", folder / f"{stem}{dot}{SAFE}"
        if index.exists():
            return _shards(index), tried
        if single.exists():
            return [single], tried
    _refuse_no_weights(folder, stem)


def _shards(index):
    """Return the files that an index of shards names, all of which must be there."""
    names = sorted(set(read_json(index).get("weight_map", {}).values()))
    gone = [name for name in names if not (index.parent / name).exists()]
    if gone or not names:
        lost = ", ".join(gone) or "all files"
        raise FileNotFoundError(f"{index.parent} lacks {lost} ({index.name} names {len(names)}); fetch it again.")
    return [index.parent / name for name in names]


def _refuse_no_weights(folder, stem) -> NoReturn:
    """Raise FileNotFoundError that says which variants a part has, ValueError if it has a pickle."""
    pickles = [path for path in sorted(folder.iterdir()) if path.suffix in PICKLES]
    if pickles:
        refuse_pickle(pickles[0])
    others = sorted(_variants(folder.glob(f"{stem}.*{SAFE}")))
    if others:
        given = ", ".join(f"variant={other!r}" for other in others)
        raise FileNotFoundError(f"{folder} has no {stem}{SAFE}, only other variants; give {given}.")
    raise FileNotFoundError(f"{folder} has no weights: {stem}{SAFE} is missing. Fetch it again.")


def _variants_there(files):
    """Say which variants lie beside the files of all parts."""
    variants = sorted(_variants(path for paths in files.values() for path in paths[0].parent.glob(f"*.*{SAFE}")))
    if variants:
        return f"the variants {', '.join(variants)}"
    first = next(iter(files.values()))[0]
    return f"plain ones only, such as {first.name}"


def _variants(paths):
    """Return the variants in the names of weight files: fp16 of model.fp16.safetensors and its shards."""
    return {path.name.split(".")[1].split("-")[0] for path in paths}


def _headers(paths):
    header = {}
    for path in paths:
        header.update(read_header(path))
    return header


def _inputs(header, name, usual):
    """Return the input channels of a convolution (its weight is outputs x inputs x height x width), or the usual."""
    return header[name][1][1] if name in header else usual


def _count(header):
    """Return how many numbers the tensors hold; whole ones (token positions) are no weights."""
    return sum(math.prod(shape) for kind, shape in header.values() if kind[0] in "FB" and kind != "BOOL")


def _formats(header):
    """Return the number formats, the most used one first."""
    counts: Counter[str] = Counter()
    for kind, shape in header.values():
        counts[kind] += math.prod(shape)
    return tuple(kind for kind, _ in counts.most_common())
