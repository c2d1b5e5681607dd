"""Measure peak memory: `python -m benchmarks.memory`; `--model FOLDER --side 512 --steps 2` for a large one.

Each row is a process of its own, for a process never gives its peak back. On a CPU the peak is what the
system counts as resident (weights mapped from a file among it), on a card what torch allocated.
"""

import json
import resource
import subprocess
import sys

from benchmarks.record import options, report, seconds_of

WAYS = {  # dtype, attention slicing, VAE tiling
    "float32": ("float32", False, False),
    "float32, attention slicing": ("float32", True, False),
    "float32, VAE tiling": ("float32", False, True),
    "bfloat16": ("bfloat16", False, False),
}


def peak(
    model: str, dtype: str, slicing: bool, tiling: bool, side: int, steps: int, device: str
) -> tuple[float, float, float]:
    """Load a model, make one picture, and return gigabytes after loading and at the peak, and the picture's seconds.

    A `side` of 0 pixels means the model's usual one, no `device` the default.
    """
    import torch

    from sdkit import generator, load_pipeline

    pipe = load_pipeline(model, dtype=getattr(torch, dtype), device=device or None)
    if slicing:
        pipe.enable_attention_slicing()
    if tiling:
        pipe.vae.enable_tiling()
    loaded = _peak_so_far(pipe.device)
    call = {"height": side, "width": side} if side else {}
    seconds = seconds_of(lambda: pipe("a cat", num_inference_steps=steps, generator=generator(0), **call))
    return loaded, _peak_so_far(pipe.device), seconds


def _peak_so_far(device):
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * (1 if sys.platform == "darwin" else 1024) / 1e9


def measured(*arguments) -> list[float]:
    """Return what `peak` finds in a process of its own."""
    program = "import json, sys; from benchmarks.memory import peak; print(json.dumps(peak(*json.loads(sys.argv[1]))))"
    made = subprocess.run([sys.executable, "-c", program, json.dumps(arguments)], check=True, capture_output=True,
                          text=True)  # fmt: skip
    return json.loads(made.stdout.splitlines()[-1])


def main(given: list[str] | None = None) -> None:
    """Measure each way in a process of its own and print the table."""
    arguments = options("memory", __doc__, given, model="built-in", side=0, steps=25, device="")
    rows = []
    for name, way in WAYS.items():
        found = measured(arguments.model, *way, arguments.side, arguments.steps, arguments.device)
        rows.append([name, *(round(value, 2) for value in found)])
    report(arguments, ["one picture in", "GB after loading", "GB at the peak", "seconds"], rows,
           arguments.device or "cpu", pictures=1, steps=arguments.steps, pixels=arguments.side or "usual")  # fmt: skip


if __name__ == "__main__":
    main()
