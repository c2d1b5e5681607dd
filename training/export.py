"""Assembles the folder the package ships, sdkit/model/, from the trained parts.

Run `python -m training.export --from slow` after training.denoiser and training.judge. The folder
is a plain diffusers one: `StableDiffusionPipeline.from_pretrained("sdkit/model")` loads it.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from training.denoiser import SCHEDULE
from training.loop import CHECKPOINTS

MODEL = Path("sdkit/model")
KEPT = ("README.md", "contact_sheet.png")  # files of the model folder that are not made here


def assemble(average):
    """Return the trained parts as a float16 StableDiffusionPipeline with SD's default scheduler."""
    from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    parts = {name: CHECKPOINTS / folder for name, folder in (
        ("vae", "vae_normalised"), ("tokenizer", "tokenizer"),
        ("text_encoder", f"{average}/text_encoder"), ("unet", f"{average}/unet"),
    )}  # fmt: skip
    missing = [str(folder) for folder in parts.values() if not folder.exists()]
    if missing:
        raise FileNotFoundError(
            f"Not trained yet: {', '.join(missing)}. Run training.vae, training.text and training.denoiser first."
        )
    schedule = {name: value for name, value in SCHEDULE.items() if name != "clip_sample"}
    half = {"dtype": torch.float16, "low_cpu_mem_usage": False}
    return StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(parts["vae"], **half),
        text_encoder=CLIPTextModel.from_pretrained(parts["text_encoder"], dtype=torch.float16),
        tokenizer=CLIPTokenizer.from_pretrained(parts["tokenizer"]),
        unet=UNet2DConditionModel.from_pretrained(parts["unet"], **half),
        scheduler=PNDMScheduler(**schedule, skip_prk_steps=True),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def rewrite(file, **changes):
    """Change entries of a JSON configuration."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("_name_or_path", None)
    file.write_text(json.dumps(settings | changes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def finish(folder):
    """Make the saved configurations those of a published model."""
    # PNDM has no such setting, but DDIM reads it when it takes this configuration over, and clips without it.
    rewrite(folder / "scheduler" / "scheduler_config.json", clip_sample=False)
    # transformers 5 loads in the type named here; float16 beside diffusers' float32 would not run on a CPU.
    rewrite(folder / "text_encoder" / "config.json", dtype="float32")
    for name in ("model_index.json", "unet/config.json", "vae/config.json"):
        rewrite(folder / name)
    for file in folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors makes files that only their owner can read


def main(arguments):
    """Write the model to a folder beside its place, then let it take that place."""
    target = Path(arguments.model)
    new, old = (target.with_name(f".{target.name}.{name}.{os.getpid()}") for name in ("new", "old"))
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        assemble(getattr(arguments, "from")).save_pretrained(new, safe_serialization=True)
        for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):  # transformers 5 saves tokenizer.json alone
            shutil.copy(CHECKPOINTS / "tokenizer" / name, new / "tokenizer" / name)
        judges = sorted((CHECKPOINTS / "judge").glob("judge*.safetensors"))
        if not judges:
            raise FileNotFoundError(f"There is no judge in {CHECKPOINTS / 'judge'}. Run training.judge first.")
        (new / "judge").mkdir()
        for weights in judges:
            shutil.copy(weights, new / "judge")
            shutil.copy(weights.with_suffix(".json"), new / "judge")
        for name in KEPT:
            if (target / name).exists():
                shutil.copy(target / name, new)
        finish(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    total = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {total / 1e6:.1f} MB, from the {getattr(arguments, 'from')} averages, {len(judges)} judge(s)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", choices=("fast", "slow"), default="slow", help="the averages to ship")
    parser.add_argument("--model", default=MODEL, help="folder to write")
    main(parser.parse_args())
