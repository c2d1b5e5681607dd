"""The `parameters` text of AUTOMATIC1111's web UI: written for other tools, read as arguments of diffusers.

Format: modules/processing.py and modules/infotext_utils.py of stable-diffusion-webui. Schedulers:
the table of samplers in diffusers' documentation (api/schedulers/overview).
"""

from __future__ import annotations

import json
import re
from typing import Any

from sdkit.schedulers import SAMPLERS, SPACINGS, find_name
from sdkit.shot import Shot

NAME = "AUTOMATIC1111"
_IMAGE_TO_IMAGE = "StableDiffusionImg2ImgPipeline"

# What the web UI's sampler does where the class, or a config taken over from another one, does otherwise.
_LIKE_A1111: dict[str, dict[str, Any]] = {
    "DDIMScheduler": {"clip_sample": False, "set_alpha_to_one": False},
    # bh1 divides by the distance to the last noise level, which must not be zero
    "UniPCMultistepScheduler": {"solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"},
    **{
        name: {"timestep_spacing": "linspace"}  # as k-diffusion: from the noisiest timestep to the first
        for name, _, _ in SAMPLERS.values()
        if name.removesuffix("Scheduler") not in ("DDIM", "DDPM", "PNDM", "UniPCMultistep", "LCM", "TCD")
    },
}
_USUAL = (None, "Automatic", "Uniform")  # the model's own noise levels

_PAIR = re.compile(r'\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_TAG = re.compile(r"<(\w+):([^<>]*)>")
_EDIT = re.compile(r"((?<!\\)\[[^\[\]]*[:|][^\[\]]*\])")
_WEIGHT = re.compile(r":\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*(?=\))")
_BRACKET = re.compile(r"\\[\\()\[\]]|[()\[\]]")
_NOT_ARGUMENTS = {
    "VAE": "load that VAE into pipe.vae",
    "ENSD": "it shifts the seed of the noise that ancestral samplers draw",
    "Variation seed": "the web UI mixes the noise of two seeds; diffusers takes such noise as latents=",
    "Hires": "a second pass at another size; make it as image to image",
    "First pass": "a second pass at another size; make it as image to image",
    "Mask": "inpainting, whose mask is not in the file",
    "Inpaint": "inpainting, whose mask is not in the file",
    "Lora": "load it with pipe.load_lora_weights",
    "TI": "load it with pipe.load_textual_inversion",
}


def write_parameters(shot: Shot) -> str:
    """Return a shot's settings as the web UI writes them, as far as that format goes."""
    settings, origin = shot.settings, shot.origin
    lines = [_escaped(settings.get("prompt"))]
    if settings.get("negative_prompt"):
        lines.append(f"Negative prompt: {_escaped(settings['negative_prompt'])}")
    clip_skip = settings.get("clip_skip")
    sampler, schedule = _sampler_of(origin.scheduler, origin.scheduler_config)
    pairs = {
        "Steps": settings.get("num_inference_steps"),
        "Sampler": sampler,
        "Schedule type": schedule,
        "CFG scale": settings.get("guidance_scale"),
        "Seed": settings.get("seed"),
        "Size": f"{shot.image.width}x{shot.image.height}",
        "Model": origin.model,
        "Denoising strength": settings.get("strength"),
        "Clip skip": clip_skip + 1 if clip_skip else None,
        "RNG": "CPU",
        "Eta DDIM": settings.get("eta") or None,
        "Version": f"sdkit {origin.versions['sdkit']}",
    }
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None))
    return "\n".join(lines)


def _sampler_of(kind, config):
    """Return the web UI's names of a scheduler and of its spacing of noise levels (None if it is the usual one)."""
    for name, (scheduler, own, chooses) in SAMPLERS.items():
        if scheduler == kind and _holds(config, own):
            schedules = SPACINGS.items() if chooses else ()
            return name, next((schedule for schedule, wanted in schedules if _holds(config, wanted)), None)
    return kind, None


def _holds(config, wanted):
    return all(config.get(key) == value for key, value in wanted.items())


def _escaped(prompt):
    return re.sub(r"([\\()\[\]])", r"\\\1", prompt or "")  # bare brackets are weights there


def _quoted(value):
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ',:\n"') else text


def read_parameters(text: str) -> dict[str, Any]:
    """Return {"settings", "origin", "not_mapped"} of such a text.

    `settings` are arguments of diffusers. `origin` names the pipeline class, the scheduler (its
    class, and the part of its config that differs from the model's own; None if it is not known)
    and the model as the web UI calls it. `not_mapped` says, for each thing that diffusers does
    not take or does otherwise, why. Raises ValueError if the text is none of these.
    """
    prompt, negative, pairs = _parts(text)
    not_mapped: dict[str, str] = {}
    settings = {
        "prompt": _plain_prompt(prompt, "prompt", not_mapped),
        "negative_prompt": _plain_prompt(negative, "negative prompt", not_mapped),
        "num_inference_steps": _take(pairs, "Steps", int),
        "guidance_scale": _take(pairs, "CFG scale", float),
        "seed": _take(pairs, "Seed", int),
    }
    settings["width"], settings["height"] = _take(pairs, "Size", _size) or (None, None)
    scheduler = _scheduler(pairs.pop("Sampler", None), pairs.pop("Schedule type", None), not_mapped)
    pipeline = "StableDiffusionPipeline"
    if "Denoising strength" in pairs and not any(key.startswith(("Hires", "First pass")) for key in pairs):
        pipeline = _IMAGE_TO_IMAGE
        settings["strength"] = _take(pairs, "Denoising strength", float)
        width, height = settings.pop("width"), settings.pop("height")
        size = f" of {width}x{height} pixels" if width else ""
        not_mapped["start picture"] = f"it is not in the file; give image=, a picture{size}"
    if scheduler is not None and scheduler["class"] == "DDIMScheduler":
        settings["eta"] = _take(pairs, "Eta DDIM" if "Eta DDIM" in pairs else "Eta", float)
    clip_skip = _take(pairs, "Clip skip", int)
    settings["clip_skip"] = clip_skip - 1 if clip_skip and clip_skip > 1 else None  # there 1 is the last layer
    noise = pairs.pop("RNG", "GPU")
    if noise != "CPU":
        not_mapped["RNG"] = f"{noise} noise; a CPU generator draws other numbers from the same seed"
    model = {"name": pairs.pop("Model", None), "revision": None, "hash": pairs.pop("Model hash", None)}
    versions = {NAME: pairs.pop("Version", None)}
    for key in pairs:
        reason = next((why for start, why in _NOT_ARGUMENTS.items() if key.startswith(start)), None)
        not_mapped[key] = f"{pairs[key]}: {reason or 'the pipeline takes no such argument'}"
    return {
        "settings": {name: value for name, value in settings.items() if value is not None},
        "origin": {"pipeline": pipeline, "model": model, "scheduler": scheduler, "versions": versions},
        "not_mapped": not_mapped,
    }


def _parts(text):
    """Split a text into prompt, negative prompt and the pairs of its last line."""
    *lines, last = text.strip().split("\n")
    pairs = {key: _unquoted(value) for key, value in _PAIR.findall(last)}
    if "Steps" not in pairs or "Sampler" not in pairs:
        raise ValueError(f"no line of settings (Steps: ..., Sampler: ...) as {NAME} writes it.")
    start = next((i for i, line in enumerate(lines) if line.startswith("Negative prompt:")), len(lines))
    negative = "\n".join(lines[start:]).removeprefix("Negative prompt:").strip()
    return "\n".join(lines[:start]), negative, pairs


def _unquoted(value):
    try:
        return json.loads(value) if value.startswith('"') else value.strip()
    except ValueError:
        return value


def _take(pairs, key, kind):
    """Remove a value from the pairs and return it as `kind`, or None if it is not there."""
    if key not in pairs:
        return None
    value = pairs.pop(key)
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"{key} is {value!r}, which cannot be read.") from error


def _size(text):
    width, height = text.split("x")
    return int(width), int(height)


def _plain_prompt(prompt, name, not_mapped):
    """Return a prompt without the web UI's marks, and note which ones there were."""
    tags = _TAG.findall(prompt)
    if tags:
        not_mapped[f"tags in the {name}"] = ", ".join(f"<{kind}:{rest}>" for kind, rest in tags) + (
            ": load it with pipe.load_lora_weights or load_textual_inversion"
        )
        prompt = re.sub(r"\s*,(?=\s*(?:,|$))", "", " ".join(_TAG.sub("", prompt).split())).strip(" ,")
    parts = _EDIT.split(prompt)  # the odd ones are [from:to:when] and [one|other]
    marks = [mark for part in parts[::2] for mark in _BRACKET.findall(part) if len(mark) == 1]
    if marks:
        not_mapped[f"weights in the {name}"] = "brackets raise or lower a word's weight there; the words are kept"
    if len(parts) > 1:
        not_mapped[f"edits in the {name}"] = ", ".join(parts[1::2]) + ": words change on the way; left as written"
    joins = re.findall(r"\b(?:AND|BREAK)\b", prompt)
    if joins:
        not_mapped[f"joins in the {name}"] = ", ".join(joins) + ": they join prompts there; left as written"
    parts[::2] = [_BRACKET.sub(lambda mark: mark[0][1:], _WEIGHT.sub("", part)) for part in parts[::2]]
    return "".join(parts)


def _scheduler(sampler, schedule, not_mapped):
    """Return class and config of the scheduler that a sampler is in diffusers, or None."""
    found = find_name(sampler)
    if found is None:
        not_mapped["Sampler"] = f"{sampler}: diffusers has no such scheduler; the pipeline's own is used"
        return None
    kind, config, chooses = SAMPLERS[found.sampler]
    schedule = found.spacing or schedule  # older versions write both in one name
    config = {**_LIKE_A1111.get(kind, {}), **config}
    if schedule not in _USUAL:
        if chooses and schedule in SPACINGS:
            config.update(SPACINGS[schedule])
        else:
            not_mapped["Schedule type"] = f"{schedule}: {kind} cannot space its noise levels so"
    return {"class": kind, "config": config}
