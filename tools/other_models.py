"""Run the core of each lesson with other models: what a lesson says of the arguments holds for them, too.

    python -m tools.other_models            all English lessons, with each model
    python -m tools.other_models FILE ...   these notebooks

The models have the parts of Stable Diffusion v1, a VAE of factor 8 among them, but few layers and random weights: one
with v1's own scheduler, and one whose scheduler file asks for DPM-Solver++ with Karras sigmas. `load_pipeline()` finds
them by SDKIT_MODEL. The code cells before `deeper` run in order, in this process and without IPython, and what a cell
ends with is shown as a notebook would show it. A cell whose metadata says `"lesson": {"built_in": true}` is left out.
"""

import argparse
import ast
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from nbformat import NotebookNode

from sdkit import model_path
from tools.aside import aside
from tools.lesson import DEEPER, LESSONS, Lesson, is_prose, says, tags

MODELS = ("random", "dpm-karras")
UNET = {
    "sample_size": 8, "block_out_channels": (16, 32), "layers_per_block": 1, "norm_num_groups": 16,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "cross_attention_dim": 32, "attention_head_dim": 4,
}  # fmt: skip
VAE = {
    "sample_size": 64, "latent_channels": 4, "block_out_channels": (16,) * 4, "norm_num_groups": 16,
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3}
SCHEDULE = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
    "steps_offset": 1,
}  # fmt: skip
BUNDLE = "_repr_mimebundle_"
REPRESENTATIONS = (BUNDLE, "_repr_html_", "_repr_png_")
RAISES = "raises-exception"


@dataclass(frozen=True)
class Failure:
    """The cell of a lesson that failed, and what it raised."""

    cell: str
    error: Exception

    def __str__(self):
        return f"{self.cell}: {type(self.error).__name__}: {self.error}"


def write_models(folder: Path) -> dict[str, Path]:
    """Write the models, a megabyte or two each, and return {name: folder}."""
    import torch
    from diffusers import (
        AutoencoderKL,
        DPMSolverMultistepScheduler,
        PNDMScheduler,
        StableDiffusionPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(model_path() / "tokenizer")
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    schedulers = {
        "random": PNDMScheduler(**SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False),
        "dpm-karras": DPMSolverMultistepScheduler(**SCHEDULE, use_karras_sigmas=True),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text = CLIPTextModel(
            CLIPTextConfig(vocab_size=len(tokenizer), pad_token_id=ends["eos_token_id"], **TEXT, **ends)
        )
        parts = {"unet": UNet2DConditionModel(**UNET), "vae": AutoencoderKL(**VAE), "text_encoder": text}
    others = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    for name, scheduler in schedulers.items():
        pipe = StableDiffusionPipeline(**parts, tokenizer=tokenizer, scheduler=scheduler, **others)
        pipe.save_pretrained(folder / name)
    return {name: folder / name for name in schedulers}


def run_core(lesson: Lesson, model: Path) -> Failure | None:
    """Run the code cells of a lesson's core with a model, and return the first failure, or None.

    Raises ValueError for a lesson without a cell `deeper`, where its core would end.
    """
    if lesson.place(DEEPER) is None:
        raise ValueError(f"{lesson.path.name} has no cell {DEEPER}")
    space = {"__name__": "lesson", "display": show}
    with mock.patch.dict(os.environ, SDKIT_MODEL=str(model)), aside():
        for cell in lesson.core:
            if is_prose(cell) or says(cell).get("built_in"):
                continue
            try:
                run_cell(cell, space)
            except Exception as error:  # whatever it is, it is told with the cell's name
                if RAISES not in tags(cell):
                    return Failure(cell.id, error)
    return None


def run_cell(cell: NotebookNode, space: dict) -> None:
    """Run a cell in a namespace, without the lines that are IPython's own, and show its last expression."""
    source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"the cell {cell.id}", "exec"), space)
    if last is not None:
        show(eval(compile(ast.Expression(last.value), f"the cell {cell.id}", "eval"), space))


def show(*values: object) -> None:
    """Ask values for their text and for what else a notebook would show of them: the bundle of all, or each kind."""
    for value in values:
        repr(value)
        known = [name for name in REPRESENTATIONS if not isinstance(value, type) and hasattr(value, name)]
        for name in known[:1] if BUNDLE in known else known:
            getattr(value, name)()


def main(arguments: list[str] | None = None) -> int:
    """Print for each model and lesson how long its core took, or the cell that failed; return 1 if one did."""
    parser = argparse.ArgumentParser(prog="python -m tools.other_models", description="Run cores with other models.")
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all English lessons if none is given")
    paths = parser.parse_args(arguments).files or sorted(LESSONS.glob("*.ipynb"))
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, model in write_models(Path(folder)).items():
            for path in paths:
                began = time.perf_counter()
                failure = run_core(Lesson.read(path), model)
                failed = failed or failure is not None
                end = f"FAILS in {failure}" if failure else f"{time.perf_counter() - began:.1f} s"
                print(f"{name}: {path.name}: {end}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
