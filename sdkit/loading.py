"""Loading of a pipeline: the built-in model, a folder, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from weakref import WeakKeyDictionary

from sdkit.parameters import check_names
from sdkit.quiet import quiet

BUILT_IN = "built-in"
_FOLDER = Path(__file__).with_name("model")
_OPTIONS = ("revision", "variant", "token", "cache_dir", "local_files_only", "safety_checker", "subfolder")
_sources: WeakKeyDictionary = WeakKeyDictionary()  # unet -> where it came from
_prints: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (state of its tensors, fingerprint)


def model_path() -> Path:
    """Return the folder of the built-in model; plain diffusers loads it with `from_pretrained`."""
    return _FOLDER


def load_pipeline(model: str | Path = BUILT_IN, *, device: str | None = None, dtype=None, **options):
    """Load a `StableDiffusionPipeline` ready to be called.

    `model` is "built-in" (offline, ships with this package), a folder, or a Hub id such as
    "stable-diffusion-v1-5/stable-diffusion-v1-5". `device` defaults to "cuda", "mps" or "cpu",
    whichever is there first; the built-in model defaults to "cpu", where it is fast enough and
    the same everywhere. `dtype` defaults to float16 on "cuda", else to float32. Further options
    go to diffusers' `from_pretrained`: revision, variant, token, cache_dir, local_files_only,
    safety_checker, subfolder. The progress bar of each call is off; turn it on with
    `pipe.set_progress_bar_config(disable=False)`.

    Raises FileNotFoundError if the model is not there, TypeError for unknown options.
    """
    check_names(options, _OPTIONS, "load_pipeline")
    source = _locate(model)
    with quiet():
        import torch
        from diffusers import StableDiffusionPipeline
        from diffusers.utils import is_accelerate_available

        built_in = source == _FOLDER
        device = device or ("cpu" if built_in else _best_device(torch))
        _check_device(device, torch)
        if dtype is None:
            dtype = torch.float16 if str(device).startswith("cuda") and not built_in else torch.float32
        if not isinstance(dtype, torch.dtype):
            raise TypeError(
                f"dtype is {dtype!r}; give a torch dtype such as torch.float32. diffusers would take "
                "any text here for float32 without saying so loudly."
            )
        options.setdefault("low_cpu_mem_usage", is_accelerate_available())
        try:
            pipe = StableDiffusionPipeline.from_pretrained(source, dtype=dtype, **options)
        except OSError as error:
            raise FileNotFoundError(_missing(model, source, error)) from error
        pipe = pipe.to(device)
    pipe.set_progress_bar_config(disable=True)
    name = model if built_in or not isinstance(source, Path) else source.name
    remember_source(pipe, name, _commit(pipe) or options.get("revision"))
    return pipe


def _locate(model):
    """Return the folder or Hub id that `model` names; a missing folder is an error here, not at the Hub."""
    if model == BUILT_IN:
        if not (_FOLDER / "model_index.json").exists():
            raise FileNotFoundError(
                f"the built-in model is missing ({_FOLDER.name}/model_index.json). "
                "Install the package again; training/README.md says how the model is made."
            )
        return _FOLDER
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "model_index.json").exists():
            raise FileNotFoundError(
                f"{folder} is a folder without model_index.json, so it holds no diffusers pipeline. "
                "Give the folder that holds model_index.json."
            )
        return folder
    text = str(model)
    if isinstance(model, Path) or text.startswith((".", "~", "/")) or text.count("/") != 1:
        raise FileNotFoundError(
            f"there is no folder {text!r}, and a Hub id has the form owner/name. "
            f'Give "{BUILT_IN}", an existing folder, or a Hub id.'
        )
    return text


def _missing(model, source, error):
    where = "in that folder" if isinstance(source, Path) else "in the local cache, and the Hub could not give it"
    return (
        f"could not load {str(model)!r}: a part is not {where}. Check the name and the network, or use "
        f'load_pipeline("{BUILT_IN}"), which needs neither. diffusers said: {str(error).splitlines()[0]}'
    )


def _best_device(torch):
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_device(device, torch):
    kind = torch.device(device).type
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, True):
        usable = ", ".join(name for name, found in there.items() if found)
        raise ValueError(f"device is {device!r}, which this machine's torch cannot use; usable here: {usable}.")


def _commit(pipe):
    """Return the Hub commit that the weights came from (a branch moves on, a commit stays), or None."""
    found = re.search(r"snapshots[/\\]([0-9a-f]{40})", str(pipe.unet.config.get("_name_or_path")))
    return found and found[1]


def remember_source(pipe, name, revision=None) -> None:
    """Note where the weights of a pipeline came from, for the records of its pictures."""
    _sources[pipe.unet] = {"name": str(name), "revision": revision}


def source_of(pipe) -> dict:
    """Return {"name", "revision", "fingerprint"} of a pipeline's weights; name is None if not loaded here."""
    known = _sources.get(pipe.unet, {"name": None, "revision": None})
    return {**known, "fingerprint": fingerprint(pipe)}


def fingerprint(pipe) -> str:
    """Return 16 hex digits that change when weights of UNet, text encoder or VAE do (from samples of each tensor)."""
    parts = [part for part in (pipe.unet, pipe.text_encoder, pipe.vae) if part is not None]
    # Reading every tensor takes longer than a check; a changed weight has another address or version.
    state = [(one.data_ptr(), one._version) for part in parts for one in part.parameters()]
    if _prints.get(pipe.unet, (None,))[0] != state:
        digest = sha256()
        for part in parts:
            for name, tensor in sorted(part.state_dict().items()):
                values = tensor.flatten()
                # float16 rounding first: the same weights give the same print in either precision
                sample = values[:: max(1, values.numel() // 64)].half().cpu()
                digest.update(name.encode() + str(tuple(tensor.shape)).encode() + sample.numpy().tobytes())
        _prints[pipe.unet] = (state, digest.hexdigest()[:16])
    return _prints[pipe.unet][1]
