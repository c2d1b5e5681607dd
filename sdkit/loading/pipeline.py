"""Loading of a pipeline: the built-in model, a folder, a single file, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import gc
import re
import warnings
from importlib import import_module
from itertools import chain
from pathlib import Path
from weakref import WeakSet

from sdkit.loading.checkpoint import (
    INDEX,
    PICKLES,
    SAFE,
    check_channels,
    check_family,
    read_folder,
    read_json,
    read_single_file,
    refuse_pickle,
)
from sdkit.loading.memory import BYTES, FitWarning, choose, free_gpu, free_ram
from sdkit.loading.provenance import Source, fingerprint, remember_source
from sdkit.parameters import check_names
from sdkit.quiet import quiet

BUILT_IN = "built-in"
_FOLDER = Path(__file__).parent.parent / "model"
_OPTIONS = ("revision", "variant", "token", "cache_dir", "local_files_only", "safety_checker", "subfolder")
_HUB = ("revision", "token", "cache_dir", "local_files_only")
_loaded: WeakSet = WeakSet()  # the pipelines that are still in use, to say what they hold


def model_path() -> Path:
    """Return the folder of the built-in model; plain diffusers loads it with `from_pretrained`."""
    return _FOLDER


def load_pipeline(model: str | Path = BUILT_IN, *, device: str | None = None, dtype=None, config=None, **options):
    """Load a `StableDiffusionPipeline` ready to be called.

    `model` is "built-in" (offline, ships with this package), a folder, a single .safetensors file, or a
    Hub id such as "stable-diffusion-v1-5/stable-diffusion-v1-5". `device` defaults to "cuda", "mps" or
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
    again = _again(model, config, options)
    with quiet():
        checkpoint, plan, name, config, options = _prepare(model, device, dtype, config, options)
        if plan.problem:
            raise MemoryError(plan.problem)
        pipe = _load(checkpoint, plan, config, options)
        # as from_pretrained would, had it been given the model and not what was found under its name
        pipe.register_to_config(_name_or_path=str(_FOLDER if model == BUILT_IN else model))
        if plan.offload == "model":
            pipe.enable_model_cpu_offload(device=plan.device)
        elif plan.offload == "sequential":
            fingerprint(pipe)  # afterwards the weights cannot be read
            pipe.enable_sequential_cpu_offload(device=plan.device)
        else:
            pipe = pipe.to(plan.device)
    if plan.tight:
        warnings.warn(f"{name}: {plan.why}.", FitWarning, stacklevel=2)
    pipe.set_progress_bar_config(disable=True)
    _loaded.add(pipe)
    remember_source(pipe, Source(str(name), _commit(pipe) or options.get("revision"), again))
    return pipe


def plan_load(model: str | Path = BUILT_IN, *, device: str | None = None, dtype=None, config=None, **options):
    """Say how `load_pipeline` would load a model with the same arguments, and whether it fits; load nothing.

    Returns a `LoadPlan`, true if the model fits: bytes of each part, work space, free memory, the device,
    number format and offloading, why, and what to do if it does not fit. The sizes come from the headers
    of the files, so a model of the Hub must be in the cache: nothing is downloaded here.

    Raises what `load_pipeline` raises, except MemoryError.
    """
    with quiet():
        return _prepare(model, device, dtype, config, {**options, "local_files_only": True})[1]


def _prepare(model, device, dtype, config, options):
    """Return what loading needs: the checkpoint, the plan, a name for records, a single file's config, the options."""
    check_names(options, ("device", "dtype", "config", *_OPTIONS), "load_pipeline")
    options = dict(options)
    subfolder = options.pop("subfolder", None)
    if subfolder is not None:
        if not Path(model).expanduser().is_dir():
            raise ValueError("subfolder is one of a folder on this machine; leave it out for anything else.")
        model = Path(model) / subfolder
    source = _locate(model)
    import torch

    built_in = source == _FOLDER
    device = device or ("cpu" if built_in else _best_device(torch))
    _check_device(device, torch)
    device = str(torch.device(device))
    if built_in and dtype is None:
        dtype = torch.float32
    if not isinstance(dtype, (torch.dtype, type(None))):
        raise TypeError(
            f"dtype is {dtype!r}; give a torch dtype such as torch.float32. diffusers would take "
            "any text here for float32 without saying so loudly."
        )
    if dtype is not None and str(dtype).removeprefix("torch.") not in BYTES:
        raise ValueError(f"dtype is {dtype}; give one of torch.{', torch.'.join(BYTES)}.")
    left_out = [name for name in ("safety_checker",) if name in options]
    name = model if built_in or isinstance(source, str) else source.name
    if isinstance(source, str):  # a Hub id
        try:
            source = _fetch(source, options)
        except OSError as error:
            raise FileNotFoundError(_missing(model, source, error, options.get("local_files_only"))) from error
    if source.is_file():
        for one in ("variant", "revision"):
            if options.get(one) is not None:
                raise ValueError(f"{one} is given, but {source.name} is one file, which is loaded as it is.")
        checkpoint, config = read_single_file(source), _config_of(source, config)
    else:
        if config is not None:
            raise ValueError(f"config is given, but {source} is a folder with configurations of its own.")
        checkpoint = read_folder(source, options.get("variant"), left_out)
    return checkpoint, _plan(checkpoint, str(name), device, dtype), name, config, options


def _plan(checkpoint, name, device, dtype):
    """Return the plan by the memory that is free now, without what waits to be collected if that is needed."""
    from diffusers.utils import is_accelerate_available

    dtype = None if dtype is None else str(dtype).removeprefix("torch.")
    for last in (False, True):
        gpu = free_gpu(device) if device.startswith("cuda") else None
        plan = choose(
            name,
            checkpoint.numbers,
            checkpoint.work,
            device=device,
            dtype=dtype,
            side=checkpoint.side,
            ram=free_ram(),
            gpu=gpu,
            accelerate=is_accelerate_available(),
            held=_held(device),
        )
        if last or (plan and not plan.tight):
            return plan
        gc.collect()  # a pipeline with hooks refers to itself, so it may still be there though nobody has it


def _held(device):
    """Return the bytes that the pipelines loaded here still hold on a kind of device, shared ones once."""
    kind = device.split(":")[0]
    parts = [part for pipe in _loaded for part in pipe.components.values() if hasattr(part, "parameters")]
    tensors = {one.data_ptr(): one.nbytes for part in parts for one in part.parameters() if one.device.type == kind}
    return sum(tensors.values())


def _fetch(name, options):
    """Return the folder with the files of a Hub id, downloaded if they are not in the cache.

    Two small files are fetched first, so that gigabytes of another family are not.
    """
    from diffusers import StableDiffusionPipeline
    from huggingface_hub import hf_hub_download

    place = {one: options[one] for one in _HUB if options.get(one) is not None}
    check_family(read_json(Path(hf_hub_download(name, INDEX, **place))), name)
    check_channels(read_json(Path(hf_hub_download(name, "unet/config.json", **place))), name)
    return Path(StableDiffusionPipeline.download(name, use_safetensors=True, **options))


def _load(checkpoint, plan, config, options):
    """Return the pipeline in main memory, every part in the plan's number format."""
    import torch
    from diffusers import StableDiffusionPipeline

    dtype = getattr(torch, plan.dtype)
    given = {one: options[one] for one in ("safety_checker",) if one in options}
    if checkpoint.path.is_file():
        pipe = _load_single_file(checkpoint, dtype, config, options)
    else:
        try:
            parts = {part: _load_part(checkpoint, part, dtype) for part in checkpoint.numbers}
            pipe = StableDiffusionPipeline.from_pretrained(checkpoint.path, dtype=dtype, **{**parts, **given})
        except OSError as error:
            raise FileNotFoundError(_missing(plan.model, checkpoint.path, error)) from error
    for part in pipe.components.values():
        if hasattr(part, "parameters"):
            tensors = chain(part.parameters(), part.buffers())
            if any(one.is_floating_point() and one.dtype != dtype for one in tensors):
                part.to(dtype)  # such as a safety checker given as an object: a mixture fails in the middle of a call
    return pipe


def _load_part(checkpoint, name, dtype):
    """Return a part with weights. Raises ValueError if its files do not fill it: the loaders would, with noise."""
    from diffusers.utils import is_accelerate_available

    library, kind = checkpoint.classes[name]
    home = "diffusers.pipelines.stable_diffusion" if library == "stable_diffusion" else library
    loader = getattr(import_module(home), kind, None)
    folder = checkpoint.path / name
    if loader is None:
        raise ValueError(f"{folder} is a {kind}, which the installed {library} does not have.")
    try:
        part, report = loader.from_pretrained(
            folder,
            dtype=dtype,
            variant=checkpoint.variants[name],
            use_safetensors=True,
            low_cpu_mem_usage=is_accelerate_available(),
            output_loading_info=True,
        )
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"the weights in {folder} do not match its config.json: {_first_line(error)}") from error
    absent = sorted(report["missing_keys"])
    if absent:
        raise ValueError(
            f"the weights in {folder} lack {len(absent)} of the tensors that its config.json describes, such as "
            f"{absent[0]}. They are incomplete or of another model; fetch them again."
        )
    return part


def _load_single_file(checkpoint, dtype, config, options):
    from diffusers import StableDiffusionPipeline

    path = checkpoint.path
    options = {one: value for one, value in options.items() if one not in ("variant", "revision")}
    if config is not None:
        options["config"] = str(config)
    try:
        pipe = StableDiffusionPipeline.from_single_file(str(path), dtype=dtype, **options)
    except OSError as error:
        raise FileNotFoundError(
            f"could not load {path}: a single file has no configurations and no tokenizer, and they could not be had"
            f"{'' if config is None else f' from {config}'}. Give config= a folder or a Hub id of the same kind of "
            f"model. diffusers said: {_first_line(error)}"
        ) from error
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} does not match its configurations ({config or 'those that diffusers chose'}): "
            f"{_first_line(error)}. Give config= the folder or the Hub id of the model it was made from."
        ) from error
    for name, count in checkpoint.numbers.items():
        described = sum(one.numel() for one in getattr(pipe, name).parameters())
        if count < described:
            raise ValueError(
                f"{path} holds {count:,} numbers of the {described:,} that the {name} has; it is incomplete or of "
                "another model. Fetch it again, or give config= the model it was made from."
            )
    return pipe


def _config_of(path, config):
    """Return the folder or Hub id of a single file's configurations, None for diffusers' own choice."""
    if config is None:
        return path.parent if (path.parent / INDEX).exists() else None
    folder = Path(config).expanduser()
    if not folder.is_dir():
        return str(config)
    index = folder / INDEX
    if not index.exists():
        raise FileNotFoundError(f"config is {str(config)!r}, a folder without {INDEX}; give a pipeline's folder.")
    check_family(read_json(index), folder)
    return folder


def _locate(model):
    """Return the folder, file or Hub id that `model` names; a missing one is an error here, not at the Hub."""
    if model == BUILT_IN:
        if not (_FOLDER / INDEX).exists():
            raise FileNotFoundError(
                f"the built-in model is missing ({_FOLDER.name}/{INDEX}). "
                "Install the package again; training/README.md says how the model is made."
            )
        return _FOLDER
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / INDEX).exists():
            raise FileNotFoundError(
                f"{path} is a folder without {INDEX}, so it holds no diffusers pipeline. "
                f"Give the folder that holds {INDEX}."
            )
        return path
    if path.suffix in (SAFE, *PICKLES):
        if not path.exists():
            raise FileNotFoundError(f"there is no file {str(model)!r}. Give an existing one, a folder, or a Hub id.")
        if path.suffix in PICKLES:
            refuse_pickle(path)
        return path
    if path.is_file():
        raise ValueError(f"{path} is no checkpoint; give a folder that holds {INDEX}, or a {SAFE} file.")
    text = str(model)
    if isinstance(model, Path) or text.startswith((".", "~", "/")) or text.count("/") != 1:
        raise FileNotFoundError(
            f"there is no folder {text!r}, and a Hub id has the form owner/name. "
            f'Give "{BUILT_IN}", an existing folder, or a Hub id.'
        )
    return text


def _missing(model, source, error, local=False):
    where = "in the local cache, and the Hub could not give it"
    if isinstance(source, Path):
        where = "in that folder"
    elif local:
        where = "in the local cache, and the Hub was not asked"
    return (
        f"could not load {str(model)!r}: a part is not {where}. Check the name and the network, or use "
        f'load_pipeline("{BUILT_IN}"), which needs neither. diffusers said: {_first_line(error)}'
    )


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]


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


def device_of(pipe):
    """Return the torch device that a pipeline computes on; parts that are offloaded wait elsewhere (`pipe.device`)."""
    return pipe._execution_device


def _again(model, config, options):
    """Return the arguments that load the same weights again, but for the revision; None with a safety checker object."""
    if options.get("safety_checker") is not None:
        return None

    def absolute(name):
        path = Path(name).expanduser()
        return str(path.resolve()) if path.exists() else str(name)

    call = {"model": BUILT_IN if model == BUILT_IN else absolute(model), "config": config and absolute(config)}
    return call | {name: options.get(name) for name in ("variant", "subfolder")}
