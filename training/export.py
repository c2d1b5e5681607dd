"""Assembles the folder the package ships, sdkit/model/, from the trained parts.

Run `python -m training.export` after training.denoiser, training.vae128, training.guidance and training.judge. The
folder is a plain diffusers one: `StableDiffusionPipeline.from_pretrained("sdkit/model")` loads it.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdkit.files import write_whole
from tools.blocks import replace_block
from tools.markdown import markdown_table
from training.denoiser import SCHEDULE
from training.guidance import FOLDER as DISTILLED
from training.loop import CHECKPOINTS
from training.pictures import generate
from training.prompts import combinations, english
from training.sampler import trained_folder
from training.scenes import article, lexicon
from training.vae128 import FOLDER as VAE
from training.verdicts import Judges
from training.world import BACKGROUNDS, CATEGORIES, LARGE, PLACES, SIDE, SIZES, STYLES, THINGS

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

MODEL = Path("sdkit/model")
CARD_FILES = ("README.md", "contact_sheet.png")  # of the model folder; training.evaluate writes into them


def assemble(average: str, dtype: torch.dtype = torch.float16) -> "StableDiffusionPipeline":
    """Return the trained parts as a StableDiffusionPipeline with a DDIM scheduler.

    `average` is the folder of UNet and text encoder in the checkpoint folder, "fast" or "slow"; "distilled" takes the
    UNet of training.guidance with the text encoder that it was taught with. Raises FileNotFoundError if a part is not
    trained yet.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    taught = average == "distilled"
    source = trained_folder() if taught else CHECKPOINTS / average
    parts = {
        "vae": VAE,
        "tokenizer": CHECKPOINTS / "tokenizer",
        "text_encoder": source / "text_encoder",
        "unet": (DISTILLED if taught else source) / "unet",
    }
    missing = [str(folder) for folder in parts.values() if not folder.exists()]
    if missing:
        raise FileNotFoundError(f"Not trained yet: {', '.join(missing)}. See training/README.md.")
    return StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(parts["vae"], dtype=dtype),
        text_encoder=CLIPTextModel.from_pretrained(parts["text_encoder"], dtype=dtype),
        tokenizer=CLIPTokenizer.from_pretrained(parts["tokenizer"]),
        unet=UNet2DConditionModel.from_pretrained(parts["unet"], dtype=dtype),
        scheduler=DDIMScheduler(**SCHEDULE),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def better_average(prompts: int = 100) -> tuple[str, dict[str, float]]:
    """Return the averages ("fast" or "slow") whose pictures match more held-out prompts, and both shares."""
    judges, shares = Judges(CHECKPOINTS / "judge"), {}
    scenes = combinations(prompts, np.random.default_rng(21))
    for average in ("fast", "slow"):
        pipe = assemble(average, torch.float32)
        pipe.set_progress_bar_config(disable=True)
        pictures = generate(pipe, [english(scene) for scene in scenes], range(prompts))
        shares[average] = float(np.mean([judges.match(pictures, scenes, judge).mean() for judge in judges.names]))
    return max(shares, key=shares.__getitem__), shares


def rewrite(file: Path, **changes) -> None:
    """Change entries of a JSON configuration, and drop the folder that it was loaded from."""
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("_name_or_path", None)
    file.write_text(json.dumps(settings | changes, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def name_as_published(file: Path) -> None:
    """Give a text encoder's tensors the names of published files: the first transformers 5 reads no others."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    named = {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in tensors.items()}
    save_file(named, file, metadata={"format": "pt"})


def finish(folder: Path) -> None:
    """Make the saved files those of a published model."""
    name_as_published(folder / "text_encoder" / "model.safetensors")
    # DDIM has no such setting, but PNDM reads it when it takes this configuration over, as SD v1's own files have it.
    rewrite(folder / "scheduler" / "scheduler_config.json", skip_prk_steps=True)
    # transformers 5 loads in the type named here; float16 beside diffusers' float32 would not run on a CPU.
    rewrite(folder / "text_encoder" / "config.json", dtype="float32")
    for name in ("model_index.json", "unet/config.json", "vae/config.json"):
        rewrite(folder / name)
    for file in folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # safetensors makes files that only their owner can read


def known_words() -> list[str]:
    """Return the words of the captions, without marks and without the signs that only choose an emoji's look."""
    words = dict.fromkeys(word.replace("\N{VARIATION SELECTOR-16}", "") for word in lexicon())
    return [word for word in words if word not in {"", ",", ".", "、", "。"}]


def word_tables() -> str:
    """Return the words the model knows as Markdown tables."""
    objects = [
        (name, ", ".join(thing.english), "、".join(thing.japanese), thing.emoji or "-", thing.category or "-")
        for name, thing in THINGS.items()
    ]
    categories = [(name, ", ".join(english), "、".join(japanese)) for name, (english, japanese) in CATEGORIES.items()]
    styles = [
        (name, ", ".join(english), "、".join(japanese), drawings)
        for name, (drawings, english, japanese) in STYLES.items()
    ]
    backgrounds = [
        (name, ", ".join(map(str, rgb)), f"{article(name)} background", f"{modifier}背景")
        for name, (rgb, modifier) in BACKGROUNDS.items()
    ]
    sizes = [
        (name, f"{side * LARGE // SIDE} px", english, japanese) for name, (side, english, japanese) in SIZES.items()
    ]
    places = [(name, english, japanese) for name, (*_, english, japanese) in PLACES.items()]
    tables = (
        markdown_table(("object", "English", "Japanese", "emoji", "category"), objects),
        markdown_table(("category", "English", "Japanese"), categories),
        markdown_table(("style", "English", "Japanese", "drawings"), styles),
        markdown_table(("background", "RGB", "English", "Japanese"), backgrounds),
        markdown_table(("size", "side of the drawing", "English", "Japanese"), sizes),
        markdown_table(("place", "English", "Japanese"), places),
    )
    return "\n\n".join(tables)


def write_words(card: Path) -> None:
    """Replace the words in the model card, if there is one."""
    if card.exists():
        write_block(card, "words", word_tables())


def write_block(file: Path, name: str, text: str) -> None:
    """Replace what stands between <!-- name --> and <!-- /name --> in a Markdown file."""
    new = replace_block(file.read_text(encoding="utf-8"), name, text)
    write_whole(file, new.encode())


def main(arguments) -> None:
    """Write the model to a folder beside its place, then let it take that place."""
    target, average = Path(arguments.model), getattr(arguments, "from")
    if average == "measured":
        average, shares = better_average()
        print("held-out prompts matched: " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()))
    new, old = (target.with_name(f".{target.name}.{name}.{os.getpid()}") for name in ("new", "old"))
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        assemble(average).save_pretrained(new, safe_serialization=True)
        for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):  # transformers 5 saves tokenizer.json alone
            shutil.copy(CHECKPOINTS / "tokenizer" / name, new / "tokenizer" / name)
        judges = sorted((CHECKPOINTS / "judge").glob("judge*.safetensors"))
        if not judges:
            raise FileNotFoundError(f"There is no judge in {CHECKPOINTS / 'judge'}. Run training.judge first.")
        (new / "judge").mkdir()
        for weights in judges:
            shutil.copy(weights, new / "judge")
            shutil.copy(weights.with_suffix(".json"), new / "judge")
        (new / "words.json").write_text(json.dumps(known_words(), ensure_ascii=False) + "\n", encoding="utf-8")
        for name in CARD_FILES:
            if (target / name).exists():
                shutil.copy(target / name, new)
        write_words(new / "README.md")
        finish(new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    total = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {total / 1e6:.1f} MB, from the {average} weights, {len(judges)} judge(s)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--from",
        choices=("distilled", "measured", "fast", "slow"),
        default="distilled",
        help="the weights to ship: the U-Net of training.guidance, or an average of the denoiser's, fast or slow; "
        "measured: the one of these two that follows more of 100 held-out prompts",
    )
    parser.add_argument("--model", default=MODEL, help="folder to write")
    main(parser.parse_args())
