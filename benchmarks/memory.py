"""Measure peak memory: `python -m benchmarks.memory`; `--model FOLDER --side 512 --steps 2` for a large one.

Each row is a process of its own, for a process never gives its peak back. On a CPU the peak is what the
system counts as resident (weights mapped from a file among it), on a card what torch allocated.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import options, report, result_of

WAYS = {  # dtype, attention slicing, VAE tiling and slicing
    "float32": ("float32", False, False),
    "float32, attention slicing": ("float32", True, False),
    "float32, VAE tiling": ("float32", False, True),
    "bfloat16": ("bfloat16", False, False),
}


def peak(model, dtype, slicing, tiling, side, steps, device):
    """Load a model, make one picture, and return gigabytes after loading and at the peak, and its seconds."""
    import torch

    from sdkit import load_pipeline

    pipe = load_pipeline(model, dtype=getattr(torch, dtype), **({"device": device} if device else {}))
    if slicing:
        pipe.enable_attention_slicing()
    if tiling:
        pipe.vae.enable_tiling()
    loaded = _peak(torch, pipe.device)
    call = {"height": side, "width": side} if side else {}
    began = time.perf_counter()
    pipe("a cat", num_inference_steps=steps, generator=torch.Generator().manual_seed(0), **call)
    return loaded, _peak(torch, pipe.device), time.perf_counter() - began


def _peak(torch, device):
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * (1 if sys.platform == "darwin" else 1024) / 1e9


def measured(*arguments):
    """Return what `peak` finds in a process of its own."""
    program = "import json, sys; from benchmarks.memory import peak; print(json.dumps(peak(*json.loads(sys.argv[1]))))"
    made = subprocess.run([sys.executable, "-c", program, json.dumps(arguments)], check=True, capture_output=True,
                          text=True)  # fmt: skip
    return json.loads(made.stdout.splitlines()[-1])


def main(arguments):
    rows = []
    for name, (dtype, slicing, tiling) in WAYS.items():
        found = measured(arguments.model, dtype, slicing, tiling, arguments.side, arguments.steps, arguments.device)
        rows.append([name, *(round(value, 2) for value in found)])
        print(rows[-1], flush=True)
    own = arguments.model == "built-in"
    settings = {"pictures": 1, "steps": arguments.steps, "pixels": arguments.side or "usual"}
    command = "python -m benchmarks.memory" + (
        "" if own else f" --model {Path(arguments.model).name} --side {arguments.side} --steps {arguments.steps}"
    )
    report(result_of("memory" if own else f"memory-{Path(arguments.model).name}", command,
                ["one picture in", "GB after loading", "GB at the peak", "seconds"], rows,
                device=arguments.device or "cpu", **settings), arguments.write)  # fmt: skip


if __name__ == "__main__":
    main(options(__doc__, model="built-in", side=0, steps=25, device=""))
