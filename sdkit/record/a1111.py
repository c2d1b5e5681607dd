"""The `parameters` text of AUTOMATIC1111's web UI: written for other tools, read as arguments of diffusers.

Format: modules/processing.py and modules/infotext_utils.py of stable-diffusion-webui. Schedulers:
the table of samplers in diffusers' documentation (api/schedulers/overview).
"""

from __future__ import annotations

import json
import re
from typing import Any

from sdkit.parameters import PARAMETERS, short
from sdkit.record.encoding import is_lost
from sdkit.schedulers import SAMPLERS, SPACINGS, find_name
from sdkit.shot import Shot, is_same

NAME = "AUTOMATIC1111"
_IMAGE_TO_IMAGE = "StableDiffusionImg2ImgPipeline"
_OF_DIFFUSERS = ("InvokeAI",)
_OF_OWN_MARKS = ("InvokeAI", "NovelAI")  # programs whose prompts have other marks than the web UI's
_MAX_LETTERS = 1_000_000  # of a text; the web UI writes some thousand
_MAX_JSON = 20_000  # letters of a value that is JSON without quotes

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
# Settings that the text holds, or that change no pixel.
_HELD = (
    "prompt", "negative_prompt", "num_inference_steps", "guidance_scale", "seed", "height", "width", "strength",
    "clip_skip", "eta", "output_type", "num_images_per_prompt", "callback_on_step_end_tensor_inputs",
)  # fmt: skip
_USUAL = ("", "automatic", "uniform", "normal")  # the model's own noise levels

# All of these take time in proportion to the length of a text: a stranger's file may hold a long one.
_KEY = re.compile(r"\s*(\w[\w \-/.()]{0,80}):[ \t]*")
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"(?=\s*(?:,|\n|$))', re.DOTALL)
_END = re.compile(r",|\n|\Z")
_STEPS = re.compile(r"(?:^|, ?)Steps: ")
_TEMPLATE = re.compile(r"^(Negative Template|Template):", re.MULTILINE)  # of an extension, after the settings
_TAG = re.compile(r"<(\w+):([^<>]*)>")
_EDIT = re.compile(r"((?<!\\)\[[^\[\]:|]*[:|][^\[\]]*\])")
_WEIGHT = re.compile(r":\s{0,9}[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s{0,9}(?=\))")
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
    "Civitai resources": "load those of the type lora with pipe.load_lora_weights",
    "Template": "the prompt was made from it",
    "Negative Template": "the negative prompt was made from it",
    "node": "what it does to the picture is not known here",
    "KSampler": "it is not known here; give it",
    "CLIPTextEncode": "it is not known here; give it",
    "batch_size": "the noise of all pictures of a batch is drawn at once there",
    "Not held here": "the text of sdkit has no place for these; its own record holds them",
    "TI": "load it with pipe.load_textual_inversion",
}


def write_parameters(shot: Shot) -> str:
    """Return a shot's settings as the web UI writes them, as far as that format goes; what was left out is not there.

    A setting is left out where the shot has a note of `sdkit.record.encoding` in its place.
    """
    origin = shot.origin
    settings = {name: value for name, value in shot.settings.items() if not is_lost(value)}
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
        "Not held here": ", ".join(_not_held(shot.settings)) or None,
    }
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs.items() if value is not None))
    return "\n".join(lines)


def _not_held(settings):
    """Return the names of settings that change the picture and have no place in the text."""
    given = {name: value for name, value in settings.items() if name in PARAMETERS and value is not None}
    changed = [name for name, value in given.items() if not is_same(value, PARAMETERS[name].default)]
    return [name for name in changed if name not in _HELD]


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
    if len(text) > _MAX_LETTERS:
        raise ValueError(f"a text of {len(text):,} letters; at most {_MAX_LETTERS:,} are read.")
    prompt, negative, pairs = _parts(text.replace("\r\n", "\n"))
    return settings_from(prompt, negative, pairs)


def settings_from(prompt: str, negative: str, pairs: dict[str, str], program: str = NAME) -> dict[str, Any]:
    """Return what `read_parameters` does of a prompt, a negative prompt and the pairs of such a text.

    `program` is the one that made the picture; its settings have the web UI's names here. Raises ValueError for
    a number that is none.
    """
    pairs = dict(pairs)
    not_mapped: dict[str, str] = {}
    marked = _as_written if program in _OF_OWN_MARKS else _plain_prompt
    settings = {
        "prompt": marked(prompt, "prompt", not_mapped),
        "negative_prompt": marked(negative, "negative prompt", not_mapped),
        "num_inference_steps": _take(pairs, "Steps", int),
        "guidance_scale": _take(pairs, "CFG scale", float),
        "seed": _take(pairs, "Seed", int),
    }
    settings["width"], settings["height"] = _take(pairs, "Size", _size) or (None, None)
    scheduler = _scheduler(pairs.pop("Sampler", ""), pairs.pop("Schedule type", ""), program, not_mapped)
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
    versions = {program: pairs.pop("Version", None)}
    for key in pairs:
        reason = next((why for start, why in _NOT_ARGUMENTS.items() if key.startswith(start)), None)
        not_mapped[key] = f"{pairs[key]}: {reason or 'the pipeline takes no such argument'}"
    return {
        "settings": {name: value for name, value in settings.items() if value is not None},
        "origin": {"pipeline": pipeline, "model": model, "scheduler": scheduler, "versions": versions},
        "not_mapped": not_mapped,
    }


def _parts(text):
    """Split a text into prompt, negative prompt and the pairs of its settings.

    The settings begin at the last line that names the steps and, there or below, another setting; extensions
    write line breaks into their fields and lines of their own below.
    """
    lines = text.strip().split("\n")
    others = False  # is another setting named in this line or below?
    for start in range(len(lines) - 1, -1, -1):
        others = others or any(f"{key}: " in lines[start] for key in ("Sampler", "CFG scale", "Seed", "Size"))
        if others and _STEPS.search(lines[start]):
            break
    else:
        raise ValueError(f"no line of settings (Steps: ..., Sampler: ...) as {NAME} writes it.")
    above = lines[:start]
    cut = next((i for i, line in enumerate(above) if line.startswith("Negative prompt:")), len(above))
    negative = "\n".join(above[cut:]).removeprefix("Negative prompt:").strip()
    pairs = _pairs("\n".join(lines[start:]))
    before_steps = pairs.pop("", "")  # where all is written in one line
    return "\n".join(above[:cut]) or before_steps, negative, pairs


def _pairs(text):
    """Return the pairs of a text of settings: "key: value" between commas or line breaks, a value quoted or JSON.

    What comes before the first key has the key "".
    """
    text, *templates = _TEMPLATE.split(text)
    found: dict[str, list[str]] = {}
    key, position = "", 0
    while position < len(text):
        match = _KEY.match(text, position)
        if match:
            key, position = match[1], match.end()
            end = _end_of_value(text, position)
            found[key] = [text[position:end]]
        else:  # no key: the value before had a comma or line break in it
            end = _end_of_item(text, position)
            found.setdefault(key, []).append(text[max(0, position - 1) : end])
        position = end + 1
    pairs = {key: _unquoted("".join(pieces).strip()) for key, pieces in found.items()}
    return {**pairs, **{key: value.strip() for key, value in zip(templates[::2], templates[1::2])}}


def _end_of_value(text, start):
    """Return where a value ends that begins at `start`: after its quotes or brackets, or at the next comma or line."""
    if text.startswith('"', start):
        quoted = _QUOTED.match(text, start)
        if quoted:
            return _end_of_item(text, quoted.end())
    if text.startswith(("[{", "{"), start):
        try:
            length = json.JSONDecoder().raw_decode(text[start : start + _MAX_JSON])[1]
            return _end_of_item(text, start + length)
        except (ValueError, RecursionError):  # it only begins like JSON
            pass
    return _end_of_item(text, start)


def _end_of_item(text: str, start: int) -> int:
    end = _END.search(text, start)
    return end.start() if end else len(text)


def _unquoted(value):
    """Return a value without its quotes; half characters, which no file takes, become question marks."""
    try:
        value = str(json.loads(value, strict=False)) if value.startswith('"') else value
    except ValueError:
        pass
    return value.encode(errors="replace").decode()


def _take(pairs, key, kind):
    """Remove a value from the pairs and return it as `kind`, or None if it is not there."""
    if key not in pairs:
        return None
    value = pairs.pop(key)
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"{key} is {short(value)}, which cannot be read.") from error


def _size(text):
    width, height = text.split("x")
    return int(width), int(height)


def _as_written(prompt, name, not_mapped):
    """Return a prompt as it is, and note that there may be marks in it."""
    if re.search(r"[(){}\[\]]|\+\+|--", prompt):
        not_mapped[f"weights in the {name}"] = "brackets, + and - change a word's weight there; left as written"
    return prompt


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


def _scheduler(sampler, schedule, program, not_mapped):
    """Return class and config of the scheduler that a sampler is in diffusers, or None."""
    found = find_name(sampler)
    if found is None:
        reason = "diffusers has no such scheduler" if sampler else "it is not in the text"
        not_mapped["Sampler"] = f"{sampler}: {reason}; the pipeline's own is used".removeprefix(": ")
        return None
    kind, config, chooses = SAMPLERS[found.sampler]
    schedule = found.spacing or schedule  # older versions write both in one name
    # what is built on diffusers samples as diffusers does
    config = {**({} if program in _OF_DIFFUSERS else _LIKE_A1111.get(kind, {})), **config}
    if kind == "UniPCMultistepScheduler" and sampler.lower().endswith("bh2"):  # as ComfyUI names its other variant
        config["solver_type"] = "bh2"
    spacing = next((name for name in SPACINGS if _letters(name) == _letters(schedule)), None)
    if spacing is not None and chooses:
        config.update(SPACINGS[spacing])
    elif _letters(schedule) not in _USUAL:
        not_mapped["Schedule type"] = f"{schedule}: {kind} is taken with its own noise levels"
    return {"class": kind, "config": config}


def _letters(name):
    return re.sub("[^a-z]", "", name.lower())
