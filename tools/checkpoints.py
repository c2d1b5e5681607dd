"""Write checkpoints shaped like Stable Diffusion v1, with random weights.

    python -m tools.checkpoints FOLDER                            full size, float32
    python -m tools.checkpoints FOLDER --precision fp32 fp16      both, the second as variant="fp16"
    python -m tools.checkpoints FOLDER --size small --kind v      narrow, with the names of the full one
    python -m tools.checkpoints CACHE --hub owner/name            as the Hub's cache keeps it

Every byte, shape and name is real, only the picture is noise: what is measured with such a checkpoint
(loading, memory, time) holds for a trained one. No model is ever built: each tensor is drawn by itself,
seeded by its name, and written at once, so the memory needed is that of the largest tensor, and all
precisions, shards and the single file hold the same weights. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any, NamedTuple

from sdkit import model_path
from sdkit.files import whole, write_whole
from sdkit.loading import ldm
from tools import vocabulary

if TYPE_CHECKING:
    import torch

KINDS = {
    "sd": "as Stable Diffusion v1, which predicts the noise",
    "v": "predicts v (Salimans and Ho 2022, arXiv 2202.00512), as Stable Diffusion 2.1 does",
    "inpaint": "the 9-channel UNet of the inpainting checkpoint",
    "turbo": "with the scheduler of SD-Turbo, which is called without guidance",
    "sdxl": "as Stable Diffusion XL; only small",
}
SIZES = ("full", "small")
PRECISIONS = ("fp32", "fp16")  # fp32 has the plain names, fp16 those of a variant
VOCABULARIES = ("clip", "built-in")
SINGLE = "sd-v1"  # the single file's name
OPTIONS = "checkpoint.json"  # written first: what a folder that is not finished shall become
INDEX = "model_index.json"  # written last: a folder that has it is finished
NARROW = ("token_embedding.weight", "position_embedding.weight", "class_embedding")
TEXT = {
    "full": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768},
    "small": {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 4, "projection_dim": 64},
}
VISION = {
    "full": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "image_size": 224},
    "small": {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 4, "image_size": 28},
}
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}


@dataclass(frozen=True)
class Options:
    """What to write: `shard` is the most megabytes of one weight file, None for one file a part."""

    kind: str = "sd"
    size: str = "full"
    precision: tuple[str, ...] = ("fp32",)
    shard: float | None = None
    single_file: bool = False
    safety_checker: bool = False
    vocabulary: str | None = None
    seed: int = 0

    def __post_init__(self):
        if self.vocabulary is None:
            object.__setattr__(self, "vocabulary", "clip" if self.size == "full" else "built-in")
        for name, known in (("kind", KINDS), ("size", SIZES), ("vocabulary", VOCABULARIES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; give one of {', '.join(known)}.")
        if not self.precision or not set(self.precision) <= set(PRECISIONS):
            raise ValueError(f"precision is {self.precision!r}; give some of {', '.join(PRECISIONS)}.")
        if self.kind == "sdxl" and (self.size != "small" or self.single_file or self.safety_checker):
            raise ValueError("sdxl is there to be refused: small, without single file and safety checker.")


@dataclass(frozen=True)
class Part:
    """A part with weights: its model without storage, the library of its class, and the stem of its files."""

    model: Any
    library: str
    stem: str
    prefix: str = ""  # before each tensor's name, as in the files on the Hub

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return {name in the file: shape}, in the model's order."""
        return {self.prefix + name: tuple(tensor.shape) for name, tensor in self.model.state_dict().items()}

    def config(self) -> str:
        """Return the text of config.json."""
        if hasattr(self.model, "to_json_string"):
            return self.model.to_json_string()
        config = self.model.config
        config.architectures = [type(self.model).__name__]
        return config.to_json_string(use_diff=False)


class Entry(NamedTuple):
    """A tensor of a file: its name there, its shape there, and the key that seeds its values."""

    name: str
    shape: tuple[int, ...]
    key: str


def write_checkpoint(folder: str | Path, options: Options | None = None) -> Path:
    """Write a checkpoint into a folder and return the folder.

    A folder in which the same was begun is completed. Raises FileExistsError for any other folder
    that is not empty, RuntimeError if CLIP's vocabulary is wanted and cannot be fetched.
    """
    folder, options = Path(folder), options or Options()
    _claim(folder, options)
    numbers = _write_tokenizers(folder, options)
    parts = _parts(options, numbers)
    for name, part in parts.items():
        write_whole(folder / name / "config.json", part.config().encode("utf-8"))
        entries = [Entry(tensor, shape, f"{name}.{tensor}") for tensor, shape in part.shapes().items()]
        for precision in options.precision:
            _write_weights(folder / name, part.stem, entries, precision, options)
    if options.safety_checker:
        write_whole(folder / "feature_extractor" / "preprocessor_config.json", _preprocessor(options).encode("utf-8"))
    if options.single_file:
        entries = _original_entries(parts)
        for precision in options.precision:
            path = folder / f"{SINGLE}{'' if precision == 'fp32' else '.fp16'}.safetensors"
            write_safetensors(path, entries, precision, options.seed)
    scheduler = _scheduler(options)
    write_whole(folder / "scheduler" / "scheduler_config.json", scheduler.to_json_string().encode("utf-8"))
    write_whole(folder / INDEX, _model_index(options, parts, scheduler).encode("utf-8"))
    return folder


def write_hub_cache(cache: str | Path, name: str, options: Options | None = None) -> Path:
    """Write a checkpoint as the Hub's cache would hold the repository `name`; return the snapshot's folder.

    The commit is a hash of the options. The layout is that of huggingface_hub: `refs/main` names the
    commit, `snapshots/` has a folder for it (real files here, links into `blobs/` there).
    """
    options = options or Options()
    commit = sha256(json.dumps(asdict(options), sort_keys=True).encode()).hexdigest()[:40]
    home = Path(cache) / f"models--{name.replace('/', '--')}"
    folder = write_checkpoint(home / "snapshots" / commit, options)
    write_whole(home / "refs" / "main", commit.encode())
    return folder


def _claim(folder, options):
    """Note in a folder what it shall become. Raises FileExistsError if something else is there."""
    text = json.dumps(asdict(options), indent=2)
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if OPTIONS in there:
        if (folder / OPTIONS).read_text(encoding="utf-8") != text:
            raise FileExistsError(f"{folder} holds a checkpoint with other options; delete it or give another folder.")
    elif there:
        raise FileExistsError(f"{folder} is not empty (it holds {there[0]}); give a new folder.")
    write_whole(folder / OPTIONS, text.encode("utf-8"))


def _write_tokenizers(folder, options):
    """Write the tokenizers and return the vocabulary's size and the numbers of its begin and end."""
    for name in ("tokenizer", "tokenizer_2") if options.kind == "sdxl" else ("tokenizer",):
        if options.vocabulary == "clip":
            vocabulary.write_tokenizer(folder / name)
        else:
            copytree(model_path() / "tokenizer", folder / name, dirs_exist_ok=True)
    numbers = json.loads((folder / "tokenizer" / "vocab.json").read_text(encoding="utf-8"))
    return {
        "vocab_size": len(numbers),
        "bos_token_id": numbers[vocabulary.START], "eos_token_id": numbers[vocabulary.END],
        "pad_token_id": numbers[vocabulary.END],
    }  # fmt: skip


def _parts(options, numbers):
    """Return {name: Part} of what has weights; `numbers` are the vocabulary's size and those of its special tokens."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    text = {**TEXT[options.size], **numbers, "num_hidden_layers": 12}
    with torch.device("meta"):
        parts = {
            "unet": Part(UNet2DConditionModel(**_unet_config(options, text)), "diffusers", "diffusion_pytorch_model"),
            "vae": Part(AutoencoderKL(**_vae_config(options)), "diffusers", "diffusion_pytorch_model"),
            "text_encoder": _clip_part(CLIPTextModel(CLIPTextConfig(**text))),
        }
        if options.kind == "sdxl":
            parts["text_encoder_2"] = _clip_part(CLIPTextModelWithProjection(CLIPTextConfig(**text)))
        if options.safety_checker:
            vision = {**VISION[options.size], "patch_size": 14, "num_hidden_layers": 24}
            config = CLIPConfig(projection_dim=text["projection_dim"], vision_config=vision)
            parts["safety_checker"] = Part(StableDiffusionSafetyChecker(config), "stable_diffusion", "model")
    return parts


def _clip_part(model):
    """Give the tensors of a text encoder the names of the Hub's files, which newer transformers have shortened."""
    flat = not any(name.startswith("text_model.") for name in model.state_dict())
    return Part(model, "transformers", "model", "text_model." if flat else "")


def _unet_config(options, text):
    """Return the arguments of a UNet as in v1, or as in XL; `text` are those of its text encoder."""
    full = options.size == "full"
    config = {
        "sample_size": 64 if full else 8, "in_channels": 9 if options.kind == "inpaint" else 4, "out_channels": 4,
        "block_out_channels": (320, 640, 1280, 1280) if full else (16, 32, 64, 64), "layers_per_block": 2,
        "norm_num_groups": 32 if full else 16,
        "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        "cross_attention_dim": text["hidden_size"], "attention_head_dim": 8,
    }  # fmt: skip
    if options.kind == "sdxl":
        config |= {
            "block_out_channels": (16, 32, 64), "cross_attention_dim": 2 * text["hidden_size"],
            "down_block_types": ("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
            "up_block_types": ("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
            "transformer_layers_per_block": (1, 2, 10), "attention_head_dim": (2, 2, 4), "use_linear_projection": True,
            "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": text["projection_dim"] + 6 * 8,
        }  # fmt: skip
    return config


def _vae_config(options):
    full = options.size == "full"
    return {
        "sample_size": 512 if full else 64, "latent_channels": 4, "layers_per_block": 2,
        "block_out_channels": (128, 256, 512, 512) if full else (16, 32, 64, 64), "norm_num_groups": 32 if full else 16,
        "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
    }  # fmt: skip


def _scheduler(options):
    """Return the scheduler that the kind of checkpoint has on the Hub."""
    from diffusers import DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler

    if options.kind in ("turbo", "sdxl"):
        spacing = "trailing" if options.kind == "turbo" else "leading"
        return EulerDiscreteScheduler(**SCHEDULE, timestep_spacing=spacing, steps_offset=1)
    common = {**SCHEDULE, "set_alpha_to_one": False, "steps_offset": 1}
    if options.kind == "v":
        return DDIMScheduler(**common, clip_sample=False, prediction_type="v_prediction")
    scheduler = PNDMScheduler(**common, skip_prk_steps=True)
    scheduler.register_to_config(clip_sample=False)  # as on the Hub: DDIM made from it would clip without this
    return scheduler


def _preprocessor(options):
    side = 224 if options.size == "full" else 28
    config = {
        "crop_size": side, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True, "do_resize": True,
        "image_processor_type": "CLIPImageProcessor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": side,
    }  # fmt: skip
    return json.dumps(config, indent=2)


def _model_index(options, parts, scheduler):
    """Return the text of model_index.json, which names the library and the class of each part."""
    from diffusers import __version__

    names = {"inpaint": "StableDiffusionInpaintPipeline", "sdxl": "StableDiffusionXLPipeline"}
    index = {"_class_name": names.get(options.kind, "StableDiffusionPipeline"), "_diffusers_version": __version__}
    index |= {name: [part.library, type(part.model).__name__] for name, part in parts.items()}
    for name in parts:
        if name.startswith("text_encoder"):
            index[name.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"]
    index["scheduler"] = ["diffusers", type(scheduler).__name__]
    if options.kind != "sdxl":
        checked = options.safety_checker
        index.setdefault("safety_checker", [None, None])
        index["feature_extractor"] = ["transformers", "CLIPImageProcessor"] if checked else [None, None]
        index["requires_safety_checker"] = checked
    return json.dumps(index, indent=2)


def _original_entries(parts):
    """Return the entries of the single file: CompVis' names and shapes, but the values of the folder's tensors."""
    unet, vae = parts["unet"].model.config, parts["vae"].model.config
    attends = ["Attn" in kind for kind in unet.up_block_types]
    entries = []
    for name, shape in parts["unet"].shapes().items():
        entries.append(Entry(ldm.unet_name(name, unet.layers_per_block, attends), shape, f"unet.{name}"))
    for name, shape in parts["vae"].shapes().items():
        original = ldm.vae_name(name, len(vae.block_out_channels))
        entries.append(Entry(original, ldm.vae_shape(name, shape), f"vae.{name}"))
    for name, shape in parts["text_encoder"].shapes().items():
        entries.append(Entry(ldm.text_name(name), shape, f"text_encoder.{name}"))
    return entries


def _write_weights(folder, stem, entries, precision, options):
    """Write a part's weights: one file, or shards with an index of which tensor is where."""
    variant = "" if precision == "fp32" else f".{precision}"
    shards = _shards(entries, precision, math.inf if options.shard is None else options.shard * 1e6)
    if len(shards) == 1:
        write_safetensors(folder / f"{stem}{variant}.safetensors", entries, precision, options.seed)
        return
    names = [f"{stem}{variant}-{n:05d}-of-{len(shards):05d}.safetensors" for n in range(1, len(shards) + 1)]
    for name, shard in zip(names, shards):
        write_safetensors(folder / name, shard, precision, options.seed)
    index = {
        "metadata": {"total_size": sum(_size(entry, precision) for entry in entries)},
        "weight_map": {entry.name: name for name, shard in zip(names, shards) for entry in shard},
    }
    write_whole(folder / f"{stem}.safetensors.index{variant}.json", json.dumps(index, indent=2).encode("utf-8"))


def _shards(entries, precision, most):
    """Return the entries in order, split into lists of at most `most` bytes; a larger tensor is alone in its list."""
    shards: list[list[Entry]] = [[]]
    room = most
    for entry in entries:
        if _size(entry, precision) > room and shards[-1]:
            shards.append([])
            room = most
        shards[-1].append(entry)
        room -= _size(entry, precision)
    return shards


def _size(entry, precision):
    """Return the bytes of a tensor."""
    return math.prod(entry.shape) * _bytes_each(precision)


def write_safetensors(path: Path, entries: Sequence[Entry], precision: str, seed: int = 0) -> None:
    """Write random tensors into a safetensors file, one after another; a file that is there stays as it is.

    The format: eight bytes with the header's length, the header (JSON: dtype, shape and place of each
    tensor), then the tensors' bytes without gaps (github.com/huggingface/safetensors).
    """
    if path.exists():  # it was renamed to its name when it was whole
        return
    header: dict[str, dict[str, Any]] = {"__metadata__": {"format": "pt"}}
    place = 0
    for entry in entries:
        end = place + _size(entry, precision)
        kind = {"fp32": "F32", "fp16": "F16"}[precision]
        header[entry.name] = {"dtype": kind, "shape": list(entry.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
    with whole(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for entry in entries:
            file.write(memoryview(draw(entry.key, entry.shape, seed).numpy().astype(_numpy(precision))).cast("B"))


def draw(key: str, shape: Sequence[int], seed: int = 0) -> torch.Tensor:
    """Return the random float32 tensor that belongs to a key such as "unet.conv_in.weight".

    Normalisations are ones, biases zeros, embeddings normal with 0.02, and all other weights normal with
    1 / sqrt(3 x inputs), the variance of PyTorch's own start: activations stay small enough for float16.
    The safety checker's thresholds are ones, a cosine that no picture exceeds, so none is hidden.
    """
    import torch

    if key.endswith(".bias"):
        return torch.zeros(shape)
    if key.endswith("embeds_weights") or len(shape) == 1 and not key.endswith(NARROW):
        return torch.ones(shape)
    spread = 0.02 if key.endswith(NARROW) else 1 / math.sqrt(3 * math.prod(shape[1:]))
    number = int.from_bytes(sha256(f"{seed} {key}".encode()).digest()[:8], "little")
    return torch.randn(shape, generator=torch.Generator().manual_seed(number)).mul_(spread)


@functools.cache
def _numpy(precision):
    import numpy

    return numpy.dtype({"fp32": "<f4", "fp16": "<f2"}[precision])


def _bytes_each(precision):
    return {"fp32": 4, "fp16": 2}[precision]


def main(arguments: list[str] | None = None) -> int:
    """Write a checkpoint, say where it is and how large; return 1, with the reason on stderr, if it cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.checkpoints", description="Write a checkpoint with random weights."
    )
    parser.add_argument("folder", type=Path, help="a new folder, or one to complete")
    parser.add_argument("--kind", choices=KINDS, default="sd", help="; ".join(f"{k}: {v}" for k, v in KINDS.items()))
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--precision", choices=PRECISIONS, nargs="+", default=["fp32"])
    parser.add_argument("--shard", type=float, metavar="MB", help="largest size of one weight file, in megabytes")
    parser.add_argument(
        "--single-file", action="store_true", help="also everything in one file, with CompVis' tensor names"
    )
    parser.add_argument("--safety-checker", action="store_true")
    parser.add_argument("--vocabulary", choices=VOCABULARIES, help="default: clip for full, built-in for small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hub", metavar="OWNER/NAME", help="write FOLDER as a Hub cache that holds this repository")
    given = vars(parser.parse_args(arguments))
    folder, hub = given.pop("folder"), given.pop("hub")
    try:
        options = Options(**{**given, "precision": tuple(given["precision"])})
        folder = write_hub_cache(folder, hub, options) if hub else write_checkpoint(folder, options)
    except (FileExistsError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    print(f"{folder}: {size / 2**30:.2f} GiB of weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
