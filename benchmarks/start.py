"""Measure imports and the way from a fresh process to the first picture: `python -m benchmarks.start`.

Every row is a process of its own, all of them in turns, so that a busy moment does not favour one. The
first row is the measure: to import torch and the pipeline's class alone. Interpreter start counts.
"""

import subprocess
import sys
import time
from statistics import median

from benchmarks.record import options, report, result_of

BARE = "import torch; from diffusers import StableDiffusionPipeline"
CALL = 'pipe("a cat on a blue background", num_inference_steps=25).images[0]'
STEPS = {
    "import torch and StableDiffusionPipeline": BARE,
    "import sdkit": "import sdkit",
    "import every name of sdkit": "from sdkit import *",
    "plain diffusers to the first picture":
        f"{BARE}; from sdkit import model_path; pipe = StableDiffusionPipeline.from_pretrained(model_path()); {CALL}",
    "load_pipeline to the first picture": f"from sdkit import load_pipeline; pipe = load_pipeline(); {CALL}",
}


def seconds(program):
    """Return the seconds a fresh Python takes for a program."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.perf_counter() - began


def main(arguments):
    taken = {name: [] for name in STEPS}
    for _ in range(1 + arguments.times):
        for name, program in STEPS.items():
            taken[name].append(seconds(program))
    found = {name: median(values[1:]) for name, values in taken.items()}  # the first reads the files from the disk
    bare = found["import torch and StableDiffusionPipeline"]
    rows = [[name, round(value, 2), round(value / bare, 2)] for name, value in found.items()]
    report(result_of("start", "python -m benchmarks.start", ["fresh process", "seconds", "ratio"], rows,
                runs=arguments.times, shown="medians"), arguments.write)  # fmt: skip


if __name__ == "__main__":
    main(options(__doc__, times=7))
