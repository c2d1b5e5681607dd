"""Measures what lessons 27 and 28 reach: a word and a LoRA, trained by the lessons' own cells, for four drawings.

The LoRA's loss, rate and rank were chosen with a lighthouse that is not among the drawings, the word's rate and steps
with the cone; magnet, die and flag were used for no choice. For each: the distance in grey
levels to the true drawing on three backgrounds held back, median over two seeds each, beside what the VAE alone loses;
and how many of 50 held-out prompts, of things that the training's prior never names, still show object and background.

Run `python -m training.new_word cone magnet die flag`; `--out FOLDER` keeps each word, LoRA and a sheet of pictures.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

import sdkit as sd
from tools.lesson import LESSONS
from training.prompts import combinations, english

WORD, LORA = "27_new_word.ipynb", "28_lora.ipynb"
WORD_CELLS = ("setup", "drawing", "unknown", "word", "latents", "error", "learn")
STEPS = {"word": 500, "lora": 500}
SEEDS = (1, 2)
KEPT = 50  # prompts
CALL = {"num_inference_steps": 20}


def magnet(pen: ImageDraw.ImageDraw, page: tuple) -> None:
    """Draw a red horseshoe magnet with white ends; `page` is the background's colour."""
    pen.pieslice((96, 40, 416, 360), 180, 360, fill="#d22832")
    for left, right in ((96, 200), (312, 416)):
        pen.rectangle((left, 198, right, 400), fill="#d22832")
        pen.rectangle((left, 400, right, 480), fill="#e6e6eb")
    pen.pieslice((200, 144, 312, 256), 180, 360, fill=page)
    pen.rectangle((200, 200, 312, 480), fill=page)


def die(pen: ImageDraw.ImageDraw, page: tuple) -> None:
    """Draw the five of a white die."""
    pen.rounded_rectangle((72, 72, 440, 440), 60, fill="#fafafa", outline="#303038", width=14)
    for x, y in ((160, 160), (352, 160), (256, 256), (160, 352), (352, 352)):
        pen.ellipse((x - 32, y - 32, x + 32, y + 32), fill="#303038")


def flag(pen: ImageDraw.ImageDraw, page: tuple) -> None:
    """Draw a flag of three stripes, blue, white and red, on a pole."""
    pen.rectangle((88, 40, 118, 480), fill="#6e4628")
    for top, colour in ((56, "#2850b4"), (146, "#fafafa"), (236, "#d22832")):
        pen.rectangle((118, top, 440, top + 90), fill=colour)


# The cone is drawn by lesson 27; a row begins as that of the word beside the drawing.
DRAWINGS: dict[str, tuple[Callable | None, str]] = {
    "cone": (None, "tent"), "magnet": (magnet, "bell"), "die": (die, "gift"), "flag": (flag, "umbrella"),
}  # fmt: skip


def cells(lesson: str, *names: str) -> list[str]:
    """Return the code of a lesson's cells. Raises KeyError for a name that no cell has."""
    import nbformat

    book = nbformat.read(LESSONS / lesson, as_version=4)
    found = {cell.id: cell.source for cell in book.cells if cell.cell_type == "code"}
    return [found[name] for name in names]


def run(space: dict[str, Any], *codes: str) -> None:
    """Run the code of cells in one namespace."""
    for code in codes:
        exec(compile(code, "lesson", "exec"), space)


def on_page(draw: Callable, side: int) -> Callable[[str], Image.Image]:
    """Return a function that draws on a background, as the lesson's `cone` does."""

    def drawn(colour: str) -> Image.Image:
        page = Image.new("RGB", (512, 512), sd.COLOURS[colour])
        draw(ImageDraw.Draw(page), sd.COLOURS[colour])
        return page.resize((side, side), Image.Resampling.BOX)

    return drawn


def word_cells(name: str) -> list[str]:
    """Return the code of lesson 27 up to the loop, with another drawing and beginning where it is not the cone."""
    draw, like = DRAWINGS[name]
    codes = dict(zip(WORD_CELLS, cells(WORD, *WORD_CELLS), strict=True))
    codes["unknown"] = codes["unknown"].split("\n\n\nfew")[0]  # its function, not its pictures
    codes["word"] = codes["word"].replace('"tent"', repr(like))
    if draw:
        codes["drawing"] += (
            "\n\n\nside = pipe.unet.config.sample_size * pipe.vae_scale_factor\ncone = on_page(draw, side)"
        )
    return list(codes.values())


def lesson_27(name: str) -> dict[str, Any]:
    """Return the namespace of lesson 27's cells, up to the loop, for a drawing."""
    space: dict[str, Any] = {"on_page": on_page, "draw": DRAWINGS[name][0]}
    run(space, *word_cells(name))
    return space


def train_word(space: dict[str, Any]) -> float:
    """Train a word by lesson 27's loop; return the seconds."""
    begun = time.monotonic()
    space["rows"] = space["learn"](STEPS["word"])
    return time.monotonic() - begun


def train_lora(space: dict[str, Any]) -> float:
    """Train a LoRA for the word by the cells of lesson 28; return the seconds."""
    from peft import LoraConfig

    space |= {"LoraConfig": LoraConfig, "history": []}
    space["table"].requires_grad_(False)
    run(space, *cells(LORA, "add", "prompt", "known", "noisy", "losses", "learn"))
    torch.manual_seed(0)
    weights = space["add"](8, 8)
    begun = time.monotonic()
    space["learn"](weights, STEPS["lora"])
    return time.monotonic() - begun


def load_shipped(space: dict[str, Any], what: str) -> float:
    """Put the word, or the LoRA, that ships with the lessons into the pipeline; return 0.0, the seconds of training."""
    from safetensors.torch import load_file

    if what == "word":
        row = load_file(sd.example("zib.safetensors"))["<zib>"]
        space["table"].data[space["new"] :] = row
        space["rows"] = {STEPS["word"]: row}
    else:
        run(space, *cells(LORA, "known"))
        space["pipe"].load_lora_weights(sd.example("zib_lora.safetensors"), adapter_name="zib")
    return 0.0


def away(space: dict[str, Any], guidance_scale: float) -> tuple[float, list]:
    """Return the median distance to the true drawing in grey levels on the held-back backgrounds, and the pictures."""
    pipe, made, gaps = space["pipe"], [], []
    for colour in space["held"]:
        noise = [sd.generator(seed) for seed in SEEDS]
        text = [space["prompt"](colour)] * len(SEEDS)
        made += pipe(text, generator=noise, guidance_scale=guidance_scale, **CALL).images
        gaps += [sd.distance(picture, space["cone"](colour)) for picture in made[-len(SEEDS) :]]
    return median(gaps), made


@torch.no_grad()
def by_vae(space: dict[str, Any]) -> float:
    """Return the mean distance of the true drawings to themselves through the VAE and back, in grey levels."""
    pipe, gaps = space["pipe"], []
    for colour in space["held"]:
        z = pipe.vae.encode(pipe.image_processor.preprocess(space["cone"](colour))).latent_dist.mean
        gaps.append(sd.distance(sd.decode(pipe, z * pipe.vae.config.scaling_factor)[0], space["cone"](colour)))
    return mean(gaps)


def kept(space: dict[str, Any]) -> int:
    """Return how many of the held-out prompts still show object and background, by the judge."""
    scenes = combinations(347, np.random.default_rng(123))
    scenes = [scene for scene in scenes if scene.thing not in space["THINGS"]][:KEPT]
    good = 0
    for first in range(0, KEPT, 10):
        part = scenes[first : first + 10]
        noise = [sd.generator(first + number) for number in range(len(part))]
        made = space["pipe"]([english(scene) for scene in part], generator=noise, **CALL).images
        seen = zip(part, sd.named(made), sd.named(made, "background"))
        good += sum((thing, page) == (scene.thing, scene.background) for scene, thing, page in seen)
    return good


def keep(space: dict[str, Any], name: str, made: list, folder: Path) -> None:
    """Write a drawing's word and LoRA and a sheet of its pictures to a folder."""
    from peft.utils import get_peft_model_state_dict
    from safetensors.torch import save

    from sdkit.files import write_whole

    pipe = space["pipe"]
    numbers = get_peft_model_state_dict(pipe.unet, adapter_name="zib")
    numbers = {f"unet.{key}": value.half().contiguous() for key, value in numbers.items()}
    rows = {str(step): row.contiguous() for step, row in space["rows"].items()}
    write_whole(folder / f"{name}_steps.safetensors", save(rows))
    write_whole(folder / f"{name}.safetensors", save({"<zib>": space["rows"][STEPS["word"]].contiguous()}))
    write_whole(folder / f"{name}_lora.safetensors", save(numbers))
    true = [space["cone"](colour) for colour in space["held"] for _ in SEEDS]
    sd.draw_grid([*made, *true], columns=len(true), labels=[""] * 2 * len(true)).save(folder / f"{name}.png")


def measure(name: str, folder: Path | None, shipped: bool = False) -> str:
    """Train for a drawing, or load what ships, and return its line of the table."""
    space = lesson_27(name)
    word_seconds = load_shipped(space, "word") if shipped else train_word(space)
    word = away(space, 7.5)[0]
    lora_seconds = load_shipped(space, "lora") if shipped else train_lora(space)
    gap, made = away(space, 1.5)
    vae = by_vae(space)
    if folder:
        keep(space, name, made, folder)
    return (
        f"| {name} | {vae:.1f} | {word:.1f} | {gap:.1f} | {gap / vae:.2f} | {kept(space)} of {KEPT} "
        f"| {word_seconds / 60:.1f} + {lora_seconds / 60:.1f} |"
    )


def main() -> None:
    """Measure the drawings named and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drawings", nargs="*", help=f"some of {', '.join(DRAWINGS)}; all of them if none is named")
    parser.add_argument("--out", type=Path, help="a folder for each word and LoRA, and a sheet of pictures")
    parser.add_argument("--shipped", action="store_true", help="measure the cone's files that ship, without training")
    options = parser.parse_args()
    names = ["cone"] if options.shipped else options.drawings or list(DRAWINGS)
    unknown = [name for name in names if name not in DRAWINGS]
    if unknown:
        parser.error(f"{', '.join(unknown)} is no drawing; give some of {', '.join(DRAWINGS)}.")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    print("| drawing | VAE alone | word | LoRA | times the VAE | kept | minutes |\n|-|-|-|-|-|-|-|", flush=True)
    for name in names:
        print(measure(name, options.out, options.shipped), flush=True)


if __name__ == "__main__":
    main()
