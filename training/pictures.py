"""Pictures for the evaluation: drawn from scenes, generated from prompts, taken through the VAE.

Pictures are uint8 arrays (N, height, width, 3) where nothing else is said, of LARGE pixels unless another size was
asked for. What was learnt or is measured on SIDE pixels sees them halved (`small`).
"""

import copy
from math import ceil

import numpy as np
import torch
from PIL import Image

from sdkit import generator
from training.judge import round_trip
from training.loop import cores, threads_for, workers
from training.scenes import render
from training.world import LARGE, SIDE

STEPS, GUIDANCE = 20, 7.5  # of each picture, where nothing else is said
BATCH_SIZE = 16  # pictures per call of the pipeline, in each thread


def as_tensor(pictures) -> torch.Tensor:
    """Return pictures as floats (N, 3, height, width) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_bytes(pictures) -> np.ndarray:
    """Return float pictures in -1..1 as uint8, in the shape they have."""
    return (np.asarray(pictures) * 127.5 + 127.5).round().clip(0, 255).astype(np.uint8)


def as_images(pictures) -> list[Image.Image]:
    """Return pictures as PIL images."""
    return [Image.fromarray(picture) for picture in pictures]


def drawings_of(scenes, rng) -> np.ndarray:
    """Return the drawing of each scene, its colours and place varied a little by `rng`: (N, LARGE, LARGE, 3)."""
    return as_bytes(np.stack([render(scene, rng, LARGE) for scene in scenes]))


def small(pictures) -> np.ndarray:
    """Return square pictures averaged to SIDE pixels: (N, SIDE, SIDE, 3), uint8."""
    factor = pictures.shape[1] // SIDE
    parts = pictures.reshape(len(pictures), SIDE, factor, SIDE, factor, 3)
    return parts.mean((2, 4)).round().astype(np.uint8)


def through_vae(vae, pictures) -> np.ndarray:
    """Return pictures encoded and decoded."""
    return as_bytes(round_trip(vae, as_tensor(pictures)).permute(0, 2, 3, 1))


def generate(pipe, prompts: list[str], seeds, **arguments) -> np.ndarray:
    """Return a picture per prompt and seed; arguments may hold lists or tensors, with an entry for each.

    Several pictures are shared out to threads: the layers are too small to keep two cores busy together.
    """
    arguments = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE} | arguments
    threads = min(len(prompts), threads_for("cpu"))
    calls = threads * ceil(len(prompts) / (threads * BATCH_SIZE))
    size = ceil(len(prompts) / calls)  # about the same in each call, so that no thread waits long

    def make(start):
        part = slice(start, start + size)
        own_arguments = {
            name: value[part] if isinstance(value, (list, torch.Tensor)) else value for name, value in arguments.items()
        }
        own_pipe = copy.copy(pipe)  # what counts steps or switches padding on and off cannot serve two calls at once
        own_pipe.scheduler, own_pipe.tokenizer = copy.deepcopy(pipe.scheduler), copy.deepcopy(pipe.tokenizer)
        generators = [generator(seed) for seed in seeds[part]]
        return own_pipe(prompts[part], generator=generators, output_type="np", **own_arguments).images

    starts = range(0, len(prompts), size)
    if threads == 1:
        made = [make(start) for start in starts]
    else:
        with cores(max(1, torch.get_num_threads() // threads)), workers(threads) as pool:
            made = list(pool.map(make, starts))
    return (np.concatenate(made) * 255).round().astype(np.uint8)
