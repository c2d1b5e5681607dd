"""Measure the article's program for a hundred pictures against shorter ways: `python -m benchmarks.hundred`.

As printed it does not run (lesson 24 says why). What is measured is its nearest form that does: one
call per seed, attention slicing on, autocast on, each picture saved. `--model` takes a folder, such
as one written by tools/checkpoints.py; a large model on a CPU wants few `--pictures` and `--steps`.
"""

import tempfile
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch

from benchmarks.record import options, report, seconds_of
from sdkit import load_pipeline, sweep

PROMPT, FIRST_SEED = "cute cats", 1


def loop(pipe, folder: Path, pictures: int, call: dict, autocast: torch.dtype | None) -> None:
    """Make pictures one by one, as the article does, and save each."""
    device = pipe.device.type
    for number in range(pictures):
        with torch.autocast(device, autocast) if autocast else nullcontext():
            generator = torch.Generator(device=device).manual_seed(FIRST_SEED + number)
            image = pipe(PROMPT, generator=generator, **call).images[0]
        image.save(folder / f"image_{FIRST_SEED + number}.png")


def ways(pipe, pictures: int, call: dict) -> dict[str, tuple[bool, Callable[[Path], None]]]:
    """Return {name: (attention slicing, function of a folder)} of all ways to make the pictures."""
    half = torch.bfloat16 if pipe.device.type == "cpu" else torch.float16

    def plain(folder):
        loop(pipe, folder, pictures, call, None)

    def with_autocast(folder):
        loop(pipe, folder, pictures, call, half)

    def by_sweep(folder):
        seeds = range(FIRST_SEED, FIRST_SEED + pictures)
        sweep(pipe, PROMPT, seed=seeds, folder=folder, max_seconds=float("inf"), **call)

    return {
        "the article's: one by one, slicing and autocast": (True, with_autocast),
        "one by one, slicing": (True, plain),
        "one by one, autocast": (False, with_autocast),
        "one by one": (False, plain),
        "`sweep` into a folder": (False, by_sweep),
    }


def main(given: list[str] | None = None) -> None:
    """Time each way, and report the seconds of all."""
    arguments = options("hundred", __doc__, given, model="built-in", pictures=100, steps=50, side=0, device="")
    pipe = load_pipeline(arguments.model, device=arguments.device or None)
    side = {"height": arguments.side, "width": arguments.side} if arguments.side else {}
    call = {"num_inference_steps": arguments.steps, "guidance_scale": 7.5, **side}
    pipe(PROMPT, **{**call, "num_inference_steps": 1})  # the first call of a process is slower
    taken = {}
    for name, (slicing, make) in ways(pipe, arguments.pictures, call).items():
        (pipe.enable_attention_slicing if slicing else pipe.disable_attention_slicing)()
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            taken[name] = seconds_of(lambda make=make, folder=folder: make(Path(folder)))
            assert len(list(Path(folder).glob("*.png"))) == arguments.pictures
    article = next(iter(taken.values()))
    rows = [[name, round(value, 1), round(article / value, 2)] for name, value in taken.items()]
    held = {
        "pictures": arguments.pictures,
        "steps": arguments.steps,
        "pixels": arguments.side or "usual",
        "on": pipe.device.type,
        "dtype": str(pipe.unet.dtype).removeprefix("torch."),
    }
    report(arguments, ["way", "seconds", "times as fast as the article's"], rows, pipe.device, **held)


if __name__ == "__main__":
    main()
