"""Compare the browser's pictures and its speed with Python's: `python -m benchmarks.browser`.

Draws settings at random, makes each picture in a headless Chromium and with `generate`, and counts how far the two
differ, in grey levels of 255. The picture that is timed takes 20 steps with guidance, in turns here and there, so that
a busy moment does not favour one; Python has one thread. With `--isolated yes` the browser has threads too, which takes
two headers of the server.
"""

from __future__ import annotations

import json
import os
import random
import time
import warnings
from collections import Counter
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.record import options, report, seconds_of
from sdkit import NoEffectWarning, generate, load_pipeline, model_path
from sdkit.schedulers import scheduler_named
from tools.browser_build import build
from tools.browser_models import SCHEDULERS
from tools.browser_page import engine_page, headless

LIMIT = 2  # grey levels, of the largest difference of two pictures
TIMED = {"prompt": "a cat on a blue background", "num_inference_steps": 20, "guidance_scale": 7.5}
COLOURS = {"en": ("red", "blue", "green", "yellow", "white"), "ja": ("赤い", "青い", "緑の", "黄色い", "白い")}
FORMS = {"en": "a {thing} on a {colour} background", "ja": "{colour}背景の{thing}", "emoji": "{thing}"}
SIDES = (64, 72, 96, 128, 128, 128, 160, 192)


def drawn(number: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return settings drawn at random: diffusers' arguments, the scheduler's class, a seed, now and then an image."""
    draw = random.Random(seed)
    words: dict[str, list[str]] = {language: [] for language in FORMS}
    for word in json.loads((model_path() / "words.json").read_text(encoding="utf-8")):
        words["en" if word.isascii() else "ja" if word[0].isalpha() else "emoji"].append(word)
    return [_one(draw, words, place) for place in range(number)]


def _one(draw, words, place):
    scheduler = SCHEDULERS[place % len(SCHEDULERS)]
    settings = {
        "prompt": _prompt(draw, words, list(FORMS)[place // 3 % 3]),
        "seed": draw.choice([draw.randrange(100), draw.randrange(2**32), draw.randrange(2**64)]),
        "num_inference_steps": draw.choice([1, 2, 5, 10, 20, 20, 25, 30, 50]),
        "guidance_scale": draw.choice([0, 1, 1.5, 3, 5, 7.5, 7.5, 7.5, 12, 20]),
        "scheduler": scheduler,
    }
    if draw.random() < 0.4:
        settings["negative_prompt"] = _prompt(draw, words, draw.choice(list(FORMS)))
    if scheduler == "DDIMScheduler" and draw.random() < 0.6:
        settings["eta"] = round(draw.uniform(0.1, 1), 2)
    width, height = draw.choice(SIDES), draw.choice(SIDES)
    if draw.random() < 0.35:
        settings |= {"image": _picture(draw, width, height), "strength": round(draw.uniform(0.3, 1), 2)}
        settings["num_inference_steps"] = max(settings["num_inference_steps"], 10)
    else:
        settings |= {"width": width, "height": height}
        if draw.random() < 0.3:
            settings["guidance_rescale"] = round(draw.uniform(0.1, 1), 2)
    return settings


def _prompt(draw, words, language):
    colour = draw.choice(COLOURS.get(language, ("",)))
    return FORMS[language].format(thing=draw.choice(words[language]), colour=colour)


def _picture(draw, width, height):
    """Return a picture of squares in many colours, grey levels and edges among them."""
    small = Image.new("RGB", (5, 4))
    small.putdata([tuple(draw.randrange(256) for _ in range(3)) for _ in range(20)])
    return small.resize((width, height), Image.Resampling.BICUBIC)


class Python:
    """The same settings in Python, in diffusers' own pipelines over one model."""

    def __init__(self):
        from diffusers import StableDiffusionImg2ImgPipeline

        self.pipe = load_pipeline("built-in")
        self.own = self.pipe.scheduler
        self.from_picture = StableDiffusionImg2ImgPipeline(**self.pipe.components, requires_safety_checker=False)
        self.from_picture.set_progress_bar_config(disable=True)

    def picture(self, scheduler: str = SCHEDULERS[0], **settings: Any) -> Image.Image:
        """Return the picture of settings as `drawn` returns them."""
        pipe = self.from_picture if "image" in settings else self.pipe
        pipe.scheduler = scheduler_named(scheduler, self.own)
        return generate(pipe, **settings)[0].image


def difference(first: Image.Image, other: Image.Image) -> int:
    """Return the largest difference of two pictures, in grey levels."""
    a, b = (np.asarray(picture.convert("RGB"), int) for picture in (first, other))
    if a.shape != b.shape:
        raise ValueError(f"the pictures have the shapes {a.shape} and {b.shape}")
    return int(abs(a - b).max())


def in_words(settings: dict[str, Any]) -> str:
    """Return settings in one line."""
    shown = {name: f"{value.width} x {value.height}" if name == "image" else value for name, value in settings.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def main(given: list[str] | None = None) -> None:
    arguments = options("browser", __doc__, given, pictures=30, times=5, draw=0, isolated="no")
    torch.set_num_threads(1)
    build()
    warnings.simplefilter("ignore", NoEffectWarning)  # what is drawn at random may have none, here as there
    python, rows = Python(), {}
    with headless() as browser, engine_page(browser, isolated=arguments.isolated == "yes") as page:
        began = time.perf_counter()
        loaded = page.load()
        page.generate(seed=0, **TIMED)
        rows["load to the first picture"] = time.perf_counter() - began
        python.picture(seed=0, **TIMED)  # the first is slower here too
        here: list[float] = []
        there: list[float] = []
        for seed in range(1, 1 + arguments.times):
            here.append(seconds_of(lambda seed=seed: python.picture(seed=seed, **TIMED)))
            there.append(page.generate(seed=seed, **TIMED)[1]["waited"])
        rows["each further picture"], rows["the same in Python"] = median(there), median(here)
        differences = []
        for settings in drawn(arguments.pictures, arguments.draw):
            made, _ = page.generate(**settings)
            differences.append(difference(made, python.picture(**settings)))
            print(f"{differences[-1]:3}  {in_words(settings)}", flush=True)
    counts = Counter(differences)
    said = ", ".join(f"{counts[levels]} by {levels}" for levels in sorted(counts))
    within = sum(levels <= LIMIT for levels in differences)
    table = [[name, round(seconds, 2), round(seconds / median(here), 2)] for name, seconds in rows.items()]
    report(
        arguments,
        ["20 steps with guidance, 128 pixels", "seconds", "ratio"],
        table,
        more=f"Of {len(differences)} settings drawn at random {within} differ from Python by at most {LIMIT} grey "
        f"levels (the largest difference of a picture: {said}).",
        runs=arguments.times,
        **loaded["backend"],
        load=round(os.getloadavg()[0], 1),
    )


if __name__ == "__main__":
    main()
