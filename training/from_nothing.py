"""Lesson 29's training for its whole length, with the lesson's own cells, and what it comes to.

Run `python -m training.from_nothing`; it resumes. It prints how many of the 40 held-out prompts come out right at some
steps on the way and at the end. `--write` puts the weights, the losses and a film of the training where the lesson
finds them, `sdkit/examples/four_shapes.safetensors`, with pictures by a shorter training that dropped no captions.
"""

import argparse
import ast
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import sdkit as sd
from sdkit.inside import shapes
from sdkit.inside.tensor_file import read_tensors, write_tensors
from tools.lesson import LESSONS, Lesson
from tools.markdown import markdown_table

LESSON = LESSONS / "29_train_it_yourself.ipynb"
FOLDER = Path(".cache/from_nothing")
EXAMPLE = Path("sdkit/examples/four_shapes.safetensors")
DROP = 0.1  # share of captions replaced by "", as in the lesson
STAGES = (0, 120, 250, 500, 750, 1000, 1500)
COMPARED = 500  # steps of the two trainings, with captions dropped and without, of which the lesson shows pictures
FILMED = (1, 33)  # numbers of the held-out prompts that the film shows
GUIDANCE = (1, 3, 7.5)


def trainer(cells: Callable[[str], str] = lambda source: source) -> dict[str, Any]:
    """Run the lesson's cells up to the function that trains, and return the names they define.

    `cells` may change the source of a cell before it is run.
    """
    lesson = Lesson.read(LESSON)
    space: dict[str, Any] = {"__name__": "lesson"}
    for name in ("setup", "network", "data", "encode", "loss", "train"):
        exec(compile(cells(lesson.cell(name).source), f"the cell {name}", "exec"), space)
    functions = [node for node in ast.parse(lesson.cell("watch").source).body if isinstance(node, ast.FunctionDef)]
    exec(compile(ast.Module(functions, []), "the cell watch", "exec"), space)  # its loop is the short training
    return space


def counted(space: dict[str, Any], unet, guidance_scale: float = 3) -> dict[str, int]:
    """Return how many of the held-out prompts have the right background, colour and shape."""
    return shapes.count_right(
        space["sample"](unet, space["held_out"], guidance_scale=guidance_scale), space["held_out"]
    )


def frames(space: dict[str, Any], unet) -> dict[str, torch.Tensor]:
    """Return latents of what a UNet draws: of the held-out prompts, and of the empty one three times."""
    prompted = space["sample"](unet, space["held_out"], output_type="latent")
    made = {"generator": sd.generator(1), "num_inference_steps": 12, "guidance_scale": 1, "output_type": "latent"}
    return {"prompted": prompted, "empty": space["pipe"]([""] * 3, **made).images}


def run(space: dict[str, Any], drop: float, stages: Sequence[int] = STAGES) -> dict[str, Any]:
    """Train, or go on, to the last stage; return the average UNet, the losses and the frames of each stage."""
    file, filmed = FOLDER / f"drop_{drop}.safetensors", FOLDER / f"film_{drop}.safetensors"
    film = read_tensors(filmed) if filmed.exists() else {}
    began = time.process_time()
    unet, losses = space["train"](file, 0, drop)
    for stage in stages:
        unet, losses = space["train"](file, stage, drop)
        if len(losses) == stage and str(stage) not in film:
            film[str(stage)] = frames(space, unet)
            write_tensors(filmed, film)
            print(f"step {stage}, {time.process_time() - began:.0f} s of work:", counted(space, unet), flush=True)
    return {"unet": unet, "losses": losses, "film": film}


def write_example(whole: dict[str, Any], undropped: dict[str, Any]) -> None:
    """Write what the lesson loads, all as float16: weights, losses, film, and pictures of the empty prompt."""
    filmed = torch.stack([whole["film"][str(stage)]["prompted"][list(FILMED)] for stage in STAGES], 1)
    empty = [found["film"][str(COMPARED)]["empty"] for found in (whole, undropped)]
    write_tensors(
        EXAMPLE,
        {
            "unet": {name: value.half() for name, value in whole["unet"].state_dict().items()},
            "losses": torch.tensor(whole["losses"]).half(),
            "steps": torch.tensor(STAGES),
            "film": filmed.half(),
            "empty": torch.stack(empty).half(),
        },
    )


def main() -> None:
    """Train as the arguments say, print the figures, and write the lesson's file if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {EXAMPLE}")
    arguments = parser.parse_args()
    space = trainer()
    whole = run(space, DROP)
    rows = [(scale, *counted(space, whole["unet"], scale).values()) for scale in GUIDANCE]
    print(markdown_table(("guidance", "background", "colour", "shape"), rows))
    if arguments.write:
        write_example(whole, run(space, 0.0, [COMPARED]))


if __name__ == "__main__":
    main()
