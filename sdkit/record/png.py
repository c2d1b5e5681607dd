"""Settings inside the PNG: written whole, read back, and the picture made again from them.

Two text chunks are written: `sdkit`, our complete JSON, and `parameters`, the text that
AUTOMATIC1111's web UI writes and other tools read (sdkit/record/a1111.py).
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdkit.call.generate import generate
from sdkit.call.resolve import draws_noise_on_the_way, resolve
from sdkit.files import write_whole
from sdkit.loading.components import pipeline_from
from sdkit.loading.device import device_of
from sdkit.loading.pipeline import load_pipeline
from sdkit.loading.provenance import origin_of
from sdkit.loading.state import changes
from sdkit.quiet import quiet
from sdkit.record.a1111 import NAME, read_parameters, write_parameters
from sdkit.shot import Origin, Shot, is_picture, png_bytes

if TYPE_CHECKING:
    from PIL import Image

CHUNK, FOREIGN_CHUNK = "sdkit", "parameters"


def save_picture(shot: Shot, path: str | Path) -> Path:
    """Write a shot as PNG with its settings inside; the file appears whole or not at all.

    Missing folders are made; a file of that name is replaced. Raises ValueError unless the path
    ends in .png, TypeError unless the shot holds a PIL picture.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .png: it keeps pixels and settings.")
    return write_whole(path, png_of(shot))


def png_of(shot: Shot, **more: Any) -> bytes:
    """Return a shot as the bytes of a PNG with its settings inside, and what else its record shall hold.

    Raises TypeError unless the shot holds a PIL picture.
    """
    from PIL.PngImagePlugin import PngInfo

    if not isinstance(shot, Shot) or not is_picture(shot.image):
        raise TypeError(f'can only save a shot with a PIL picture, not {shot!r}; use output_type="pil" and one shot.')
    info = PngInfo()
    record = {"settings": shot.settings, "origin": shot.origin.to_dict(), "seconds": shot.seconds, **more}
    info.add_text(FOREIGN_CHUNK, write_parameters(shot))
    info.add_text(CHUNK, json.dumps(encode(record), ensure_ascii=False))
    return png_bytes(shot.image, info)


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return {"settings", "origin", "made_by", "not_mapped"} of a PNG written by `save_picture` or by AUTOMATIC1111.

    `settings` are arguments of diffusers for this one picture, `origin` tells what else made it.
    `made_by` is "sdkit" or "AUTOMATIC1111"; of the latter's settings `not_mapped` says which have
    no counterpart here, and why. Raises FileNotFoundError, or ValueError if the file is no picture
    or holds no such settings.
    """
    path = Path(path)
    _, chunks = _read_chunks(path)
    if CHUNK not in chunks and FOREIGN_CHUNK not in chunks:
        raise ValueError(f"{path.name} holds no settings of ours; only pictures written by save_picture do.")
    try:
        if CHUNK not in chunks:
            return {**read_parameters(chunks[FOREIGN_CHUNK]), "made_by": NAME}
        record = json.loads(chunks[CHUNK])
        return {
            "settings": decode(record["settings"]),
            "origin": decode(record["origin"]),
            "made_by": CHUNK,
            "not_mapped": {},
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the settings in {path.name} are damaged: {error}") from error


def read_record(path: Path) -> tuple[Image.Image, dict[str, Any]]:
    """Return the picture of a PNG that `png_of` made, all its pixels read, and its record as it is written there.

    Raises FileNotFoundError, or ValueError if the file is no picture or holds no record of ours.
    """
    picture, chunks = _read_chunks(path)
    try:
        return picture, json.loads(chunks[CHUNK])
    except (ValueError, KeyError) as error:
        raise ValueError(f"the record in {path.name} is damaged or missing: {error}") from error


def _read_chunks(path):
    """Return the picture in a file and its text chunks of ours and of AUTOMATIC1111, {name: text}."""
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        with Image.open(path) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{path.name} is no readable picture: {error}") from error
    return picture, {name: picture.info[name] for name in (CHUNK, FOREIGN_CHUNK) if name in picture.info}


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A picture made again, and how it differs from the stored one.

    `max_difference` and `mean_difference` are grey levels (0 to 255), `changed` the share of
    values that differ. `versions` holds the libraries that differ as {name: (then, now)},
    `machine` what else does (device, dtype, threads, ...). `state` says what of the pipeline is not
    as it was, such as "unet weights" or "unet scaling" (a LoRA's strength), and what the record could
    not hold, such as a hook. `not_mapped` says which of another program's settings were left out, and why.
    """

    shot: Shot
    max_difference: int
    mean_difference: float
    changed: float
    versions: dict
    machine: dict = field(default_factory=dict)
    state: tuple[str, ...] = ()
    not_mapped: dict = field(default_factory=dict)

    def __repr__(self):
        text = (
            f"<Rebuilt: at most {self.max_difference} grey levels off, {self.mean_difference:.3f} on average, "
            f"{self.changed:.2%} of values differ; libraries {_changes(self.versions) or 'the same'}"
        )
        if self.machine:
            text += f"; {_changes(self.machine)}"
        if self.state:
            text += f"; not as it was: {', '.join(self.state)}"
        return text + (f"; not mapped: {', '.join(self.not_mapped)}>" if self.not_mapped else ">")


def _changes(pairs):
    return ", ".join(f"{name} {then} -> {now}" for name, (then, now) in pairs.items())


def rebuild(path: str | Path, pipe=None, **instead: Any) -> Rebuilt:
    """Make the picture of a PNG again from its settings alone and compare the two.

    Without `pipe` the model named in the record is loaded; with it, its parts are used, as a
    picture of AUTOMATIC1111 always needs. `instead` gives arguments that the file does not hold,
    such as a callback or AUTOMATIC1111's start picture, or takes the place of recorded ones (None
    leaves one out). Raises ValueError if the model's weights are not the recorded ones, if the
    call held something that a file cannot keep, or if the picture was enlarged afterwards.
    """
    from PIL import Image

    record, name = read_settings(path), Path(path).name
    settings = {**record["settings"], **instead}
    _check_complete(settings, record["origin"]["pipeline"], name)
    with Image.open(path) as stored:
        before = np.asarray(stored.convert("RGB"), dtype=int)
    versions: dict = {}
    machine: dict = {}
    state: list[str] = []
    if record["made_by"] == NAME:
        _check_not_enlarged(settings, before, name)
        pipe = _pipeline_of_a1111(record["origin"], pipe, name)
    else:
        origin = _origin_in(record, name)
        pipe = pipeline_of(origin, _load_model(origin, name) if pipe is None else pipe)
        now = origin_of(pipe)
        if origin.fingerprint != now.fingerprint:
            raise ValueError(
                f"the weights differ: the picture was made with {origin.model} ({origin.fingerprint}), this pipeline "
                f"has {now.fingerprint}. Give that model as pipe=."
            )
        versions = _differences(origin.versions, now.versions)
        machine = _differences(_surroundings(origin), _surroundings(now))
        state = _state_changes(origin, now, versions)
    shot = generate(pipe, **_call_of(settings, pipe))[0]
    after = np.asarray(shot.image.convert("RGB"), dtype=int)
    if after.shape != before.shape:
        raise ValueError(f"{name} has {before.shape[:2]} pixels (height, width), made again {after.shape[:2]}.")
    off = abs(before - after)
    return Rebuilt(
        shot=shot,
        max_difference=int(off.max()),
        mean_difference=float(off.mean()),
        changed=float((off > 0).mean()),
        versions=versions,
        machine=machine,
        state=tuple(state),
        not_mapped=record["not_mapped"],
    )


def pipeline_of(origin: Origin, pipe):
    """Return a pipeline of an origin's class, with its scheduler, over the parts of `pipe`."""
    import diffusers

    scheduler = getattr(diffusers, origin.scheduler).from_config(origin.scheduler_config)
    return pipeline_from(getattr(diffusers, origin.pipeline), pipe, scheduler=scheduler)


def is_lost(value: Any) -> bool:
    """Say whether an encoded value is one that a file cannot keep."""
    if isinstance(value, list):
        return any(map(is_lost, value))
    return isinstance(value, dict) and "not_recorded" in value


def _check_complete(settings, pipeline, name):
    """Raise ValueError if the settings of a record lack something that no file keeps."""
    lost = [key for key, value in settings.items() if is_lost(value)]
    if lost:
        raise ValueError(f"{name} was made with {', '.join(lost)}, which a file cannot keep; give {lost[0]}=.")
    if pipeline == "StableDiffusionImg2ImgPipeline" and settings.get("image") is None:
        raise ValueError(f"{name} was made from a start picture, which is not in the file; give image=.")


def _check_not_enlarged(settings, stored, name):
    size = (settings.get("height"), settings.get("width"))
    if None not in size and size != stored.shape[:2]:
        raise ValueError(
            f"{name} has {stored.shape[1]}x{stored.shape[0]} pixels, but its settings make {size[1]}x{size[0]}: it was "
            "enlarged afterwards, which diffusers does not do. For the small one call generate with these settings."
        )


def _origin_in(record, name):
    try:
        return Origin.from_dict(record["origin"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the settings in {name} are damaged: the origin lacks {error}") from error


def _load_model(origin, name):
    """Load the model that an origin names, in the recorded dtype if its device is the one used here."""
    import torch

    if origin.model is None:
        raise ValueError(f"{name} names no model (it was not loaded by load_pipeline); give pipe=.")
    try:
        pipe = load_pipeline(origin.model, revision=origin.revision)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Or load it yourself and give it as pipe=.") from error
    dtype = getattr(torch, origin.dtype.removeprefix("torch."))
    if origin.device == device_of(pipe).type and dtype != pipe.unet.dtype:
        with quiet():
            pipe.to(dtype)
    return pipe


def _pipeline_of_a1111(origin, pipe, name):
    """Return the pipeline for a picture of the web UI, whose file tells only how its scheduler differs from others."""
    import diffusers

    if pipe is None:
        model = origin["model"]["name"]
        raise ValueError(f"{name} was made by {NAME} with the model {model}; load it and give it as pipe=.")
    kind, scheduler = getattr(diffusers, origin["pipeline"]), origin["scheduler"]
    if scheduler is None:
        return pipeline_from(kind, pipe)
    made = getattr(diffusers, scheduler["class"]).from_config(pipe.scheduler.config, **scheduler["config"])
    return pipeline_from(kind, pipe, scheduler=made)


def _differences(then, now):
    return {name: (then.get(name), value) for name, value in now.items() if then.get(name) != value}


def _surroundings(origin):
    """Return what made a picture besides arguments, weights and libraries."""
    return {"attention": list(origin.attention), "device": origin.device, "dtype": origin.dtype, **origin.machine}


def _state_changes(then, now, versions):
    """Return in words what of the pipeline is not as it was; attributes are compared under the same libraries only."""
    found = changes(then.state, now.state) if then.state and not versions else []
    if then.dtype != now.dtype:  # the same weights in another format
        found = [change for change in found if not change.endswith(" weights")]
    for name in sorted({*then.adapters, *now.adapters}):
        before, after = then.adapters.get(name, 0), now.adapters.get(name, 0)
        if before != after:
            found.insert(0, f"adapter {name} {before:g} -> {after:g}")
    return found + [f"then it had {reason}" for reason in then.unknown] + [f"now {reason}" for reason in now.unknown]


def _call_of(settings, pipe):
    """Turn a record's settings back into arguments of `generate`."""
    call = {name: value for name, value in settings.items() if value is not None}
    state, device = call.pop("generator_state", None), call.pop("generator_device", "cpu")
    if "generator" in call:
        call.pop("seed", None)
    elif state is not None or device != "cpu":
        call["generator"] = _generator(call.pop("seed"), state, device)
    if call.get("callback_on_step_end") is None:
        call.pop("callback_on_step_end_tensor_inputs", None)
    if call.get("latents") is not None:
        call["latents"] = call["latents"].to(device_of(pipe))
        if "seed" in call and not draws_noise_on_the_way(_without_seed(pipe, call)):
            del call["seed"]  # recorded, but without effect
    return call


def _without_seed(pipe, call):
    return resolve(pipe, {name: value for name, value in call.items() if name != "seed"})


def _generator(seed, state, device):
    import torch

    try:
        generator = torch.Generator(device).manual_seed(seed)
    except RuntimeError as error:
        raise ValueError(
            f"the noise was drawn by a generator on {device!r}, which this machine's torch does not have; "
            "another device draws other numbers."
        ) from error
    if state is not None:
        generator.set_state(state)
    return generator


def digest(settings: dict[str, Any], origin: Origin) -> str:
    """Return 32 hexadecimal digits for encoded settings and an origin, the same whatever machine makes the picture."""
    told = {name: value for name, value in origin.to_dict().items() if name != "machine"}
    text = json.dumps({"settings": settings, "origin": encode(told)}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:32]


def encode(value: Any) -> Any:
    """Turn a settings value into JSON: tensors and arrays as safetensors, pictures as PNG, both in base64.

    What a file cannot keep becomes {"not_recorded": its kind}.
    """
    if isinstance(value, dict):
        return {str(key): encode(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [encode(entry) for entry in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if is_picture(value):
        return _encode_picture(value)
    if isinstance(value, np.ndarray):
        return {"array": _encode_tensor(value)}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return {"tensor": _encode_tensor(value)}
    return {"not_recorded": type(value).__name__}


def _encode_picture(picture):
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format="PNG")
    except OSError:  # PNG has no such mode, such as CMYK
        return {"not_recorded": f"picture of mode {picture.mode}"}
    return {"png": base64.b64encode(buffer.getvalue()).decode()}


def _encode_tensor(value):
    import torch
    from safetensors.torch import save

    return base64.b64encode(save({"value": torch.as_tensor(value).detach().cpu().contiguous()})).decode()


def decode(value: Any) -> Any:
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"png"}:
        from PIL import Image

        return Image.open(io.BytesIO(base64.b64decode(value["png"])))
    if set(value) in ({"tensor"}, {"array"}):
        from safetensors.torch import load

        ((kind, text),) = value.items()
        tensor = load(base64.b64decode(text))["value"]
        return tensor.numpy() if kind == "array" else tensor
    return {key: decode(entry) for key, entry in value.items()}
