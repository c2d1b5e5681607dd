"""The judge: a small network that recognises the object and the style of a built-in picture.

It makes "does the picture follow the prompt?" a number. It was trained on the drawings themselves
(training/judge.py), never on generated pictures, and knows nothing else: a photograph also gets
probabilities that sum to 1. Its class names are read from the JSON file beside its weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdkit.loading.locate import BUILT_IN_FOLDER

if TYPE_CHECKING:
    import torch
    from torch import nn

FOLDER = BUILT_IN_FOLDER / "judge"
SIDE = 64  # pixels; larger and smaller pictures are resized to it


def build(classes: int, width: int = 40, kernel: int = 3, down: str = "max") -> nn.Sequential:
    """Return an untrained judge: (N, 3, 64, 64) in -1..1 to (N, classes) logits of all heads in a row.

    `width` is the channels of the first layer, `kernel` the side in pixels of the later layers' kernels.
    `down` says how the picture is halved between the layers, "max" or "average"; ValueError for others.
    """
    from torch import nn

    pools = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
    if down not in pools:
        raise ValueError(f"down={down!r} is unknown; use one of {', '.join(pools)}.")

    def layer(before, after, side=kernel, stride=1):
        convolution = nn.Conv2d(before, after, side, stride, side // 2, bias=False)
        return [convolution, nn.BatchNorm2d(after), nn.ReLU()]

    return nn.Sequential(
        *layer(3, width, side=5, stride=2), pools[down](2),  # to 16 x 16 at once: it must run fast on a CPU
        *layer(width, 2 * width), pools[down](2),
        *layer(2 * width, 4 * width),
        *layer(4 * width, 4 * width),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4 * width, classes),
    )  # fmt: skip


@cache
def load_judge(name: str = "judge", folder: str | Path = FOLDER) -> tuple[nn.Module, dict[str, Any]]:
    """Return (network, settings) of a judge in a folder; settings["heads"] lists each head's class names.

    Raises FileNotFoundError if the weights or the settings are missing.
    """
    weights, description = Path(folder) / f"{name}.safetensors", Path(folder) / f"{name}.json"
    missing = [file for file in (weights, description) if not file.exists()]
    if missing:
        raise FileNotFoundError(
            f"The judge {name!r} is not complete: {missing[0]} is missing. It belongs to the built-in model; "
            "install the package again, or make the judge with training/judge.py and training/export.py."
        )
    import torch
    from safetensors.torch import load_file

    settings = json.loads(description.read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):  # the numbers that new layers start with are the user's
        network = build(sum(map(len, settings["heads"].values())), **settings["network"])
    network.load_state_dict({key: value.float() for key, value in load_file(weights).items()})
    return network.eval(), settings


def _pictures(images: Iterable[Any]) -> torch.Tensor:
    """Return PIL images or shots as a float tensor (N, 3, 64, 64) in -1..1. Raises TypeError for anything else."""
    import numpy as np
    import torch
    from PIL import Image

    arrays = []
    for number, image in enumerate(images):
        image = getattr(image, "image", image)
        if not isinstance(image, Image.Image):
            raise TypeError(
                f"images[{number}] is a {type(image).__module__}.{type(image).__qualname__}, not a PIL image or a "
                'shot. Call the pipeline with output_type="pil", or convert an array with PIL.Image.fromarray.'
            )
        image = image.convert("RGB")
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        arrays.append(np.asarray(image, dtype=np.float32))
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2) / 127.5 - 1


def probabilities(pictures: torch.Tensor, name: str = "judge", folder: str | Path = FOLDER) -> dict[str, torch.Tensor]:
    """Return {head: (N, classes) probabilities} of a float tensor (N, 3, 64, 64) in -1..1."""
    import torch

    network, settings = load_judge(name, folder)
    sizes = [len(names) for names in settings["heads"].values()]
    with torch.no_grad():
        logits = torch.cat([network(part) for part in pictures.float().split(64)])
    return {head: part.softmax(1) for head, part in zip(settings["heads"], logits.split(sizes, 1), strict=True)}


def features(pictures: torch.Tensor, name: str = "judge", folder: str | Path = FOLDER) -> torch.Tensor:
    """Return what the judge sees before it names anything: (N, D) of a float tensor (N, 3, 64, 64) in -1..1.

    D is the channels of its last layer, four times its width.
    """
    import torch

    network = load_judge(name, folder)[0]
    with torch.no_grad():
        return torch.cat([network[:-1](part) for part in pictures.float().split(64)])


def judge(images: Any, name: str = "judge", folder: str | Path = FOLDER) -> list[dict[str, dict[str, float]]]:
    """Return for each PIL image (or shot) its probabilities per object and per style, the likeliest first.

    `images` is one of them or a list; they are resized to 64 x 64. Raises TypeError for anything else,
    FileNotFoundError if the judge is missing.

    >>> judge(image)[0]["object"]["cat"]  # doctest: +SKIP
    0.98
    """
    if not isinstance(images, Sequence) or isinstance(images, (str, bytes)):
        images = [images]  # one picture; anything else is reported when its pixels are asked for
    if not len(images):
        return []
    found = probabilities(_pictures(images), name, folder)
    heads = load_judge(name, folder)[1]["heads"]

    def ranked(head, row):
        return dict(sorted(zip(heads[head], row.tolist(), strict=True), key=lambda pair: -pair[1]))

    return [{head: ranked(head, found[head][number]) for head in heads} for number in range(len(images))]
