"""Run lessons against pipelines that ignore an argument: a lesson that still passes proves nothing.

    python -m tools.mutants            every mutant; 1 if one survives
    python -m tools.mutants eta ...    these

A mutant is diffusers' own pipeline whose call puts one argument back to its default (or, for the
generator, takes fresh noise). The lesson's code runs in this process, cell by cell, until an
assert fails; any other error is no proof and is raised.
"""

import argparse
import contextlib
import inspect
import io
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from functools import wraps
from unittest import mock

from tools.form import LESSONS, Lesson


@dataclass(frozen=True)
class Mutant:
    """The lesson that must fail, the pipeline that is changed, and the change of the call's arguments."""

    lesson: str
    pipeline: str
    change: object


def _put(name, value):
    """Return a change that sets an argument, where it was given, to a value."""

    def change(pipe, given):
        if given.get(name) is not None:
            given[name] = value

    return change


def _no_words(pipe, given):
    prompt = given.get("prompt")
    if prompt is not None:
        given["prompt"] = "" if isinstance(prompt, str) else [""] * len(prompt)


def _usual_side(name):
    def change(pipe, given):
        if given.get(name) is not None:
            given[name] = pipe.unet.config.sample_size * pipe.vae_scale_factor

    return change


def _fresh_noise(pipe, given):
    import torch

    generator = torch.Generator("cpu")
    generator.seed()
    given["generator"] = generator


def _white(pipe, given):
    from PIL import Image

    mask = given["mask_image"]
    several = isinstance(mask, list)
    white = [Image.new("L", getattr(one, "size", (64, 64)), 255) for one in (mask if several else [mask])]
    given["mask_image"] = white if several else white[0]


TEXT, IMAGE, INPAINT = "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
MUTANTS = {
    "prompt": Mutant("prompt", TEXT, _no_words),
    "height": Mutant("height_and_width", TEXT, _usual_side("height")),
    "width": Mutant("height_and_width", TEXT, _usual_side("width")),
    "num_inference_steps": Mutant("num_inference_steps", TEXT, _put("num_inference_steps", 50)),
    "guidance_scale": Mutant("guidance_scale", TEXT, _put("guidance_scale", 7.5)),
    "negative_prompt": Mutant("negative_prompt", TEXT, _put("negative_prompt", None)),
    "num_images_per_prompt": Mutant("num_images_per_prompt", TEXT, _put("num_images_per_prompt", 1)),
    "eta": Mutant("eta", TEXT, _put("eta", 0.0)),
    "generator": Mutant("generator", TEXT, _fresh_noise),
    "latents": Mutant("latents", TEXT, _put("latents", None)),
    "strength": Mutant("image_to_image", IMAGE, _put("strength", 0.8)),
    "mask_image": Mutant("inpaint", INPAINT, _white),
}


def mutated(call, change):
    """Return a pipeline's call that changes its arguments first; its signature stays."""

    @wraps(call)
    def ignoring(self, *args, **kwargs):
        bound = inspect.signature(call).bind(self, *args, **kwargs)
        change(self, bound.arguments)
        return call(*bound.args, **bound.kwargs)

    return ignoring


def lesson_of(mutant):
    """Return the path of a mutant's lesson."""
    return next(LESSONS.glob(f"??_{mutant.lesson}.ipynb"))


def killed_by(name):
    """Run a mutant's lesson and return the id of the cell whose assert fails, or None if it survives."""
    import diffusers

    mutant = MUTANTS[name]
    pipeline, space, before = getattr(diffusers, mutant.pipeline), {"__name__": "lesson"}, os.getcwd()
    patch = mock.patch.object(pipeline, "__call__", mutated(pipeline.__call__, mutant.change))
    # Lessons write into their folder; the mutant's pictures must not lie beside the real ones.
    with (
        tempfile.TemporaryDirectory() as folder, patch, warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            for cell in Lesson.read(lesson_of(mutant)).code:
                try:
                    exec(compile(cell.source, f"{mutant.lesson}: {cell.id}", "exec"), space)
                except AssertionError:
                    return cell.id
        finally:
            os.chdir(before)
    return None


def main(given=None):
    """Print for each mutant the cell that kills it."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description="Run lessons against mutants.")
    parser.add_argument("names", nargs="*", choices=[*MUTANTS, []], help="arguments to ignore; all if none is given")
    survivors = 0
    for name in parser.parse_args(given).names or MUTANTS:
        began = time.perf_counter()
        cell = killed_by(name)
        survivors += cell is None
        said = "SURVIVES" if cell is None else f"is killed by {cell}"
        print(f"{name} ignored: {said} ({time.perf_counter() - began:.0f} s)", flush=True)
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
