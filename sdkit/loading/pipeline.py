"""Loading of a pipeline: the built-in model, a folder, a single file, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import gc
import os
import re
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sdkit.errors import plain_errors, warn_user
from sdkit.loading.checkpoint import Checkpoint, read_folder, read_single_file
from sdkit.loading.device import best_device, check_device
from sdkit.loading.locate import BUILT_IN, BUILT_IN_FOLDER, config_of, fetch, locate
from sdkit.loading.memory import BYTES, FitWarning, LoadPlan, choose, free_gpu, free_ram
from sdkit.loading.provenance import Source, fingerprint, remember_source, source_of
from sdkit.loading.weights import load_folder, load_single_file
from sdkit.parameters import check_names
from sdkit.quiet import quiet

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline, StableDiffusionPipeline

_OPTIONS = ("revision", "variant", "token", "cache_dir", "local_files_only", "safety_checker", "subfolder")
_one_at_a_time = RLock()  # transformers and diffusers switch how modules are made for the whole process
_loaded: WeakSet = WeakSet()  # the pipelines that are still in use, to say what they hold


def model_path() -> Path:
    """Return the folder of the built-in model; plain diffusers loads it with `from_pretrained`."""
    return BUILT_IN_FOLDER


def _usual_model() -> str:
    """Return the model that the environment variable SDKIT_MODEL names, else the built-in one."""
    named = os.environ.get("SDKIT_MODEL")
    if not named:
        return BUILT_IN
    try:
        locate(named)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"{error} It was named by the environment variable SDKIT_MODEL.") from None
    return named


@plain_errors
def load_pipeline(
    model: str | Path | None = None,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    config: str | Path | None = None,
    **options: Any,
) -> StableDiffusionPipeline:
    """Load a `StableDiffusionPipeline` ready to be called.

    `model` is "built-in" (offline, ships with this package), a folder, a single .safetensors file, or a
    Hub id such as "stable-diffusion-v1-5/stable-diffusion-v1-5"; left out, what the environment variable
    SDKIT_MODEL says, else the built-in one. `device` defaults to "cuda", "mps" or
    "cpu", whichever is there first; the built-in model defaults to "cpu", where it is fast enough and
    the same everywhere. `dtype` defaults to float16 on "cuda", else to float32, and all parts get it.
    Further options go to diffusers' `from_pretrained`: revision, variant, token, cache_dir,
    local_files_only, safety_checker; subfolder is one of a folder. `config` says where a single file's
    configurations and tokenizer are (a folder or a Hub id, as in diffusers' `from_single_file`); if the
    file lies in a pipeline's folder, that is taken. The progress bar of each call is off; turn it on
    with `pipe.set_progress_bar_config(disable=False)`.

    What it would do, and whether it fits, `plan_load` says; where too little memory of a GPU makes it
    offload, a `FitWarning` says so. The pipeline that a name held before is freed only when the name is
    bound anew, after this load: `del pipe` first where two do not fit.

    Raises FileNotFoundError if the model or a part of it is not there, ValueError if it is damaged, a
    pickle or of another family, MemoryError if it cannot fit, TypeError for unknown options.
    docs/checkpoints.md lists which checkpoints do what.
    """
    model = _usual_model() if model is None else model
    with _one_at_a_time, quiet():
        load = _prepare(model, device, dtype, config, options)
        if load.plan.problem:
            raise MemoryError(load.plan.problem)
        pipe = _load(load)
        # as from_pretrained would, had it been given the model and not what was found under its name
        pipe.register_to_config(_name_or_path=str(BUILT_IN_FOLDER if model == BUILT_IN else model))
        _place(pipe, load.plan)
    if load.plan.tight:
        warn_user(f"{load.plan.model}: {load.plan.why}.", FitWarning)
    pipe.set_progress_bar_config(disable=True)
    _loaded.add(pipe)
    revision = _commit(pipe) or options.get("revision")
    remember_source(pipe, Source(load.plan.model, revision, _call_again(model, config, options)))
    return pipe


@plain_errors
def plan_load(
    model: str | Path | None = None,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    config: str | Path | None = None,
    **options: Any,
) -> LoadPlan:
    """Say how `load_pipeline` would load a model with the same arguments, and whether it fits; load nothing.

    Returns a `LoadPlan`, true if the model fits: bytes of each part, work space, free memory, the device,
    number format and offloading, why, and what to do if it does not fit. The sizes come from the headers
    of the files, so a model of the Hub must be in the cache: nothing is downloaded here.

    Raises what `load_pipeline` raises, except MemoryError.
    """
    with quiet():
        given = _usual_model() if model is None else model
        return _prepare(given, device, dtype, config, {**options, "local_files_only": True}).plan


def is_loaded_from(pipe: DiffusionPipeline, model: str | Path) -> bool:
    """Say whether a pipeline was loaded from `model`, by where that is: folders can have one name in many places."""
    source = source_of(pipe)
    if model == BUILT_IN:
        return source.name == BUILT_IN
    if str(model) == source.name and not Path(model).expanduser().exists():
        return True  # a Hub id, or a folder's short name as records have it
    if source.call is None:
        return False
    folder = Path(source.call["model"], source.call.get("subfolder", ""))
    return _absolute(BUILT_IN_FOLDER if source.name == BUILT_IN else folder) == _absolute(model)


@dataclass(frozen=True)
class _Load:
    """All that is decided before weights are loaded.

    `config` is where a single file's configurations are, `options` what diffusers' loaders take.
    """

    checkpoint: Checkpoint
    plan: LoadPlan
    config: Path | None
    options: dict[str, Any]


def _prepare(model, device, dtype, config, options) -> _Load:
    """Find the model, look into its files, and plan; the arguments are those of `load_pipeline`."""
    check_names(options, ("device", "dtype", "config", *_OPTIONS), "load_pipeline")
    model = _in_subfolder(model, options.get("subfolder"))
    options = {name: value for name, value in options.items() if name != "subfolder"}
    source = locate(model)
    built_in = isinstance(source, Path) and source.resolve() == BUILT_IN_FOLDER.resolve()
    name = BUILT_IN if built_in else source.name if isinstance(source, Path) else source
    if name == BUILT_IN and not built_in:
        name = f"./{name}"  # another folder of that name; records must not take it for the built-in model
    usual = "cpu" if built_in else best_device()
    device = check_device(usual if device is None else device)
    dtype = _format(dtype) or ("float32" if built_in else None)
    path = fetch(source, options) if isinstance(source, str) else source
    if path.is_file():
        config = config_of(path, config, options)
    checkpoint = _read(path, config, options)
    return _Load(checkpoint, _plan(checkpoint, name, device, dtype), config, options)


def _in_subfolder(model, subfolder):
    if subfolder is None:
        return model
    if not Path(model).expanduser().is_dir():
        raise ValueError("subfolder is one of a folder on this machine; leave it out for anything else.")
    return Path(model) / subfolder


def _format(dtype):
    """Return the name of a number format that weights can have, None for None."""
    import torch

    if dtype is None:
        return None
    if not isinstance(dtype, torch.dtype):
        raise TypeError(
            f"dtype is {dtype!r}; give a torch dtype such as torch.float32. diffusers would take "
            "any text here for float32 without saying so loudly."
        )
    name = str(dtype).removeprefix("torch.")
    if name not in BYTES:
        raise ValueError(f"dtype is {dtype}; give one of torch.{', torch.'.join(BYTES)}.")
    return name


def _read(path, config, options) -> Checkpoint:
    """Return what a folder or file holds. Raises ValueError for arguments that would have no effect on it."""
    if path.is_file():
        for name in ("variant", "revision"):
            if options.get(name) is not None:
                raise ValueError(f"{name} is given, but {path.name} is one file, which is loaded as it is.")
        return read_single_file(path, config)
    if config is not None:
        raise ValueError(f"config is given, but {path} is a folder with configurations of its own.")
    left_out = ("safety_checker",) if "safety_checker" in options else ()
    return read_folder(path, options.get("variant"), left_out)


def _plan(checkpoint, name, device, dtype) -> LoadPlan:
    """Return the plan by the memory that is free now, without what waits to be collected if that is needed."""
    plan = _plan_now(checkpoint, name, device, dtype)
    if plan.problem or plan.tight:
        gc.collect()  # a pipeline with hooks refers to itself, so it may still be there though nobody has it
        plan = _plan_now(checkpoint, name, device, dtype)
    return plan


def _plan_now(checkpoint, name, device, dtype) -> LoadPlan:
    return choose(
        name,
        checkpoint.numbers,
        checkpoint.work,
        device=device,
        dtype=dtype,
        side=checkpoint.side,
        ram=free_ram(),
        gpu=free_gpu(device) if device.startswith("cuda") else None,
        held=_held(device),
    )


def _held(device):
    """Return the bytes that the pipelines loaded here still hold on a kind of device, shared ones once."""
    kind = device.split(":")[0]
    parts = [part for pipe in _loaded for part in pipe.components.values() if hasattr(part, "parameters")]
    weights = [weight for part in parts for weight in part.parameters() if weight.device.type == kind]
    return sum({weight.data_ptr(): weight.nbytes for weight in weights}.values())


def _load(load: _Load) -> StableDiffusionPipeline:
    """Return the pipeline in main memory, every part in the plan's number format."""
    import torch

    dtype = getattr(torch, load.plan.dtype)
    if load.checkpoint.path.is_file():
        options = {name: value for name, value in load.options.items() if name not in ("variant", "revision")}
        return load_single_file(load.checkpoint, dtype, load.config, options)
    parts = {name: value for name, value in load.options.items() if name == "safety_checker"}
    return load_folder(load.checkpoint, load.plan.model, dtype, parts)


def _place(pipe, plan):
    """Move a pipeline to the plan's device, or let its parts or layers be moved there while they work."""
    if plan.offload == "model":
        pipe.enable_model_cpu_offload(device=plan.device)
    elif plan.offload == "sequential":
        fingerprint(pipe)  # afterwards the weights cannot be read
        pipe.enable_sequential_cpu_offload(device=plan.device)
    else:
        pipe.to(plan.device)


def _commit(pipe):
    """Return the Hub commit that the weights came from (a branch moves on, a commit stays), or None."""
    found = re.search(r"snapshots[/\\]([0-9a-f]{40})", str(pipe.unet.config.get("_name_or_path")))
    return found and found[1]


def _call_again(model, config, options):
    """Return the arguments that load the same weights again; None with a safety checker object.

    Paths are absolute, for the current folder can change. The revision is left out, for a commit is better,
    and so are tokens and caches, which weights do not depend on.
    """
    if options.get("safety_checker") is not None:
        return None
    given = {"model": _absolute(model), **{name: options.get(name) for name in ("variant", "subfolder")}}
    if config is not None:
        given["config"] = _absolute(config)
    return {name: value for name, value in given.items() if value is not None}


def _absolute(place):
    """Return the absolute path of a file or folder, a Hub id and "built-in" as they are."""
    path = Path(place).expanduser()
    return str(path.resolve()) if place != BUILT_IN and path.exists() else str(place)
