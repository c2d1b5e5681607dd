"""Measure what sweeps and the strict call cost, as ratios: `python -m benchmarks.sweep`.

Times depend on the machine and on what else runs; the ratios of one run much less. Takes about a
minute on two processor cores.
"""

import tempfile
import time
from statistics import median

import torch

from sdkit import generate, generator, load_pipeline, sweep

PROMPTS = ["a cat", "a dog on a blue background", "an apple, flat style", "a rocket on a yellow background"]
SEEDS = range(6)
CALL = {"num_inference_steps": 25, "guidance_scale": 5.0}


def timed(function):
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def loop(pipe):
    """Make the sweep's pictures as one would without it."""
    for prompt in PROMPTS:
        for seed in SEEDS:
            pipe(prompt, generator=generator(seed), **CALL)


class Clock:
    """Seconds spent inside a module while it is watched."""

    def __init__(self, module, name):
        self.seconds, self.calls, self._method = 0.0, 0, getattr(module, name)
        setattr(module, name, self._watched)

    def _watched(self, *args, **kwargs):
        began = time.perf_counter()
        try:
            return self._method(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - began
            self.calls += 1


def shares(run):
    """Return where the seconds of a run go, in words; with a pipeline of its own, for it is changed."""
    pipe = load_pipeline()
    clocks = {
        "UNet": Clock(pipe.unet, "forward"),
        "VAE": Clock(pipe.vae, "decode"),
        "text encoder": Clock(pipe.text_encoder, "forward"),
    }
    total = timed(lambda: run(pipe))
    parts = [f"{name} {clock.seconds / total:.0%} ({clock.calls} calls)" for name, clock in clocks.items()]
    return ", ".join([*parts, f"rest {1 - sum(clock.seconds for clock in clocks.values()) / total:.0%}"])


def main():
    pipe = load_pipeline()
    axes = {"seed": SEEDS, **CALL}
    pipe(PROMPTS[0], generator=generator(0), **CALL)  # the first call of a process is slower
    print(f"24 pictures, {torch.get_num_threads()} threads, {CALL}")

    plain, batched, single = [], [], []
    for _ in range(3):  # in turns, so that a busy moment does not favour one
        plain.append(timed(lambda: loop(pipe)))
        batched.append(timed(lambda: sweep(pipe, PROMPTS, **axes)))
        single.append(timed(lambda: sweep(pipe, PROMPTS, batch_size=1, **axes)))
    print(f"plain loop of pipe() calls       {median(plain):6.1f} s")
    print(f"sweep                            {median(plain) / median(batched):6.2f} times as fast")
    print(f"sweep with batch_size=1          {median(plain) / median(single):6.2f} times as fast")

    with tempfile.TemporaryDirectory() as folder:
        first = timed(lambda: sweep(pipe, PROMPTS, folder=folder, **axes))
        again = median(timed(lambda: sweep(pipe, PROMPTS, folder=folder, **axes)) for _ in range(5))
    print(f"sweep into a folder              {median(plain) / first:6.2f} times as fast")
    print(f"the finished sweep again         {median(plain) / again:6.0f} times as fast as the loop")

    def overhead():
        began = time.perf_counter()
        (shot,) = generate(pipe, PROMPTS[1], seed=1, **CALL)  # its seconds are those of the bare call inside
        return (time.perf_counter() - began) / shot.seconds - 1

    print(f"strict call over the bare call   {median(overhead() for _ in range(15)):6.2%} more")
    print(f"loop:  {shares(loop)}")
    print(f"sweep: {shares(lambda pipe: sweep(pipe, PROMPTS, **axes))}")


if __name__ == "__main__":
    main()
