"""Where a model is: the built-in one, a folder, a single file, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdkit.files import expanded
from sdkit.loading.checkpoint import INDEX, PICKLES, SAFE, check_channels, read_index, refuse_pickle
from sdkit.loading.parts import first_line, read_json
from sdkit.parameters import short

BUILT_IN = "built-in"
BUILT_IN_FOLDER = Path(__file__).parent.parent / "model"
# Repositories that were removed from the Hub in August 2024, and where their files are now.
_SUCCESSORS = {
    "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "runwayml/stable-diffusion-inpainting": "stable-diffusion-v1-5/stable-diffusion-inpainting",
}
# As huggingface_hub checks it (utils/_validators.py), for owner/name.
_HUB_ID = re.compile(r"\w[\w.-]*/\w(?:[\w.-]*\w)?", re.ASCII)
HUB_SECONDS = 3.0  # for the Hub to answer at all
_FETCH_OPTIONS = ("revision", "token", "cache_dir", "local_files_only")


def locate(model: str | Path) -> Path | str:
    """Return the folder or file that `model` names, or the Hub id that it is.

    Raises TypeError for what is neither text nor path, FileNotFoundError for what is missing here and cannot be
    a Hub id, ValueError for a file that is no checkpoint, or a pickle.
    """
    if not isinstance(model, (str, Path)):
        raise TypeError(f'model is {model!r}; give "{BUILT_IN}", a folder, a file, or a Hub id.')
    if model == BUILT_IN:
        return _built_in()
    path = expanded(model)
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

    Two small files are fetched first, so that neither code nor gigabytes of another family are. Raises ValueError
    for another family and for classes that are not taken, FileNotFoundError if a file can be had neither from the
    cache nor from the Hub.
    """
    from diffusers import StableDiffusionPipeline
    from huggingface_hub import hf_hub_download

    with _from_hub(name, options) as given:
        left_out = ("safety_checker",) if "safety_checker" in options else ()
        read_index(Path(hf_hub_download(name, INDEX, **given)), name, left_out)
        check_channels(read_json(Path(hf_hub_download(name, "unet/config.json", **given))), name)
        options = {**options, **given, "use_safetensors": True, "trust_remote_code": False}
        return Path(StableDiffusionPipeline.download(name, **options))


def config_of(path: Path, config: str | Path | None, options: Mapping[str, Any]) -> Path | None:
    """Return the folder of a single file's configurations, fetched from the Hub if `config` is an id there.

    Without `config` it is the pipeline's folder that the file lies in, or None for diffusers' own choice. Raises
    FileNotFoundError for a folder that is none of a pipeline and for an id that cannot be had.
    """
    if config is None:
        return path.parent if (path.parent / INDEX).exists() else None
    folder = expanded(config)
    if not folder.is_dir():
        return _fetch_configs(_hub_id(config), options)
    if not (folder / INDEX).exists():
        raise FileNotFoundError(f"config is {str(config)!r}, a folder without {INDEX}; give a pipeline's folder.")
    return folder


def _fetch_configs(name, options):
    """Return the folder with the configurations and the tokenizer of a Hub id, once its index may be loaded."""
    from huggingface_hub import hf_hub_download, snapshot_download

    with _from_hub(name, options) as given:
        read_index(Path(hf_hub_download(name, INDEX, **given)), name)
        return Path(snapshot_download(name, allow_patterns=["*.json", "*/*.json", "*/*.txt"], **given))


@contextmanager
def _from_hub(name, options):
    """Give the arguments for fetching a file of a Hub id, and say in our words if it cannot be had."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    given = {option: options[option] for option in _FETCH_OPTIONS if options.get(option) is not None}
    asked = "the Hub was not asked"
    if not given.get("local_files_only"):
        reached = _reaches_hub(name, given)
        asked = "the Hub could not give it" if reached else "the Hub cannot be reached from here"
        given["local_files_only"] = not reached
    try:
        yield given
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _is_hubs(error):
            raise  # ours, which says more
        where = f"in the local cache, and {asked}"
        if isinstance(error, LocalEntryNotFoundError):  # which only says that it was not to ask
            raise FileNotFoundError(missing_part(name, where)) from None
        raise FileNotFoundError(missing_part(name, where, error)) from error


def _reaches_hub(name, options):
    """Say whether the Hub answers within `HUB_SECONDS`, whatever it says; its own loaders try for 23 s and more.

    The limit is for all of it: a firewall that drops packets would cost a timeout for each of the Hub's addresses.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    url = hf_hub_url(name, INDEX, revision=options.get("revision"))
    answered = threading.Event()

    def ask():
        try:
            get_hf_file_metadata(url, token=options.get("token"), timeout=HUB_SECONDS)
        except HfHubHTTPError:
            answered.set()
        except Exception:  # whichever the library that asks has for a network that is not there
            pass
        else:
            answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(HUB_SECONDS)
    return answered.is_set()


def _is_hubs(error):
    """Say whether an error is of the library that asks the Hub."""
    return type(error).__module__.startswith("huggingface_hub")


def missing_part(model: str | Path, where: str, error: Exception | None = None) -> str:
    """Say that a part of a model is not `where` it was looked for, and what the library that looked said of it."""
    successor = _SUCCESSORS.get(str(model).lower())
    hint = "" if successor is None else f"That repository was removed; the same model is now {successor}. "
    return (
        f"could not load {str(model)!r}: a part is not {where}. {hint}Check the name and the network, or use "
        f'load_pipeline("{BUILT_IN}"), which needs neither.'
        f"{'' if error is None else f' diffusers said: {first_line(error)}'}"
    )


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
    if isinstance(model, Path) or not _HUB_ID.fullmatch(text) or "--" in text or ".." in text:
        hint = "A branch or commit is given as revision=. " if "@" in text else ""
        raise FileNotFoundError(
            f"there is no folder {short(text)}, and a Hub id has the form owner/name. {hint}"
            f'Give "{BUILT_IN}", an existing folder, or a Hub id.'
        )
    return text
