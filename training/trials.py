"""Short trainings of the denoiser that differ from a base in a single thing; what did better is the recipe now.

Run `python -m training.trials` after training.vae and training.text, before the long training. Each
trial starts from the same random UNet, sees the same scenes, takes the same number of steps, and is
measured on the same unseen scenes; training/trials.json keeps the numbers, and a trial that is in
it is not run again.
"""

import json
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch

from sdkit.files import write_whole
from tools.markdown import markdown_table
from training.denoiser import Denoising, Unseen, build, denoising_loss, encode_pool, load_parts, prepare
from training.loop import CHECKPOINTS, Ema, Muon, adamw, options, threads_for, train, trapezoid
from training.text import build as build_text_encoder

RESULTS = Path("training/trials.json")
STEPS, RATE = 300, 2e-3
BASE = {"weight": "clipped", "late": 0.3, "noises": 2}  # the recipe before these trials
TRIALS: dict[str, dict] = {  # what each one changes
    "base": {},
    "plain v loss": {"weight": "plain"},
    "Min-SNR weights": {"weight": "min_snr"},
    "no caption dropped": {"drop": 0.0},
    "30 % of the captions dropped": {"drop": 0.3},
    "text encoder without its warm start": {"warm": False},
    "Min-SNR weights + 0.15": {"weight": "raised"},
    "all timesteps alike": {"late": 0.0},
    "one noise for each caption": {"noises": 1},
    "the last three together, as chosen": {"weight": "raised", "late": 0.0, "noises": 1},
    "learning rate 1e-3": {"rate": 1e-3},
    "learning rate 3e-3": {"rate": 3e-3},
    "AdamW, learning rate 1e-3": {"optimizer": adamw, "rate": 1e-3},
}


def trial(name, parts, pool, unseen, arguments, warm=True, rate=RATE, optimizer=None, **changes) -> dict[str, float]:
    """Train once and return what it measured: v losses on unseen scenes, and the share of right backgrounds.

    `parts` are VAE, text encoder and tokenizer, `pool` latents with their scenes (training.denoiser.encode_pool);
    `changes` of BASE go to training.denoiser.denoising_loss.
    """
    vae, encoder, tokenizer = parts
    torch.manual_seed(arguments.seed)
    unet = prepare(build()).to(arguments.device, memory_format=torch.channels_last)
    encoder = deepcopy(encoder) if warm else build_text_encoder(tokenizer).to(arguments.device)
    both = Denoising(encoder, unet)
    averages = Ema(both, 0.999)
    found: dict[str, float] = {}
    threads = threads_for(arguments.device)

    def check():
        with averages.swapped_in(both):
            found.update(unseen.losses(both), background=unseen.pictures(both)[1])
        return found

    loss = denoising_loss(both, tokenizer, pool, np.random.default_rng(arguments.seed), arguments, **BASE | changes)
    file = f"trial_{list(TRIALS).index(name)}"
    train(file, both, averages, loss, check, arguments, every=float("inf"),
          optimizer=optimizer or partial(Muon, threads=threads), threads=threads,
          rate=lambda done: trapezoid(done, rate, 1e-6))  # fmt: skip
    for ending in (".pt", ".jsonl"):  # tens of megabytes each, of no further use
        (CHECKPOINTS / f"{file}{ending}").unlink()
    return found


def results_as_markdown(results: dict) -> str:
    """Return the results as a Markdown table, in the order of `TRIALS`."""
    found = {name: results["trials"][name] for name in TRIALS if name in results["trials"]}
    losses = ("held_right", "held_wrong", "held_low")
    return markdown_table(
        ("trial", "right caption", "another's", "low noise", "background"),
        [(name, *(f"{row[loss]:.3f}" for loss in losses), f"{row['background']:.0%}") for name, row in found.items()],
    )


def main(arguments) -> None:
    """Run the trials that are missing; print the table."""
    arguments.steps = arguments.steps or STEPS
    settings = {"steps": arguments.steps, "batch": arguments.batch, "pool": arguments.pool}
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if results.get("settings") != settings:
        results = {"settings": settings, "trials": {}}
    missing = [name for name in TRIALS if name not in results["trials"]]
    if missing:
        parts = load_parts(arguments.device)
        pool = encode_pool(parts[0], arguments.pool, np.random.default_rng(arguments.seed), arguments.device)
        unseen = Unseen(parts[0], parts[2], arguments.device)
    for name in missing:
        results["trials"][name] = trial(name, parts, pool, unseen, arguments, **TRIALS[name])
        text = json.dumps(results, indent=1) + "\n"
        write_whole(RESULTS, text.encode())
    print(results_as_markdown(results))


if __name__ == "__main__":
    main(options(__doc__, batch=64, pool=8000))
