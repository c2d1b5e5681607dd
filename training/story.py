"""The pictures of docs/how_the_model_was_made.md: stages of the denoiser's training, and the VAE's round trip.

Run `python -m training.story` after training.denoiser; it reads the checkpoint folder and the shipped VAE.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from sdkit.files import whole
from training.denoiser import sheet
from training.evaluate import load
from training.export import MODEL
from training.loop import CHECKPOINTS
from training.pictures import drawings_of, through_vae
from training.prompts import combinations

DOCS = Path("docs")
STAGES = 6  # rows of the first picture
LABEL_WIDTH = 96  # pixels, left of each row
ZOOM = 2  # of the round trip; each pixel becomes a square, for nothing blurred may show there


def labelled(rows, zoom: int) -> Image.Image:
    """Return (words, picture) rows of equal width below each other, `zoom` times enlarged, the words to their left."""
    strips = [np.asarray(picture).repeat(zoom, 0).repeat(zoom, 1) for _, picture in rows]
    page = Image.new("RGB", (LABEL_WIDTH + strips[0].shape[1], sum(len(strip) for strip in strips)), "white")
    pen, font, y = ImageDraw.Draw(page), ImageFont.load_default(size=14), 0
    for (words, _), strip in zip(rows, strips):
        page.paste(Image.fromarray(strip), (LABEL_WIDTH, y))
        pen.text((6, y + len(strip) // 2), words, fill="black", font=font, anchor="lm")
        y += len(strip)
    return page


def pictures_seen(rows: list[dict], batch: int = 64) -> list[int]:
    """Return how many pictures training had seen at each row of its log; a run that was started anew counts on."""
    counts, before, last = [], 0, 0
    for row in rows:
        if row["step"] < last:
            before += last
        last = row["step"]
        counts.append((before + last) * batch)
    return counts


def stages() -> Image.Image:
    """Return `STAGES` stages of the training below each other: the same ten held-out prompts, the same noise.

    Raises ValueError if the log and the pictures of the stages do not belong together.
    """
    files = sorted((CHECKPOINTS / "stages").glob("*.png"))
    rows = [json.loads(line) for line in (CHECKPOINTS / "denoiser.jsonl").read_text(encoding="utf-8").splitlines()]
    if len(files) != len(rows) or len(rows) < STAGES:
        raise ValueError(
            f"There are {len(files)} stages and {len(rows)} lines of denoiser.jsonl; wanted are as many of both, "
            f"{STAGES} or more. Train the denoiser from the start."
        )
    # evenly spaced on a logarithmic scale: most happens early
    chosen = sorted({round(len(rows) ** (n / (STAGES - 1))) - 1 for n in range(STAGES)})
    counts = pictures_seen(rows)
    return labelled([(f"{counts[n] / 1000:,.0f},000", Image.open(files[n]).convert("RGB")) for n in chosen], 1)


@torch.no_grad()
def round_trip(count: int = 4) -> Image.Image:
    """Return fresh held-out drawings, and what the shipped VAE makes of them, `ZOOM` times enlarged."""
    rng = np.random.default_rng(4)
    drawn = drawings_of(combinations(count, rng), rng)
    rows = [("drawing", drawn), ("through\nthe VAE", through_vae(load(MODEL).vae, drawn))]
    return labelled([(words, sheet(list(pictures), count)) for words, pictures in rows], ZOOM)


def main() -> None:
    """Draw both and write them into docs/."""
    for name, page in (("stages", stages()), ("round_trip", round_trip())):
        with whole(DOCS / f"{name}.png") as path:
            page.quantize(256, dither=Image.Dither.NONE).save(path, format="PNG", optimize=True)


if __name__ == "__main__":
    main()
