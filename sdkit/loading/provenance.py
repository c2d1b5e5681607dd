"""Where a pipeline's weights came from, how they are loaded again, and which they are."""

from __future__ import annotations

from hashlib import sha256
from weakref import WeakKeyDictionary

_sources: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (name, revision, arguments that load it again)
_prints: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (state of its tensors, fingerprint)


def remember_source(pipe, name, revision=None, call: dict | None = None) -> None:
    """Note where the weights of a pipeline came from, for the records of its pictures.

    `call` holds the arguments with which `load_pipeline` loads them again, the revision left out.
    """
    _sources[pipe.unet] = str(name), revision, call


def source_of(pipe) -> dict:
    """Return {"name", "revision", "fingerprint"} of a pipeline's weights; name is None if not loaded here."""
    name, revision, _ = _sources.get(pipe.unet, (None, None, None))
    return {"name": name, "revision": revision, "fingerprint": fingerprint(pipe)}


def loading_of(pipe) -> dict | None:
    """Return the arguments with which `load_pipeline` loads a pipeline's weights and safety checker again.

    A folder is absolute and a branch is the commit it stood for, so that other processes and machines load the
    same; tokens and caches are left out. None if the pipeline was not loaded here, or with a checker object.
    """
    _, revision, call = _sources.get(pipe.unet, (None, None, None))
    if call is None:
        return None
    call = {name: value for name, value in {**call, "revision": revision}.items() if value is not None}
    return call if pipe.safety_checker is not None else {**call, "safety_checker": None}


def fingerprint(pipe) -> str:
    """Return 16 hex digits that change when weights of UNet, text encoder or VAE do (from samples of each tensor)."""
    parts = [part for part in (pipe.unet, pipe.text_encoder, pipe.vae) if part is not None]
    # Reading every tensor takes longer than a check; a changed weight has another address or version.
    state = [(one.data_ptr(), one._version) for part in parts for one in part.parameters()]
    then, known = _prints.get(pipe.unet, (None, None))
    away = known and any(one.is_meta for part in parts for one in part.parameters())  # offloaded by layers: unreadable
    if then != state and not away:
        digest = sha256()
        for part in parts:
            for name, tensor in sorted(part.state_dict().items()):
                values = tensor.flatten()
                # float16 rounding first: the same weights give the same print in either precision
                sample = values[:: max(1, values.numel() // 64)].half().cpu()
                name = name.removeprefix("text_model.")  # older versions of transformers name them so
                digest.update(name.encode() + str(tuple(tensor.shape)).encode() + sample.numpy().tobytes())
        _prints[pipe.unet] = (state, digest.hexdigest()[:16])
    return _prints[pipe.unet][1]
