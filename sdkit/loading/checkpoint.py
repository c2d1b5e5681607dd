"""What a checkpoint on disk holds, read from its configurations and the headers of its files.

No weight is loaded. What is missing, damaged, unsafe or of another family is told here, before a
loader meets it: the loaders fill missing tensors with random numbers and only write a line to the log.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

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


def read_folder(folder: Path, variant: str | None = None, left_out=()) -> Checkpoint:
    """Read the folder of a diffusers pipeline; parts in `left_out` are not looked at.

    Raises FileNotFoundError for what is missing, ValueError for what is damaged, a pickle, or not
    Stable Diffusion's text to image.
    """
    index = read_json(folder / INDEX)
    check_family(index, folder)
    classes = {name: tuple(value) for name, value in index.items() if isinstance(value, list) and value[0]}
    known = {*_WEIGHTED, *_CONFIGS}.difference(left_out)
    classes = {name: value for name, value in classes.items() if name in known}  # diffusers ignores others too
    for name in _NEEDED:
        if name not in classes and name not in left_out:
            raise FileNotFoundError(f"{folder / INDEX} names no {name}, which every Stable Diffusion pipeline has.")
    if "safety_checker" in classes and "feature_extractor" not in classes:
        raise FileNotFoundError(
            f"{folder / INDEX} names a safety_checker and no feature_extractor, which prepares its pictures; "
            "give safety_checker=None to load without both."
        )
    configs = {name: _config(folder, name) for name in classes}
    check_channels(configs["unet"], folder)
    files, variants = {}, {}
    for name in _WEIGHTED:
        if name in classes:
            files[name], variants[name] = _weight_files(folder / name, *classes[name], variant)
    if variant is not None and not any(variants.values()):
        raise ValueError(
            f"variant is {variant!r}, but {folder} has no files of it; it has {_variants_there(files)}. "
            "The number format of the loaded weights is said with dtype, whatever the files hold."
        )
    headers = {name: _headers(paths) for name, paths in files.items()}
    widths = configs["vae"].get("block_out_channels", [64])
    latent = configs["unet"].get("sample_size") or 64
    return Checkpoint(
        folder,
        {name: _count(header) for name, header in headers.items()},
        {name: _formats(header) for name, header in headers.items()},
        max(latent if isinstance(latent, list) else [latent]) * 2 ** (len(widths) - 1),
        widths[:2][-1],
        classes,
        variants,
    )


def read_single_file(path: Path) -> Checkpoint:
    """Read a single file in CompVis' layout, such as v1-5-pruned-emaonly.safetensors.

    Raises ValueError for a damaged one, and for one that is not a whole Stable Diffusion for text to image.
    """
    header = read_header(path)
    parts = {part: {k: v for k, v in header.items() if k.startswith(start)} for part, start in _PREFIXES.items()}
    if any(name.startswith("conditioner.embedders.") for name in header):
        raise ValueError(_other_family(path, "StableDiffusionXLPipeline", "from_single_file"))
    absent = [name for name, found in parts.items() if not found]
    if absent:
        first = next(iter(header), "nothing")
        raise ValueError(
            f"{path} holds no {' and no '.join(absent)} in the layout of Stable Diffusion's single files (names that "
            f"begin with {', '.join(_PREFIXES[name] for name in absent)}); its first tensor is {first}. Give a whole "
            "checkpoint; a LoRA, an embedding or one part is loaded into a pipeline that is there already."
        )
    check_channels({"in_channels": header[_UNET_IN][1][1] if _UNET_IN in header else 4}, path)
    width = header[_VAE_OUT][1][1] if _VAE_OUT in header else 256
    counts = {name: _count(found) for name, found in parts.items()}
    return Checkpoint(path, counts, {name: _formats(found) for name, found in parts.items()}, 512, width)


def check_family(index: dict, name) -> None:
    """Raise ValueError if a model_index.json is of a pipeline that has not Stable Diffusion's parts."""
    kind = index.get("_class_name")
    if kind not in FAMILY:
        raise ValueError(_other_family(name, kind, "from_pretrained"))


def check_channels(unet: dict, name) -> None:
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
    if isinstance(kind, str) and kind.endswith("Pipeline"):
        return (
            f"{name} is a checkpoint of {kind}; load_pipeline takes those of StableDiffusionPipeline (Stable Diffusion "
            f"1 and 2). Load it with diffusers.{kind}.{method}, or give another checkpoint."
        )
    return (
        f"{name} names {kind!r} as its pipeline, and load_pipeline takes {FAMILY[0]}. It may need code of its own; "
        "give another checkpoint."
    )


def refuse_pickle(path) -> None:
    """Raise ValueError that says what a pickle can do and how to make safetensors of it."""
    raise ValueError(
        f"{path} is a pickle, not safetensors: reading one can run any code its author put in. Take the .safetensors "
        "of the same model, which most repositories have; or convert the file once, on a machine with nothing to lose: "
        "diffusers' from_pretrained(..., use_safetensors=False) or from_single_file, then save_pretrained(folder)."
    )


def read_json(path: Path) -> dict:
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
            slices = {name: file.get_slice(name) for name in file.keys()}
            return {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
    except (SafetensorError, OSError, ValueError) as error:
        with path.open("rb") as file:
            pointer = file.read(42).startswith(b"version https://git-lfs")
        size = path.stat().st_size
        if pointer:
            raise ValueError(
                f"{path} is a note of Git LFS ({size} bytes) instead of the file; run git lfs pull in its folder."
            ) from error
        raise ValueError(f"{path} is damaged or cut short ({size:,} bytes: {error}); fetch it again.") from error


def _config(folder, name):
    """Return the configuration of a part, which must be there."""
    path = folder / name / _CONFIGS.get(name, "config.json")
    if not path.exists():
        what = f"has no folder {name}" if not (folder / name).is_dir() else f"has no {path.name} in {name}"
        hint = "; give safety_checker=None to load without it" if name == "safety_checker" else ""
        raise FileNotFoundError(f"{folder} {what}, which its {INDEX} names: a part is missing. Fetch it again{hint}.")
    return read_json(path)


def _weight_files(folder, library, kind, variant):
    """Return a part's weight files and the variant they are of; those of the variant go before the plain ones."""
    if library not in _STEMS:
        raise ValueError(f"{folder} is a {kind} of {library}; only classes of diffusers and transformers are loaded.")
    stem = _STEMS[library]
    for one in dict.fromkeys((variant, None)):
        dot = "" if one is None else f".{one}"
        index = folder / f"{stem}{SAFE}.index{dot}.json"
        if index.exists():
            paths = [folder / name for name in sorted(set(read_json(index).get("weight_map", {}).values()))]
            gone = [path.name for path in paths if not path.exists()]
            if gone or not paths:
                lost = ", ".join(gone) or "all files"
                raise FileNotFoundError(f"{folder} lacks {lost} ({index.name} names {len(paths)}); fetch it again.")
            return paths, one
        if (folder / f"{stem}{dot}{SAFE}").exists():
            return [folder / f"{stem}{dot}{SAFE}"], one
    pickles = [path for path in sorted(folder.iterdir()) if path.suffix in PICKLES]
    if pickles:
        refuse_pickle(pickles[0])
    others = sorted({path.name.split(".")[1] for path in folder.glob(f"{stem}.*{SAFE}")})
    if others:
        given = ", ".join(f"variant={one.split('-')[0]!r}" for one in others)
        raise FileNotFoundError(f"{folder} has no {stem}{SAFE}, only other variants; give {given}.")
    raise FileNotFoundError(f"{folder} has no weights: {stem}{SAFE} is missing. Fetch it again.")


def _variants_there(files):
    stems = [path.name.removesuffix(SAFE) for paths in files.values() for path in paths[:1]]
    folders = {paths[0].parent for paths in files.values()}
    found = {path.name.split(".")[1].split("-")[0] for one in folders for path in one.glob(f"*.*{SAFE}")}
    return ("the variants " + ", ".join(sorted(found))) if found else f"plain ones only, such as {stems[0]}{SAFE}"


def _headers(paths):
    header = {}
    for path in paths:
        header.update(read_header(path))
    return header


def _count(header):
    """Return how many numbers the tensors hold; whole ones (token positions) are no weights."""
    return sum(math.prod(shape) for kind, shape in header.values() if kind[0] in "FB" and kind != "BOOL")


def _formats(header):
    """Return the number formats, the most used one first."""
    counts = Counter()
    for kind, shape in header.values():
        counts[kind] += math.prod(shape)
    return tuple(kind for kind, _ in counts.most_common())
