"""Pictures of other programs: which program it was, and its settings, read by sd-parsers where that is installed.

AUTOMATIC1111's text, which many programs write, is read by `sdkit.record.a1111` alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sdkit.parameters import short
from sdkit.record.a1111 import settings_from

COMFYUI, INVOKEAI, NOVELAI, FOOOCUS, SWARMUI = "ComfyUI", "InvokeAI", "NovelAI", "Fooocus", "SwarmUI"
_MAX_LETTERS = 1_000_000  # of one text; programs write some thousand
_MAX_PLAIN_LETTERS = 5_000  # of a text that is no JSON
_PARAMETERS = "parameters"
# The classes of sd-parsers that read a program's texts.
_READERS = {COMFYUI: "ComfyUIParser", INVOKEAI: "InvokeAIParser", NOVELAI: "NovelAIParser", FOOOCUS: "FooocusParser"}
# The nodes of ComfyUI that are read, and those that show or keep what they get.
_READ_NODES = (
    "KSampler", "CheckpointLoaderSimple", "EmptyLatentImage", "CLIPTextEncode", "VAEDecode", "SaveImage",
    "PreviewImage",
)  # fmt: skip
_SETTINGS_OF_NODES = (
    "seed", "noise_seed", "steps", "cfg", "sampler_name", "scheduler", "denoise", "text", "width", "height",
)  # fmt: skip
_NOISE = {COMFYUI: "CPU", FOOOCUS: "CPU"}  # where a program draws its noise, if its texts do not tell


def program_of(texts: Mapping[str, str]) -> str | None:
    """Return the program that wrote a picture's texts, None if it is none of those known here."""
    parameters = _json_in(texts.get(_PARAMETERS, ""))
    if any(name in texts for name in ("invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream")):
        return INVOKEAI
    if texts.get("Software", "").startswith("NovelAI"):
        return NOVELAI
    if "sui_image_params" in parameters:
        return SWARMUI
    if parameters and ("fooocus_scheme" in texts or str(parameters.get("version", "")).startswith("Fooocus")):
        return FOOOCUS
    return COMFYUI if "workflow" in texts or _nodes(texts) else None


def read_foreign(texts: Mapping[str, str], program: str) -> dict[str, Any]:
    """Return {"settings", "origin", "not_mapped"} of the texts of a picture made by `program`.

    Raises ValueError, with what to do, if they cannot be read: sd-parsers is not installed or does not know them.
    """
    if program not in _READERS:
        raise ValueError(f"it was made by {program}, whose settings are not read here; give them to generate yourself.")
    try:
        from sd_parsers import parsers
    except ImportError as error:
        raise ValueError(
            f"it was made by {program}, whose settings sd-parsers reads; install it: pip install sd-parsers."
        ) from error
    try:
        found = getattr(parsers, _READERS[program])().parse(_prepared(texts, program))
        found_pairs = _pairs_of(found, program, _nodes(texts))
        pairs = {name: value for name, value in found_pairs.items() if value not in (None, "")}
    except ValueError as error:
        raise ValueError(f"it was made by {program}, and its settings cannot be read: {error}.") from error
    except Exception as error:  # sd-parsers lets through what odd values raise in it, and finds no sampler
        raise ValueError(
            f"it was made by {program}, and sd-parsers finds no settings of a known form in it."
        ) from error
    return settings_from(pairs.pop("prompt", ""), pairs.pop("negative", ""), pairs, program)


def _prepared(texts, program):
    """Return the texts that sd-parsers wants of a program, none of them longer than it can read in a short time."""
    for name, text in texts.items():
        most = _MAX_LETTERS if text.lstrip().startswith("{") else _MAX_PLAIN_LETTERS
        if len(text) > most:
            raise ValueError(f"{short(name)} has {len(text):,} letters, at most {most:,} are read")
    if program == COMFYUI:  # the nodes themselves tell their links, which pictures made over its API lack
        nodes = _nodes(texts)
        links = [
            (0, str(value[0]), 0, name, 0, socket.upper())
            for name, node in nodes.items()
            for socket, value in node["inputs"].items()
            if isinstance(value, list) and value
        ]
        return {"prompt": nodes, "workflow": {"links": links}}
    if program == NOVELAI:
        return {"Description": "", "Source": "", **texts}
    if program == FOOOCUS:
        usual = {"base_model": "", "base_model_hash": None, "negative_prompt": ""}
        return {"parameters": json.dumps({**usual, **_json_in(texts[_PARAMETERS])})}
    return dict(texts)


def _unread_nodes(nodes):
    """Return what of a ComfyUI graph is not read, in words: nodes of other kinds, and settings that such nodes make."""
    kinds = sorted({node["class_type"] for node in nodes.values() if node["class_type"] not in _READ_NODES})
    found = {f"node {kind}": "not read" for kind in kinds}
    for node in nodes.values():
        linked = [name for name in _SETTINGS_OF_NODES if isinstance(node["inputs"].get(name), list)]
        found |= {f"{node['class_type']} {name}": "made by another node" for name in linked}
        if node["class_type"].startswith("EmptyLatent") and node["inputs"].get("batch_size", 1) != 1:
            found["batch_size"] = node["inputs"]["batch_size"]
    return found


def _pairs_of(found, program, nodes):
    """Return the settings that sd-parsers found, under the names of AUTOMATIC1111, and the rest as they are."""
    sampler, rest = found.samplers[0], dict(found.metadata)
    settings = {name: value for name, value in sampler.parameters.items() if not isinstance(value, list)}
    if program == COMFYUI:
        size = next((kind for kind, nodes in rest.items() if "Latent" in kind and "width" in nodes[0]), None)
        latents: dict[str, Any] = rest.pop(size)[0] if size else {}
        rest = {f"node {kind}": nodes for kind, nodes in rest.items()}
        rest |= {"width": latents.get("width"), "height": latents.get("height")}
    strength = settings.pop("denoise", None)
    resolution = re.findall(r"\d{1,5}", str(rest.pop("resolution", ""))[:20])
    width, height = rest.pop("width", None), rest.pop("height", None)
    if len(resolution) == 2:
        width, height = resolution
    pairs = {
        "prompt": ", ".join(map(str, sampler.prompts)),
        "negative": ", ".join(map(str, sampler.negative_prompts)),
        "Steps": settings.pop("steps", rest.pop("steps", None)),
        "Sampler": sampler.name,
        "Schedule type": settings.pop("scheduler", None),
        "CFG scale": settings.pop("cfg_scale", None),
        "Seed": settings.pop("seed", None),
        "Size": f"{width}x{height}" if width and height else None,
        "Model": sampler.model.name if sampler.model else None,
        "Model hash": sampler.model.hash if sampler.model else None,
        "RNG": _NOISE.get(program, str(rest.pop("rand_device", "GPU")).upper()),
        "Denoising strength": strength if strength != 1 else None,
        "Version": rest.pop("version", rest.pop("app_version", None)),
    }
    if program == INVOKEAI and rest.get("generation_mode") in ("img2img", "inpaint", "outpaint"):
        pairs["Denoising strength"] = strength or rest.pop("strength", None) or 1
    if program == COMFYUI:
        rest = {**_unread_nodes(nodes), **rest}
    others = {"other samplers": f"{len(found.samplers) - 1} more" if len(found.samplers) > 1 else None}
    return {name: _text(value) for name, value in {**settings, **rest, **others, **pairs}.items()}


def _text(value):
    """Return a value as the text of a pair, None as it is, long ones cut."""
    return value if value is None or isinstance(value, str) else short(value)


def _nodes(texts) -> dict[str, Any]:
    """Return the nodes of a ComfyUI graph, {} if the texts hold none."""
    graph = _json_in(texts.get("prompt", ""))
    nodes = {str(name): node for name, node in graph.items() if isinstance(node, dict) and "class_type" in node}
    return {name: node for name, node in nodes.items() if isinstance(node.get("inputs"), dict)}


def _json_in(text: str) -> dict[str, Any]:
    """Return the table that a text holds as JSON, {} if it holds none or is longer than programs write."""
    if not text.lstrip().startswith("{") or len(text) > _MAX_LETTERS:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
