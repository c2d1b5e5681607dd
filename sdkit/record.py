"""Settings inside the PNG: written whole, read back, and the picture made again from them.

Two text chunks are written: `sdkit`, our complete JSON, and `parameters`, the text that
AUTOMATIC1111's web UI writes and other tools read (its modules/infotext_utils.py).
"""

from __future__ import annotations

import base64
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdkit.effects import is_random_on_the_way
from sdkit.generation import generate, origin_of
from sdkit.loading import load_pipeline
from sdkit.shots import Shot

CHUNK = "sdkit"
_A1111_SAMPLERS = {
    "PNDMScheduler": "PLMS", "DDIMScheduler": "DDIM", "EulerDiscreteScheduler": "Euler",
    "EulerAncestralDiscreteScheduler": "Euler a", "DPMSolverMultistepScheduler": "DPM++ 2M",
    "UniPCMultistepScheduler": "UniPC", "HeunDiscreteScheduler": "Heun", "LMSDiscreteScheduler": "LMS",
}


def save_picture(shot: Shot, path) -> Path:
    """Write a shot as PNG with its settings inside; the file appears whole or not at all.

    Missing folders are made; a file of that name is replaced. Raises ValueError unless the path
    ends in .png, TypeError unless the shot holds a PIL picture.
    """
    from PIL.PngImagePlugin import PngInfo

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .png: it keeps pixels and settings.")
    if not isinstance(shot, Shot) or not hasattr(shot.image, "getbands"):
        raise TypeError(f'can only save a shot with a PIL picture, not {shot!r}; use output_type="pil" and one shot.')
    info = PngInfo()
    info.add_text("parameters", _a1111(shot))
    info.add_text(CHUNK, json.dumps({"settings": encode(shot.settings), "origin": shot.origin}, ensure_ascii=False))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        shot.image.save(temporary, format="PNG", pnginfo=info)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_settings(path) -> dict:
    """Return {"settings", "origin"} of a PNG written by `save_picture`.

    Raises FileNotFoundError, or ValueError if the file is no picture or holds no such settings.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    try:
        with Image.open(path) as image:
            image.load()
            text = image.info.get(CHUNK)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{path.name} is no readable picture: {error}") from error
    if text is None:
        raise ValueError(f"{path.name} holds no settings of ours; only pictures written by save_picture do.")
    try:
        record = json.loads(text)
        return {"settings": decode(record["settings"]), "origin": record["origin"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the settings in {path.name} are damaged: {error}") from error


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A picture made again, and how it differs from the stored one.

    `max_difference` and `mean_difference` are grey levels (0 to 255), `changed` the share of
    values that differ, `versions` the libraries that differ as {name: (then, now)}.
    """

    shot: Shot
    max_difference: int
    mean_difference: float
    changed: float
    versions: dict

    def __repr__(self):
        libraries = ", ".join(f"{name} {a} -> {b}" for name, (a, b) in self.versions.items()) or "the same"
        return (
            f"<Rebuilt: at most {self.max_difference} grey levels off, {self.mean_difference:.3f} on average, "
            f"{self.changed:.2%} of values differ; libraries {libraries}>"
        )


def rebuild(path, pipe=None) -> Rebuilt:
    """Make the picture of a PNG again from its settings alone and compare the two.

    Without `pipe` the model named in the record is loaded; with it, its parts are used. Raises
    ValueError if the model's weights are not the recorded ones, or if the call held something
    that a file cannot keep (a callback function).
    """
    import diffusers
    from PIL import Image

    record = read_settings(path)
    settings, origin = record["settings"], record["origin"]
    lost = [name for name, value in settings.items() if isinstance(value, dict) and "not_recorded" in value]
    if lost:
        raise ValueError(f"{Path(path).name} was made with {', '.join(lost)}, which a file cannot keep.")
    if pipe is None:
        if origin["model"]["name"] is None:
            raise ValueError("the record names no model (it was not loaded by load_pipeline); give pipe=.")
        pipe = load_pipeline(origin["model"]["name"], revision=origin["model"]["revision"])
    pipe = _same_kind(diffusers, pipe, origin)
    now = origin_of(pipe)
    if now["model"]["fingerprint"] != origin["model"]["fingerprint"]:
        raise ValueError(
            f"the weights differ: the picture was made with {origin['model']['name']} "
            f"({origin['model']['fingerprint']}), this pipeline has {now['model']['fingerprint']}. "
            "Give that model as pipe=."
        )
    shot = generate(pipe, **_call_of(settings, pipe))[0]
    with Image.open(path) as stored:
        a, b = (np.asarray(picture.convert("RGB"), dtype=int) for picture in (stored, shot.image))
    off = abs(a - b)
    then = origin["versions"]
    changed = {name: (then.get(name), v) for name, v in now["versions"].items() if then.get(name) != v}
    return Rebuilt(shot, int(off.max()), float(off.mean()), float((off > 0).mean()), changed)


def _same_kind(diffusers, pipe, origin):
    """Return the recorded pipeline class and scheduler over the parts of `pipe`."""
    kind, scheduler = getattr(diffusers, origin["pipeline"]), origin["scheduler"]
    parts = {**pipe.components, "scheduler": getattr(diffusers, scheduler["class"]).from_config(scheduler["config"])}
    made = kind(**parts, requires_safety_checker=pipe.config.requires_safety_checker)
    made.set_progress_bar_config(disable=True)
    return made


def _call_of(settings, pipe):
    """Turn a record's settings back into arguments of `generate`."""
    call = {name: value for name, value in settings.items() if value is not None}
    state = call.pop("generator_state", None)
    if state is not None:
        import torch

        call["generator"] = torch.Generator("cpu").manual_seed(call.pop("seed"))
        call["generator"].set_state(state)
    if call.get("callback_on_step_end") is None:
        call.pop("callback_on_step_end_tensor_inputs", None)
    if call.get("latents") is not None:
        call["latents"] = call["latents"].to(pipe.device)
        if not is_random_on_the_way(pipe, call):
            call.pop("seed", None)  # recorded, but without effect
    return call


def encode(value):
    """Turn a settings value into JSON: tensors as safetensors, pictures as PNG, both in base64."""
    if isinstance(value, dict):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [encode(one) for one in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "getbands"):
        buffer = io.BytesIO()
        value.save(buffer, format="PNG")
        return {"png": base64.b64encode(buffer.getvalue()).decode()}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        import torch
        from safetensors.torch import save

        tensor = torch.as_tensor(value).detach().cpu().contiguous()
        return {"tensor": base64.b64encode(save({"value": tensor})).decode()}
    return {"not_recorded": type(value).__name__}


def decode(value):
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"png"}:
        from PIL import Image

        return Image.open(io.BytesIO(base64.b64decode(value["png"])))
    if set(value) == {"tensor"}:
        from safetensors.torch import load

        return load(base64.b64decode(value["tensor"]))["value"]
    return {key: decode(one) for key, one in value.items()}


def _a1111(shot):
    """Write a shot's settings as AUTOMATIC1111 does, as far as that format goes."""
    s = shot.settings
    lines = [str(s.get("prompt") or "")]
    if s.get("negative_prompt"):
        lines.append(f"Negative prompt: {s['negative_prompt']}")
    scheduler = shot.origin["scheduler"]["class"]
    pairs = {
        "Steps": s.get("num_inference_steps"), "Sampler": _A1111_SAMPLERS.get(scheduler, scheduler),
        "CFG scale": s.get("guidance_scale"), "Seed": s.get("seed"),
        "Size": f"{shot.image.width}x{shot.image.height}", "Denoising strength": s.get("strength"),
        "Eta": s.get("eta") or None, "RNG": "CPU", "Model": shot.origin["model"]["name"],
        "Version": f"sdkit {shot.origin['versions']['sdkit']}",
    }
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None))
    return "\n".join(lines)


def _quoted(value):
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ',:\n"') else text
