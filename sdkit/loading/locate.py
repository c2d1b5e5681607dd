"""Where a model is: the built-in one, a folder, a single file, or a repository on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdkit.loading.checkpoint import INDEX, PICKLES, SAFE, check_channels, check_family, read_json, refuse_pickle

BUILT_IN = "built-in"
BUILT_IN_FOLDER = Path(__file__).parent.parent / "model"
_FETCH_OPTIONS = ("revision", "token", "cache_dir", "local_files_only")


def locate(model: str | Path) -> Path | str:
    """Return the folder or file that `model` names, or the Hub id that it is.

    Raises FileNotFoundError for what is missing here and cannot be a Hub id, ValueError for a file
    that is no checkpoint, or a pickle.
    """
    if model == BUILT_IN:
        return _built_in()
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
    return _hub_id(model)


def fetch(name: str, options: Mapping[str, Any]) -> Path:
    """Return the folder with the files of a Hub id, downloaded if they are not in the cache.

    Two small files are fetched first, so that gigabytes of another family are not. Raises ValueError
    for another family, FileNotFoundError if a file can be had neither from the cache nor from the Hub.
    """
    from diffusers import StableDiffusionPipeline
    from huggingface_hub import hf_hub_download

    given = {option: options[option] for option in _FETCH_OPTIONS if options.get(option) is not None}
    try:
        check_family(read_json(Path(hf_hub_download(name, INDEX, **given))), name)
        check_channels(read_json(Path(hf_hub_download(name, "unet/config.json", **given))), name)
        return Path(StableDiffusionPipeline.download(name, use_safetensors=True, **options))
    except OSError as error:
        asked = "the Hub was not asked" if options.get("local_files_only") else "the Hub could not give it"
        raise FileNotFoundError(missing_part(name, f"in the local cache, and {asked}", error)) from error


def config_of(path: Path, config: str | Path | None) -> Path | str | None:
    """Return the folder or Hub id of a single file's configurations, None for diffusers' own choice.

    Without `config` it is the pipeline's folder that the file lies in. Raises FileNotFoundError for a
    folder that is none of a pipeline, ValueError for one of another family.
    """
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


def missing_part(model: str | Path, where: str, error: Exception) -> str:
    """Say that a part of a model is not `where` it was looked for."""
    return (
        f"could not load {str(model)!r}: a part is not {where}. Check the name and the network, or use "
        f'load_pipeline("{BUILT_IN}"), which needs neither. diffusers said: {first_line(error)}'
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, its class where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _built_in():
    if not (BUILT_IN_FOLDER / INDEX).exists():
        raise FileNotFoundError(
            f"the built-in model is missing ({BUILT_IN_FOLDER.name}/{INDEX}). "
            "Install the package again; training/README.md says how the model is made."
        )
    return BUILT_IN_FOLDER


def _hub_id(model):
    """Return `model` if it has the form of a Hub id; a missing folder is an error here, not at the Hub."""
    text = str(model)
    if isinstance(model, Path) or text.startswith((".", "~", "/")) or text.count("/") != 1:
        raise FileNotFoundError(
            f"there is no folder {text!r}, and a Hub id has the form owner/name. "
            f'Give "{BUILT_IN}", an existing folder, or a Hub id.'
        )
    return text
