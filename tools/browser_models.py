"""Write the built-in model for a browser: `python -m tools.browser_models [FOLDER]`, FOLDER is dist/browser/models.

The networks become ONNX files for one picture of any sides, with guidance or without; the rest is model.json and the
tokenizer's own file. Weights are stored as float16, as in the repository, and computed as float32: nothing is rounded.
Needs the packages of the extra `site`.
"""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sdkit import load_pipeline, model_path
from sdkit.files import write_whole
from sdkit.loading.provenance import origin_of
from sdkit.schedulers import scheduler_named
from sdkit.words import known_words
from training.world import OBJECTS

if TYPE_CHECKING:
    import onnx

FOLDER = Path(__file__).parent.parent / "dist" / "browser" / "models"
MODEL = "model.json"  # written last: a folder that has it is finished
TOKENIZER = "tokenizer.json"
SCHEDULERS = ("DDIMScheduler", "PNDMScheduler", "EulerAncestralDiscreteScheduler")
PIPELINES = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline")
OPSET = 18
OF_THIS_MACHINE = ("versions", "machine")  # what of an origin is another in a browser


class TextEncoder(nn.Module):
    """Tokens (prompts, 77) to states (prompts, 77, width)."""

    def __init__(self, pipe):
        super().__init__()
        self.encoder = pipe.text_encoder

    def forward(self, tokens):
        return self.encoder(tokens)[0]


class Unet(nn.Module):
    """Latents (1, channels, height, width), timestep (1) and states (prompts, 77, width) to an answer for each prompt.

    diffusers' own `forward` gets the latents once for each prompt, and asks whether their sides are multiples of 4 to
    enlarge in one of two ways. Here the blocks before the first that reads a prompt run once, since their answers are
    the same for all; and enlarging to the size of the next residual is right for all sides.
    """

    def __init__(self, pipe):
        super().__init__()
        self.unet = pipe.unet

    def forward(self, sample, timestep, states):
        unet, prompts = self.unet, states.shape[0]
        time = unet.time_embedding(unet.time_proj(timestep))
        sample = unet.conv_in(sample)
        residuals = [sample]
        for block in unet.down_blocks:
            if _reads(block):
                sample = sample.expand(prompts, -1, -1, -1)
            sample, more = block(sample, time, **_states_for(block, states))
            residuals += more
        sample = unet.mid_block(sample, time, encoder_hidden_states=states)
        residuals = [residual.expand(prompts, -1, -1, -1) for residual in residuals]
        for block in unet.up_blocks:
            count = len(block.resnets)
            residuals, own = residuals[:-count], tuple(residuals[-count:])
            size = residuals[-1].shape[2:] if residuals else None
            sample = block(sample, own, time, upsample_size=size, **_states_for(block, states))
        return unet.conv_out(unet.conv_act(unet.conv_norm_out(sample)))


def _reads(block):
    """Say whether a block of the UNet reads the prompt."""
    return getattr(block, "has_cross_attention", False)


def _states_for(block, states):
    return {"encoder_hidden_states": states} if _reads(block) else {}


class VaeDecoder(nn.Module):
    """Latents, without the scaling factor, to a picture (1, 3, height, width) of about -1 to 1."""

    def __init__(self, pipe):
        super().__init__()
        self.vae = pipe.vae

    def forward(self, latents):
        return self.vae.decode(latents, return_dict=False)[0]


class VaeEncoder(nn.Module):
    """A picture of -1 to 1 to the means and the logarithms of the variances of latents, one behind the other."""

    def __init__(self, pipe):
        super().__init__()
        self.vae = pipe.vae

    def forward(self, picture):
        return self.vae.encode(picture).latent_dist.parameters


@dataclass(frozen=True)
class Part:
    """A network to write: its module, names of inputs and output, an example of each input, and which sides vary."""

    network: type[nn.Module]
    output: str
    inputs: dict[str, torch.Tensor]
    sides: dict[str, dict[int, str]]


def parts(pipe) -> dict[str, Part]:
    """Return what to write, by the file's name without its ending. The examples have sides that are not alike."""
    tokens = torch.zeros(2, pipe.tokenizer.model_max_length, dtype=torch.long)
    width, channels = pipe.unet.config.cross_attention_dim, pipe.unet.config.in_channels
    latents, plane = torch.zeros(1, channels, 18, 13), {2: "height", 3: "width"}
    unet = {"sample": latents, "timestep": torch.full((1,), 3.0), "states": torch.zeros(2, tokens.shape[1], width)}
    picture = torch.zeros(1, 3, 8 * 6, 8 * 5)
    return {
        "text_encoder": Part(TextEncoder, "states", {"tokens": tokens}, {"tokens": {0: "prompts"}}),
        "unet": Part(Unet, "answer", unet, {"sample": plane, "states": {0: "prompts"}}),
        "vae_decoder": Part(VaeDecoder, "picture", {"latents": latents}, {"latents": plane}),
        "vae_encoder": Part(VaeEncoder, "moments", {"picture": picture}, {"picture": plane}),
    }


def graph_of(part: Part, pipe) -> onnx.ModelProto:
    """Return a network as an ONNX graph, its weights float32."""
    from torch.export import Dim

    limits = {"prompts": Dim("prompts", min=1, max=32)}
    for side in ("height", "width"):
        factor = 8 if part.network is VaeEncoder else 1  # of pixels, eight make a latent
        limits[side] = factor * Dim(f"{side}_in_latents", min=1, max=512)
    sides = {name: {axis: limits[side] for axis, side in part.sides.get(name, {}).items()} for name in part.inputs}
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            part.network(pipe).eval(),
            tuple(part.inputs.values()),
            input_names=list(part.inputs),
            output_names=[part.output],
            dynamic_shapes=sides,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


class _quiet(warnings.catch_warnings):
    """Keep what torch's exporter says of itself away: its progress, and packages that it does not need."""

    def __enter__(self):
        super().__enter__()
        warnings.simplefilter("ignore")
        self.before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *error):
        logging.disable(self.before)
        super().__exit__(*error)


def as_float16(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph whose float32 constants are stored as float16 and made float32 again when it is loaded.

    What float16 cannot hold exactly stays float32.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    made = type(graph)()
    made.CopyFrom(graph)
    casts = []
    for tensor in made.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            name, stored = tensor.name, f"{tensor.name}_float16"
            tensor.CopyFrom(numpy_helper.from_array(half, stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    # Where in which file of torch or diffusers a node was made: half a megabyte of paths of this machine.
    for node in made.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return made


def describe(pipe, files: dict[str, bytes]) -> dict[str, Any]:
    """Return what model.json holds: what the networks are, their schedulers, and what records say of the model."""
    import diffusers

    own = pipe.scheduler
    schedulers = {kind: scheduler_named(kind, own) for kind in SCHEDULERS}
    origins: dict[str, dict[str, Any]] = {}
    for kind in PIPELINES:
        call = pipe if kind == type(pipe).__name__ else _over_the_parts(getattr(diffusers, kind), pipe)
        try:
            for name, scheduler in schedulers.items():
                # the model's own scheduler stays as it is, so that its record is that of an untouched pipeline
                call.scheduler = own if name == type(own).__name__ else scheduler
                found = origin_of(call).to_dict()
                origins.setdefault(kind, {})[name] = {
                    key: value for key, value in found.items() if key not in OF_THIS_MACHINE
                }
        finally:
            call.scheduler = own
    any_origin = origins[PIPELINES[0]][type(own).__name__]
    return {
        "name": any_origin["model"]["name"],
        "fingerprint": any_origin["model"]["fingerprint"],
        "sample_size": pipe.unet.config.sample_size * pipe.vae_scale_factor,
        "latent_channels": pipe.unet.config.in_channels,
        "vae_scale_factor": pipe.vae_scale_factor,
        "scaling_factor": pipe.vae.config.scaling_factor,
        "scheduler": type(own).__name__,
        "schedulers": {name: origins[PIPELINES[0]][name]["scheduler"]["config"] for name in schedulers},
        "tokenizer": json.loads((model_path() / "tokenizer" / "tokenizer_config.json").read_text(encoding="utf-8")),
        "words": sorted(known_words()),
        "objects": [{"en": thing.english[0], "ja": thing.japanese[0]} for thing in OBJECTS.values()],
        "origins": origins,
        "versions": origin_of(pipe).versions,
        "made_from": source(),
        "files": {name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()},
    }


def source() -> str:
    """Return the SHA-256 of what the files are made from: the model's own files and this one."""
    digest = sha256(Path(__file__).read_bytes())
    for part in ("scheduler", "text_encoder", "tokenizer", "unet", "vae"):
        for file in sorted((model_path() / part).iterdir()):
            digest.update(f"{part}/{file.name}".encode() + file.read_bytes())
    return digest.hexdigest()


def is_fresh(folder: Path) -> bool:
    """Say whether a folder holds the files of the model as it is now."""
    try:
        model = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return model.get("made_from") == source() and all((folder / name).exists() for name in model["files"])


def _over_the_parts(kind, pipe):
    """Return a pipeline of another class over the parts of one, which its record names as their source."""
    made = kind(**pipe.components, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


def write(folder: Path) -> Iterator[str]:
    """Write the model into a folder, each file whole or not at all, model.json last; yield the files with sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).unlink(missing_ok=True)
    pipe, files = load_pipeline("built-in"), {}
    for name, part in parts(pipe).items():
        files[f"{name}.onnx"] = as_float16(graph_of(part, pipe)).SerializeToString()
    tokenizer = json.loads((model_path() / "tokenizer" / TOKENIZER).read_text(encoding="utf-8"))
    files[TOKENIZER] = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode()
    for name, data in files.items():
        write_whole(folder / name, data)
        yield f"{name}: {len(data) / 1e6:.2f} MB"
    write_whole(folder / MODEL, json.dumps(describe(pipe, files), ensure_ascii=False).encode())


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.browser_models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    for line in write(parser.parse_args(given).folder):
        print(line)


if __name__ == "__main__":
    main()
