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

import numpy as np

from sdkit.call.check_together import is_random_on_the_way
from sdkit.call.generate import generate, origin_of
from sdkit.files import write_whole
from sdkit.loading.pipeline import device_of, load_pipeline
from sdkit.quiet import quiet
from sdkit.record.a1111 import NAME, read_parameters, write_parameters
from sdkit.shot import Shot, is_picture, png_bytes

CHUNK, FOREIGN_CHUNK = "sdkit", "parameters"


def save_picture(shot: Shot, path) -> Path:
    """Write a shot as PNG with its settings inside; the file appears whole or not at all.

    Missing folders are made; a file of that name is replaced. Raises ValueError unless the path
    ends in .png, TypeError unless the shot holds a PIL picture.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .png: it keeps pixels and settings.")
    return write_whole(path, png_of(shot))


def png_of(shot: Shot) -> bytes:
    """Return a shot as the bytes of a PNG with its settings inside. Raises TypeError unless it holds a PIL picture."""
    from PIL.PngImagePlugin import PngInfo

    if not isinstance(shot, Shot) or not is_picture(shot.image):
        raise TypeError(f'can only save a shot with a PIL picture, not {shot!r}; use output_type="pil" and one shot.')
    info = PngInfo()
    record = {"settings": shot.settings, "origin": shot.origin, "seconds": shot.seconds}
    info.add_text(FOREIGN_CHUNK, write_parameters(shot))
    info.add_text(CHUNK, json.dumps(encode(record), ensure_ascii=False))
    return png_bytes(shot.image, info)


def read_settings(path) -> dict:
    """Return {"settings", "origin", "made_by", "not_mapped"} of a PNG written by `save_picture` or by AUTOMATIC1111.

    `settings` are arguments of diffusers for this one picture, `origin` tells what else made it.
    `made_by` is "sdkit" or "AUTOMATIC1111"; of the latter's settings `not_mapped` says which have
    no counterpart here, and why. Raises FileNotFoundError, or ValueError if the file is no picture
    or holds no such settings.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        with Image.open(path) as image:
            image.load()
            ours, theirs = image.info.get(CHUNK), image.info.get(FOREIGN_CHUNK)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{path.name} is no readable picture: {error}") from error
    if ours is None and theirs is None:
        raise ValueError(f"{path.name} holds no settings of ours; only pictures written by save_picture do.")
    try:
        if ours is None:
            return {**read_parameters(theirs), "made_by": NAME}
        record = json.loads(ours)
        return {
            "settings": decode(record["settings"]),
            "origin": decode(record["origin"]),
            "made_by": CHUNK,
            "not_mapped": {},
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the settings in {path.name} are damaged: {error}") from error


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A picture made again, and how it differs from the stored one.

    `max_difference` and `mean_difference` are grey levels (0 to 255), `changed` the share of
    values that differ. `versions` holds the libraries that differ as {name: (then, now)},
    `machine` what else does (device, dtype, threads, ...). `not_mapped` says which of another
    program's settings were left out, and why.
    """

    shot: Shot
    max_difference: int
    mean_difference: float
    changed: float
    versions: dict
    machine: dict = field(default_factory=dict)
    not_mapped: dict = field(default_factory=dict)

    def __repr__(self):
        text = (
            f"<Rebuilt: at most {self.max_difference} grey levels off, {self.mean_difference:.3f} on average, "
            f"{self.changed:.2%} of values differ; libraries {_changes(self.versions) or 'the same'}"
        )
        if self.machine:
            text += f"; {_changes(self.machine)}"
        return text + (f"; not mapped: {', '.join(self.not_mapped)}>" if self.not_mapped else ">")


def _changes(pairs):
    return ", ".join(f"{name} {then} -> {now}" for name, (then, now) in pairs.items())


def rebuild(path, pipe=None, **instead) -> Rebuilt:
    """Make the picture of a PNG again from its settings alone and compare the two.

    Without `pipe` the model named in the record is loaded; with it, its parts are used, as a
    picture of AUTOMATIC1111 always needs. `instead` gives arguments that the file does not hold,
    such as a callback or AUTOMATIC1111's start picture, or takes the place of recorded ones (None
    leaves one out). Raises ValueError if the model's weights are not the recorded ones, if the
    call held something that a file cannot keep, or if the picture was enlarged afterwards.
    """
    from PIL import Image

    record, name = read_settings(path), Path(path).name
    settings, origin = {**record["settings"], **instead}, record["origin"]
    lost = [key for key, value in settings.items() if is_lost(value)]
    if lost:
        raise ValueError(f"{name} was made with {', '.join(lost)}, which a file cannot keep; give {lost[0]}=.")
    if origin["pipeline"] == "StableDiffusionImg2ImgPipeline" and settings.get("image") is None:
        raise ValueError(f"{name} was made from a start picture, which is not in the file; give image=.")
    with Image.open(path) as stored:
        before = np.asarray(stored.convert("RGB"), dtype=int)
    size = (settings.get("height"), settings.get("width"))
    if record["made_by"] == NAME and None not in size and size != before.shape[:2]:
        raise ValueError(
            f"{name} has {before.shape[1]}x{before.shape[0]} pixels, but its settings make {size[1]}x{size[0]}: it was "
            "enlarged afterwards, which diffusers does not do. For the small one call generate with these settings."
        )
    pipe = same_kind(_pipeline_for(record, name) if pipe is None else pipe, origin, record["made_by"] == CHUNK)
    now = origin_of(pipe)
    then = origin["model"].get("fingerprint")
    if then is not None and then != now["model"]["fingerprint"]:
        raise ValueError(
            f"the weights differ: the picture was made with {origin['model']['name']} ({then}), this pipeline has "
            f"{now['model']['fingerprint']}. Give that model as pipe=."
        )
    shot = generate(pipe, **_call_of(settings, pipe))[0]
    after = np.asarray(shot.image.convert("RGB"), dtype=int)
    if after.shape != before.shape:
        raise ValueError(f"{name} has {before.shape[:2]} pixels (height, width), made again {after.shape[:2]}.")
    off = abs(before - after)
    if record["made_by"] == NAME:
        versions, machine = {}, {}
    else:
        versions = _differences(origin["versions"], now["versions"])
        machine = _differences(_surroundings(origin), _surroundings(now))
    return Rebuilt(
        shot, int(off.max()), float(off.mean()), float((off > 0).mean()), versions, machine, record["not_mapped"]
    )


def is_lost(value) -> bool:
    """Say whether an encoded value is one that a file cannot keep."""
    if isinstance(value, list):
        return any(is_lost(one) for one in value)
    return isinstance(value, dict) and "not_recorded" in value


def _differences(then, now):
    return {name: (then.get(name), value) for name, value in now.items() if then.get(name) != value}


def _surroundings(origin):
    return {name: origin.get(name) for name in ("attention", "device", "dtype")} | origin.get("machine", {})


def _pipeline_for(record, name):
    """Load the model that a record names, in the recorded dtype if its device is the one used here."""
    import torch

    origin = record["origin"]
    model = origin["model"]
    if record["made_by"] == NAME:
        raise ValueError(f"{name} was made by {NAME} with the model {model['name']}; load it and give it as pipe=.")
    if model["name"] is None:
        raise ValueError(f"{name} names no model (it was not loaded by load_pipeline); give pipe=.")
    try:
        pipe = load_pipeline(model["name"], revision=model["revision"])
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Or load it yourself and give it as pipe=.") from error
    dtype = getattr(torch, origin["dtype"].removeprefix("torch."))
    if origin["device"] == device_of(pipe).type and dtype != pipe.unet.dtype:
        with quiet():
            pipe.to(dtype)
    return pipe


def same_kind(pipe, origin: dict, complete: bool = True):
    """Return the pipeline class and scheduler of an origin over the parts of `pipe`.

    `complete` is false where the origin holds only what tells the scheduler apart, the rest being the model's.
    """
    import diffusers

    kind, scheduler = getattr(diffusers, origin["pipeline"]), origin["scheduler"]
    if scheduler is None:
        made = pipe.scheduler
    elif complete:
        made = getattr(diffusers, scheduler["class"]).from_config(scheduler["config"])
    else:
        made = getattr(diffusers, scheduler["class"]).from_config(pipe.scheduler.config, **scheduler["config"])
    parts = {**pipe.components, "scheduler": made}
    again = kind(**parts, requires_safety_checker=pipe.config.requires_safety_checker)
    again.set_progress_bar_config(disable=True)
    return again


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
        if not is_random_on_the_way(pipe, call):
            call.pop("seed", None)  # recorded, but without effect
    return call


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


def digest(settings: dict, origin: dict) -> str:
    """Return 32 hexadecimal digits for encoded settings and an origin, the same whatever machine makes the picture."""
    origin = {name: value for name, value in origin.items() if name != "machine"}
    text = json.dumps({"settings": settings, "origin": encode(origin)}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:32]


def encode(value):
    """Turn a settings value into JSON: tensors and arrays as safetensors, pictures as PNG, both in base64.

    What a file cannot keep becomes {"not_recorded": its kind}.
    """
    if isinstance(value, dict):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [encode(one) for one in value]
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


def decode(value):
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(one) for one in value]
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
    return {key: decode(one) for key, one in value.items()}
