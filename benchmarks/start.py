"""Measure imports and the way from a fresh process to the first picture: `python -m benchmarks.start`.

Every row is a process of its own, all of them in turns, so that a busy moment does not favour one. The
others are compared with the first row, to import torch and the pipeline's class alone. Python's start counts.
"""

import subprocess
import sys
from statistics import median

from benchmarks.record import options, report, seconds_of

BARE = "import torch; from diffusers import StableDiffusionPipeline"
CALL = 'pipe("a cat on a blue background", num_inference_steps=25).images[0]'
PROGRAMS = {
    "import torch and StableDiffusionPipeline": BARE,
    "import sdkit": "import sdkit",
    "import every name of sdkit": "from sdkit import *",
    "plain diffusers to the first picture": (
        f"{BARE}; from sdkit import model_path; pipe = StableDiffusionPipeline.from_pretrained(model_path()); {CALL}"
    ),
    "load_pipeline to the first picture": f"from sdkit import load_pipeline; pipe = load_pipeline(); {CALL}",
}


def run(program: str) -> None:
    """Run a program in a fresh Python."""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def main(given: list[str] | None = None) -> None:
    """Time each program, all of them in turns, and report the medians."""
    arguments = options("start", __doc__, given, times=7)
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(1 + arguments.times):
        for name, program in PROGRAMS.items():
            taken[name].append(seconds_of(lambda program=program: run(program)))
    medians = {name: median(values[1:]) for name, values in taken.items()}  # the first reads the files from the disk
    bare = next(iter(medians.values()))
    rows = [[name, round(value, 2), round(value / bare, 2)] for name, value in medians.items()]
    report(arguments, ["fresh process", "seconds", "ratio"], rows, runs=arguments.times, shown="medians")


if __name__ == "__main__":
    main()
