"""What a checkpoint on disk holds, read from its configurations and the headers of its files.

No weight is loaded. What is missing, damaged, unsafe or of another family is told here, before a
loader meets it: the loaders fill missing tensors with random numbers and only write a line to the log.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short
from typing import Any, NoReturn

from sdkit.loading.parts import (
    WEIGHTED,
    check_classes,
    check_described,
    check_tokens,
    count_described,
    load_small_parts,
    read_config,
    read_json,
)

INDEX = "model_index.json"
SAFE, PICKLES = ".safetensors", (".bin", ".ckpt", ".pt", ".pth", ".pkl")
# A pipeline for pictures from pictures has the parts of one for text to image; its UNet's channels decide.
FAMILY = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
# The file names of a part's weights, by the library of its class; the safety checker's is a module of diffusers.
_STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model", "stable_diffusion": "model"}
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
    library and class of each part (none for a single file), and `small_parts` those without weights, loaded.
    `side` is the usual picture's in pixels, `width` the channels of the VAE's decoder at that size.
    """

    path: Path
    numbers: dict[str, int]
    stored: dict[str, tuple[str, ...]]
    side: int
    width: int
    classes: dict[str, tuple[str, str]] = field(default_factory=dict)
    variants: dict[str, str | None] = field(default_factory=dict)
    small_parts: dict[str, Any] = field(default_factory=dict)

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
    classes, configs = _read_parts(folder, left_out)
    check_channels(configs["unet"], folder)
    files, variants = _files(folder, classes, variant)
    headers = {part: _headers(paths) for part, paths in files.items()}
    numbers = {part: _count(header) for part, header in headers.items()}
    for part, held in numbers.items():
        described = count_described(folder, part, classes)
        check_described(described, held, folder / part / "config.json", part)
    side, width = _picture(folder, configs["unet"], configs["vae"])
    return Checkpoint(
        path=folder,
        numbers=numbers,
        stored={part: _formats(header) for part, header in headers.items()},
        side=side,
        width=width,
        classes=classes,
        variants=variants,
        small_parts=_small_parts(folder, classes, configs),
    )


def read_single_file(path: Path, config: Path | None = None) -> Checkpoint:
    """Read a single file in CompVis' layout, such as v1-5-pruned-emaonly.safetensors.

    `config` is the folder with its configurations; None, if they are not known yet. Raises ValueError for a damaged
    file, for one that is not a whole Stable Diffusion for text to image, and for configurations that do not fit it.
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
    numbers = {part: _count(tensors) for part, tensors in parts.items()}
    return Checkpoint(
        path=path,
        numbers=numbers,
        stored={part: _formats(tensors) for part, tensors in parts.items()},
        side=512,
        width=_inputs(header, _VAE_OUT, 256),
        small_parts={} if config is None else _read_beside(path, config, numbers),
    )


def read_index(path: Path, name: str | Path, left_out: Collection[str] = ()) -> dict[str, tuple[str, str]]:
    """Return {part: (library, class)} of a model_index.json, all of which are allowed; `name` is for messages.

    Raises ValueError for another family and for classes that are not taken, FileNotFoundError for a part missing.
    """
    index = read_json(path)
    check_family(index, name)
    return check_classes(index, name, left_out)


def check_family(index: dict[str, Any], name: str | Path) -> None:
    """Raise ValueError if a model_index.json is of a pipeline that has not Stable Diffusion's parts."""
    kind = index.get("_class_name")
    if not isinstance(kind, str) or kind not in FAMILY:
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
            f"the UNet of {name} takes {short(channels)} channels, and text to image gives it the latents' 4. "
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
        f"{name} names {short(kind)} as its pipeline, and load_pipeline takes {FAMILY[0]}. It may need code of its "
        "own; give another checkpoint."
    )


def refuse_pickle(path: Path) -> NoReturn:
    """Raise ValueError that says what a pickle can do and how to make safetensors of it."""
    raise ValueError(
        f"{path} is a pickle, not safetensors: reading one can run any code its author put in. Take the .safetensors "
        "of the same model, which most repositories have; or convert the file once, on a machine with nothing to lose: "
        "diffusers' from_pretrained(..., use_safetensors=False) or from_single_file, then save_pretrained(folder)."
    )


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return {tensor: (format, shape)} of a safetensors file, such as ("F16", (320, 4, 3, 3)).

    Raises ValueError if the file is cut short or its header does not fit it.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file. Fetch it again.")
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


def _read_parts(folder, left_out):
    """Return the classes and the configurations of the parts of a folder, all of which may be loaded."""
    classes = read_index(folder / INDEX, folder / INDEX, left_out)
    return classes, {part: read_config(folder, part) for part in classes}


def _small_parts(folder, classes, configs):
    """Return the parts without weights, which fit to the others."""
    made = load_small_parts(folder, classes)
    check_tokens(folder, made["tokenizer"], configs["text_encoder"])
    return made


def _read_beside(path, folder, numbers):
    """Return the parts without weights from the folder of a single file's configurations, which must fit the file."""
    classes, configs = _read_parts(folder, ("safety_checker", "image_encoder"))
    check_channels(configs["unet"], folder)
    for part, held in numbers.items():
        described = count_described(folder, part, classes)
        if described > 2 * held:
            raise ValueError(
                f"{path} does not match its configurations ({folder}): they describe a {part} of {described:,} "
                f"numbers, and the file holds {held:,}. Give config= the folder or the Hub id of the model it was "
                "made from."
            )
    return _small_parts(folder, classes, configs)


def _picture(folder, unet, vae):
    """Return the usual picture's side in pixels and the VAE decoder's channels at that size, from two configurations.

    The decoder ends in its first width, but comes to the full size still in its second one.
    """
    widths = vae.get("block_out_channels", [64])
    latent = unet.get("sample_size")
    longest = max(latent) if isinstance(latent, list) else latent
    side = longest * 2 ** (len(widths) - 1)
    if side % 8:
        raise ValueError(
            f"{folder / 'unet' / 'config.json'} has a sample_size of {latent}, which makes pictures of {side} pixels; "
            "Stable Diffusion's sides are multiples of 8. Fetch it again, or correct it."
        )
    return side, widths[1] if len(widths) > 1 else widths[0]


def _files(folder, classes, variant):
    """Return {part: weight files} and {part: their variant}. Raises ValueError if no part has the wanted variant."""
    files, variants = {}, {}
    for part in WEIGHTED:
        if part in classes:
            files[part], variants[part] = _weight_files(folder / part, classes[part][0], variant)
    if variant is not None and not any(variants.values()):
        raise ValueError(
            f"variant is {variant!r}, but {folder} has no files of it; it has {_variants_there(files)}. "
            "The number format of the loaded weights is said with dtype, whatever the files hold."
        )
    return files, variants


def _weight_files(folder, library, variant):
    """Return a part's weight files and the variant they are of; those of the variant go before the plain ones."""
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
    names = read_json(index).get("weight_map")
    names = list(names.values()) if isinstance(names, dict) else [names]
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(SAFE):
            raise ValueError(f"{index} names {short(name)} as a file of weights beside it; fetch it again.")
    names = sorted(set(names))
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
