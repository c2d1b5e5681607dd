"""Measure what sweeps and the strict call cost, as ratios: `python -m benchmarks.sweep`.

Times depend on the machine and on what else runs; the ratios of one run much less. Takes about a
minute on two processor cores.
"""

import tempfile
import time
from collections.abc import Callable
from statistics import median

import torch

from benchmarks.record import options, report, seconds_of
from sdkit import generate, generator, load_pipeline, sweep

PROMPTS = ["a cat", "a dog on a blue background", "an apple, flat style", "a rocket on a yellow background"]
SEEDS = range(6)
CALL = {"num_inference_steps": 25, "guidance_scale": 7.5}


def loop(pipe) -> None:
    """Make the sweep's pictures as one would without it."""
    for prompt in PROMPTS:
        for seed in SEEDS:
            pipe(prompt, generator=generator(seed), **CALL)


class Clock:
    """The calls of a module's method from now on, and the seconds that they take."""

    def __init__(self, module: torch.nn.Module, name: str):
        self.seconds, self.calls, self._method = 0.0, 0, getattr(module, name)
        setattr(module, name, self._timed)

    def _timed(self, *args, **kwargs):
        began = time.perf_counter()
        try:
            return self._method(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - began
            self.calls += 1


def shares(run: Callable) -> str:
    """Return where the seconds of a run go, in words; with a pipeline of its own, for it is changed."""
    pipe = load_pipeline()
    clocks = {
        "UNet": Clock(pipe.unet, "forward"),
        "VAE": Clock(pipe.vae, "decode"),
        "text encoder": Clock(pipe.text_encoder, "forward"),
    }
    total = seconds_of(lambda: run(pipe))
    parts = [f"{name} {clock.seconds / total:.0%} ({clock.calls} calls)" for name, clock in clocks.items()]
    return ", ".join([*parts, f"rest {1 - sum(clock.seconds for clock in clocks.values()) / total:.0%}"])


def main(given: list[str] | None = None) -> None:
    """Time each way in turns, and report the medians as ratios to the loop."""
    arguments = options("sweep", __doc__, given, rounds=3)
    pipe = load_pipeline()
    axes = {"seed": SEEDS, **CALL}
    ways = {
        "plain loop of `pipe()` calls": lambda: loop(pipe),
        "`sweep`": lambda: sweep(pipe, PROMPTS, **axes),
        "`sweep` with `batch_size=1`": lambda: sweep(pipe, PROMPTS, batch_size=1, **axes),
    }
    pipe(PROMPTS[0], generator=generator(0), **CALL)  # the first call of a process is slower
    taken = {name: [] for name in ways}
    for _ in range(arguments.rounds):  # in turns, so that a busy moment does not favour one
        for name, way in ways.items():
            taken[name].append(seconds_of(way))
    seconds = {name: median(values) for name, values in taken.items()}
    with tempfile.TemporaryDirectory() as folder:
        seconds["`sweep` into a folder"] = seconds_of(lambda: sweep(pipe, PROMPTS, folder=folder, **axes))
        again = [seconds_of(lambda: sweep(pipe, PROMPTS, folder=folder, **axes)) for _ in range(5)]
        seconds["the finished sweep again"] = median(again)
    plain = next(iter(seconds.values()))
    rows = [[name, round(value, 2), round(plain / value, 2)] for name, value in seconds.items()]

    def overhead():
        made = []
        total = seconds_of(lambda: made.extend(generate(pipe, PROMPTS[1], seed=1, **CALL)))
        return total / made[0].seconds - 1  # its seconds are those of the bare call inside

    more = (
        f"The strict call takes {median(overhead() for _ in range(15)):.2%} more than the bare call in it. Where the "
        f"time goes, of the loop: {shares(loop)}; of `sweep`: {shares(lambda pipe: sweep(pipe, PROMPTS, **axes))}."
    )
    report(arguments, ["24 pictures", "seconds", "times as fast as the loop"], rows, more=more, **CALL)


if __name__ == "__main__":
    main()
