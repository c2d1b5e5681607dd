"""Where a pipeline's weights came from, which they are, and what else makes its pictures."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sdkit.loading.adapters import ADAPTED, adapters_of, model_tensors, words_of
from sdkit.loading.device import device_of
from sdkit.loading.state import state_of, uncompiled, weights_digest
from sdkit.shot import Origin

if TYPE_CHECKING:
    import torch

_sources: WeakKeyDictionary = WeakKeyDictionary()  # unet -> Source
_fingerprints: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (digests of the weights, fingerprint)
_SAMPLES = 64  # numbers of each tensor that the fingerprint reads
_PARTS = ("unet", "text_encoder", "vae")


@dataclass(frozen=True)
class Source:
    """Where weights came from.

    `name` is what records say: "built-in", a Hub id, or the name of a folder or file; `revision` the
    Hub commit or branch. `call` holds the arguments of `load_pipeline` that load the same weights
    again, device and dtype left out. All are None for a pipeline that was not loaded by `load_pipeline`,
    and `call` also for one with a safety checker given as an object.
    """

    name: str | None = None
    revision: str | None = None
    call: dict[str, Any] | None = None


def remember_source(pipe, source: Source) -> None:
    """Note where the weights of a pipeline came from; all pipelines with the same UNet share the note."""
    _sources[uncompiled(pipe.unet)] = source


def source_of(pipe) -> Source:
    """Return where the weights of a pipeline came from."""
    return _sources.get(uncompiled(pipe.unet), Source())


def origin_of(pipe, device: torch.device | None = None) -> Origin:
    """Return what makes the pictures of a pipeline besides the arguments of its call; `device` where it is known."""
    device = device_of(pipe) if device is None else device
    source, state = source_of(pipe), state_of(pipe)
    digests = {part: state.parts[part]["weights"] for part in _PARTS if part in state.parts}
    adapted = [digests.get(part, "") for part in ADAPTED]
    return Origin(
        pipeline=type(pipe).__name__,
        model=source.name,
        revision=source.revision,
        fingerprint=_fingerprint(pipe, digests),
        scheduler=type(pipe.scheduler).__name__,
        scheduler_config={
            key: value.tolist() if hasattr(value, "tolist") else value
            for key, value in pipe.scheduler.config.items()
            if not key.startswith("_")
        },
        attention=tuple(sorted(_attention_processors(pipe.unet))),
        device=device.type,
        dtype=str(pipe.unet.dtype),
        versions=library_versions(),
        machine=_machine(device),
        state=state.parts,
        adapters=adapters_of(pipe, adapted),
        words=words_of(pipe, adapted),
        unknown=state.unknown,
    )


def _attention_processors(unet) -> set[str]:
    """Return the names of the classes of a UNet's attention processors; `attn_processors` takes much longer."""
    modules = [module for module in unet.modules() if hasattr(type(module), "get_processor")]
    return {type(module.get_processor()).__name__ for module in modules}


def fingerprint(pipe) -> str:
    """Return 16 hex digits that tell a pipeline's weights from others, the same in float32 and float16.

    They follow from samples of each tensor of UNet, text encoder and VAE, without adapters and added words; a small
    change between the samples shows in `sdkit.loading.state` alone.
    """
    parts = {name: getattr(pipe, name) for name in _PARTS}
    return _fingerprint(
        pipe, {name: weights_digest(uncompiled(part)) for name, part in parts.items() if part is not None}
    )


def _fingerprint(pipe, digests):
    """Return the fingerprint, from memory if the weights still have the digests that they had then."""
    unet = uncompiled(pipe.unet)
    known_digests, known = _fingerprints.get(unet, (None, None))
    if known_digests != digests:
        known = _fingerprint_of([model_tensors(pipe, part) for part in digests])
        _fingerprints[unet] = digests, known
    return known


def _fingerprint_of(parts):
    """Return 16 hex digits of the tensors' names, shapes and samples of their numbers."""
    digest = sha256()
    for tensors in parts:
        for name, tensor in sorted(tensors.items()):
            values = tensor.flatten()
            # float16 rounding first: the same weights give the same fingerprint in either precision
            sample = values[:: max(1, values.numel() // _SAMPLES)].half().cpu()
            name = name.removeprefix("text_model.")  # older versions of transformers name them so
            digest.update(name.encode() + str(tuple(tensor.shape)).encode() + sample.numpy().tobytes())
    return digest.hexdigest()[:16]


def _machine(device):
    """Return what the machine computes with, without names of people or folders."""
    import torch

    processor = f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {"processor": processor, "card": card, "threads": torch.get_num_threads()}


def library_versions() -> dict[str, str]:
    """Return the versions of Python, this package, and the libraries that decide what pictures look like."""
    return dict(_versions())


@cache
def _versions():
    names = ("diffusers", "transformers", "torch", "numpy", "Pillow")
    packages = (("sdkit", "sd-one-parameter"), *((name, name) for name in names))
    return tuple((name, version(package)) for name, package in packages) + (("python", platform.python_version()),)
