"""Where a pipeline's weights came from, which they are, and what else makes its pictures."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

from sdkit.shot import Origin

_sources: WeakKeyDictionary = WeakKeyDictionary()  # unet -> Source
_fingerprints: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (state of its tensors, fingerprint)
_SAMPLES = 64  # numbers of each tensor that the fingerprint reads


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
    _sources[pipe.unet] = source


def source_of(pipe) -> Source:
    """Return where the weights of a pipeline came from."""
    return _sources.get(pipe.unet, Source())


def origin_of(pipe) -> Origin:
    """Return what makes the pictures of a pipeline besides the arguments of its call."""
    device, source = pipe._execution_device, source_of(pipe)
    return Origin(
        pipeline=type(pipe).__name__,
        model=source.name,
        revision=source.revision,
        fingerprint=fingerprint(pipe),
        scheduler=type(pipe.scheduler).__name__,
        scheduler_config={key: value for key, value in pipe.scheduler.config.items() if not key.startswith("_")},
        attention=tuple(sorted({type(processor).__name__ for processor in pipe.unet.attn_processors.values()})),
        device=device.type,
        dtype=str(pipe.unet.dtype),
        versions=dict(_versions()),
        machine=_machine(device),
    )


def fingerprint(pipe) -> str:
    """Return 16 hex digits that change when weights of UNet, text encoder or VAE do (from samples of each tensor)."""
    parts = [part for part in (pipe.unet, pipe.text_encoder, pipe.vae) if part is not None]
    # Reading every tensor takes longer than a check; a changed weight has another address or version.
    state = [(weight.data_ptr(), weight._version) for part in parts for weight in part.parameters()]
    known_state, known = _fingerprints.get(pipe.unet, (None, None))
    # Weights that are offloaded layer by layer cannot be read, and so not be changed either.
    offloaded = known and any(weight.is_meta for part in parts for weight in part.parameters())
    if known_state != state and not offloaded:
        _fingerprints[pipe.unet] = state, _fingerprint_of(parts)
    return _fingerprints[pipe.unet][1]


def _fingerprint_of(parts):
    """Return 16 hex digits of the tensors' names, shapes and samples of their numbers."""
    digest = sha256()
    for part in parts:
        for name, tensor in sorted(part.state_dict().items()):
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


@cache
def _versions():
    names = ("diffusers", "transformers", "torch", "numpy", "Pillow")
    packages = (("sdkit", "sd-one-parameter"), *((name, name) for name in names))
    return tuple((name, version(package)) for name, package in packages) + (("python", platform.python_version()),)
