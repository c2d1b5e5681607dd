"""Measures how well the shipped model follows prompts, and writes the model card's tables.

Run `python -m training.evaluate` after training.export (`--check` exits with 1 unless the gates
hold). Prompts name object, style and background of combinations that training never showed. The
background, place, size and a plain shape's colour are measured without learning
(training/measures.py); object and style are named by the judges (training/verdicts.py), and of
several judges the lower share counts. Beside the model stand what bounds it: real drawings, the
same through the VAE, and the model's pictures held against other prompts' words (chance).
training/curves.py measures what each parameter does.

Pictures are uint8 arrays (N, LARGE, LARGE, 3); what is read off the pixels, and the judges, see them halved. A share is
a dict, as training.measures.share returns it.
"""

import argparse
import io
import json
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from sdkit.files import write_whole
from sdkit.quiet import quiet
from sdkit.schedulers import scheduler_named
from training.card import results_as_markdown
from training.curves import all_curves, inpaint_objects
from training.denoiser import sheet
from training.export import CARD_FILES, MODEL, write_block
from training.gates import gates
from training.judge import half
from training.measures import background_of, colour_of, distances, place_of, share, size_of
from training.nearest import nearest_drawings
from training.pictures import GUIDANCE, STEPS, drawings_of, generate, small, through_vae
from training.prompts import combinations, english, japanese, new_template, pair_scenes, shape_scenes
from training.scenes import random_scene
from training.verdicts import Judges, strictest
from training.world import PLACES, SIZES

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


def load(folder: str | Path) -> "StableDiffusionPipeline":
    """Return the shipped pipeline, as plain diffusers loads it."""
    with quiet():
        from diffusers import StableDiffusionPipeline

        pipe = StableDiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def shares_right(pictures, scenes, judges: Judges, prompts: int) -> dict[str, dict]:
    """Return the shares of pictures whose background, object, style and all three are right, and each judge's own."""
    background = np.array([background_of(p) == s.background for p, s in zip(pictures, scenes, strict=True)])
    verdicts = {
        "object": judges.right(pictures, "object", [scene.thing for scene in scenes]),
        "style": judges.right(pictures, "style", [scene.style for scene in scenes]),
    }
    verdicts["all three"] = {
        judge: background & verdicts["object"][judge] & verdicts["style"][judge] for judge in judges.names
    }
    return {
        "background": share(background, prompts),
        **{head: share(strictest(right), prompts) for head, right in verdicts.items()},
        "each_judge": {
            head: {judge: round(float(right.mean()), 4) for judge, right in found.items()}
            for head, found in verdicts.items()
        },
    }


def pair_shares_right(pictures, scenes, judges: Judges, prompts: int) -> dict[str, dict]:
    """Return the share of pairs with both objects right, in the asked order and in any, by the strictest judge."""
    halves = [np.stack([half(picture, right) for picture in small(pictures)]) for right in (False, True)]
    wanted = np.array([(scene.thing, scene.second) for scene in scenes])
    ordered, any_order = {}, {}
    for judge in judges.names:
        named = np.stack([judges.named(pictures, judge)["object"] for pictures in halves], axis=1)
        ordered[judge] = (named == wanted).all(1)
        any_order[judge] = (np.sort(named, 1) == np.sort(wanted, 1)).all(1)
    judge = min(ordered, key=lambda name: ordered[name].mean())
    return {"ordered": share(ordered[judge], prompts), "any_order": share(any_order[judge], prompts)}


def seconds_per_picture(pipe, pictures: int = 15) -> dict:
    """Return the median time of single pictures after the first, and the shortest: a shared machine's own speed."""
    seconds = []
    for seed in range(pictures + 1):
        start = time.perf_counter()
        generate(pipe, ["a cat on a blue background, flat style"], [seed])
        seconds.append(time.perf_counter() - start)
    del seconds[0]
    return {"median": round(float(np.median(seconds)), 2), "shortest": round(min(seconds), 2), "pictures": pictures}


def megabytes(folder: str | Path) -> dict[str, float]:
    """Return the size of each part of the model in megabytes (10^6 bytes), without its card and pictures."""
    sizes: dict[str, float] = {}
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file() and file.name not in CARD_FILES:
            part = file.relative_to(folder).parts
            name = part[0] if len(part) > 1 else "other"
            sizes[name] = sizes.get(name, 0) + file.stat().st_size / 1e6
    return {**{name: round(size, 2) for name, size in sizes.items()}, "total": round(sum(sizes.values()), 2)}


def repeated(scenes, count: int) -> list:
    """Return each scene `count` times, one after the other."""
    return [scene for scene in scenes for _ in range(count)]


def in_all_sizes(scenes) -> list:
    """Return the scenes, the sizes given to them in turn."""
    return [replace(scene, size=list(SIZES)[number % len(SIZES)]) for number, scene in enumerate(scenes)]


def pictures_of(pipe, scenes, describe: Callable, seeds: int, **arguments) -> tuple[np.ndarray, list]:
    """Generate `seeds` pictures per scene and return them with their scenes; picture n has the seed n."""
    asked = repeated(scenes, seeds)
    texts = [describe(scene) for scene in asked]
    return generate(pipe, texts, range(len(asked)), **arguments), asked


def signal_to_noise(drawn, made) -> dict:
    """Return the PSNR in dB of pictures: the mean over pictures, and that of the mean squared error."""
    error = distances(made, drawn) ** 2
    decibel = 10 * np.log10(255**2 / np.maximum(error, 1e-9))
    return {
        "psnr": round(float(decibel.mean()), 2),
        "psnr_of_mean_error": round(float(10 * np.log10(255**2 / error.mean())), 2),
        "pictures": len(drawn),
    }


def fewer(prompts: int) -> int:
    """Return the number of prompts of the smaller tests."""
    return max(10, prompts * 3 // 5)


def variations(pipe, judges: Judges, scenes, seeds: int, rng) -> dict[str, dict]:
    """Return the model's shares for other words and settings, and for combinations it was trained on."""
    few, few_seeds = fewer(len(scenes)), max(1, seeds // 2)

    def shares(scenes, describe=english, seeds=few_seeds, **arguments):
        made, asked = pictures_of(pipe, scenes, describe, seeds, **arguments)
        return shares_right(made, asked, judges, len(scenes))

    rows = {"model, diffusers' defaults: 50 steps": shares(scenes, num_inference_steps=50)}
    shipped = pipe.scheduler
    for name, steps in (("PNDM", 25), ("DPM++ 2M", 20)):
        pipe.scheduler = scheduler_named(name, shipped)
        rows[f"model, {name}, {steps} steps"] = shares(scenes[:few], num_inference_steps=steps)
    pipe.scheduler = shipped
    return rows | {
        "model, Japanese prompts": shares(scenes, japanese),
        "model, templates never seen": shares(scenes[:few], new_template),
        "model, combinations seen in training": shares(combinations(few, rng, unseen=False)),
        "model, guidance_scale 1": shares(scenes, guidance_scale=1.0),
    }


def place_and_size(pipe, prompts: int, seeds: int, rng) -> dict[str, dict]:
    """Measure, without learning, whether the prompt's place and size are obeyed."""
    placed = [
        replace(scene, size="small", place=list(PLACES)[number % len(PLACES)])
        for number, scene in enumerate(combinations(prompts, rng))
    ]
    sized = in_all_sizes(combinations(prompts, rng))

    def obeyed(name, scenes, read):
        """Return the shares of drawings and pictures in which `read` finds what the scene says of `name`."""

        def right(pictures, scenes):
            pairs = zip(small(pictures), scenes, strict=True)
            return share([read(picture) == getattr(scene, name) for picture, scene in pairs], prompts)

        made, asked = pictures_of(pipe, scenes, lambda scene: english(scene, (name,)), seeds)
        chance = round(1 / len({getattr(scene, name) for scene in scenes}), 4)
        return {"real drawings": right(drawings_of(scenes, rng), scenes), "model": right(made, asked), "chance": chance}

    return {"place": obeyed("place", placed, place_of), "size": obeyed("size", sized, size_of)}


def shapes(pipe, judges: Judges, prompts: int, seeds: int, rng) -> dict:
    """Measure plain shapes: their own colour and the background's, both read off the pixels, and the shape's name."""
    scenes = shape_scenes(min(prompts, 30), rng)
    made, asked = pictures_of(pipe, scenes, english, seeds)

    def both_right(pictures, scenes_of_pictures):
        pairs = zip(small(pictures), scenes_of_pictures, strict=True)
        right = [(colour_of(p), background_of(p)) == (s.colour, s.background) for p, s in pairs]
        return share(right, len(scenes))

    named = judges.right(made, "object", [scene.thing for scene in asked])
    return {
        "colours": {"real drawings": both_right(drawings_of(scenes, rng), scenes), "model": both_right(made, asked)},
        "shape": share(strictest(named), len(scenes)),
    }


def pairs(pipe, judges: Judges, prompts: int, seeds: int, rng) -> dict[str, dict]:
    """Measure pictures of two objects whose order training never shows."""
    scenes = pair_scenes(prompts, rng)
    made, asked = pictures_of(pipe, scenes, english, seeds)
    return {
        "real drawings": pair_shares_right(drawings_of(scenes, rng), scenes, judges, prompts),
        "model": pair_shares_right(made, asked, judges, prompts),
    }


def versions() -> dict[str, str]:
    """Return the versions of what made the pictures."""
    libraries = ("torch", "numpy", "diffusers", "transformers")
    return {"python": platform.python_version(), **{library: version(library) for library in libraries}}


def evaluate(folder: str | Path, prompts: int, seeds: int) -> tuple[dict, np.ndarray]:
    """Measure everything; return the results and the contact sheet's pictures (the first seed of each prompt).

    The order of the parts is part of the result: they share a source of random numbers.
    """
    started = time.perf_counter()
    pipe, judges, rng = load(folder), Judges(Path(folder) / "judge"), np.random.default_rng(11)
    seconds = seconds_per_picture(pipe)  # first: of a pipeline as a learner has it
    pipe.unet.to(memory_format=torch.channels_last)  # measured: batches take a tenth less time
    scenes = combinations(prompts, rng)
    drawn_scenes = in_all_sizes(repeated(scenes, seeds))
    drawn = drawings_of(drawn_scenes, rng)
    decoded = through_vae(pipe.vae, drawn)
    made, asked = pictures_of(pipe, scenes, english, seeds)
    middle = seeds * (prompts // 2)
    others = asked[middle:] + asked[:middle]
    rows = {
        "real drawings": shares_right(drawn, drawn_scenes, judges, prompts),
        "real drawings through the VAE": shares_right(decoded, drawn_scenes, judges, prompts),
        "model": shares_right(made, asked, judges, prompts),
        "model, prompts shuffled (chance)": shares_right(made, others, judges, prompts),
        **variations(pipe, judges, scenes, seeds, rng),
    }
    trained_on = drawings_of([random_scene(rng) for _ in range(256)], rng)
    smaller = fewer(prompts), max(1, seeds // 2), rng
    results = {
        "settings": {
            "scheduler": "DDIMScheduler",
            "num_inference_steps": STEPS,
            "guidance_scale": GUIDANCE,
            "prompts": prompts,
            "seeds_per_prompt": seeds,
            "judges": judges.names,
        },
        "rows": rows,
        **place_and_size(pipe, *smaller),
        "shapes": shapes(pipe, judges, *smaller),
        "pairs": pairs(pipe, judges, *smaller),
        "round_trip": {
            "held_out": signal_to_noise(drawn, decoded),
            "training": signal_to_noise(trained_on, through_vae(pipe.vae, trained_on)),
        },
        "nearest": nearest_drawings(small(made[::seeds]), asked[::seeds]),
        "curves": all_curves(pipe, judges, rng),
        "seconds_per_picture": seconds,
        "threads": torch.get_num_threads(),
        "megabytes": megabytes(folder),
        "versions": versions(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "contact_sheet": [{"prompt": english(scene), "seed": number * seeds} for number, scene in enumerate(scenes)],
    }
    return results, made[::seeds]


def main(arguments) -> None:
    """Measure, write results, table and contact sheet, print the table; exit with 1 if a gate does not hold."""
    folder = Path(arguments.model)
    card = folder / "README.md"
    if not card.exists():
        raise FileNotFoundError(f"There is no model card {card} to write the table to.")
    if arguments.only:
        results = json.loads(Path(arguments.results).read_text(encoding="utf-8"))
        if arguments.only == "time":
            results["seconds_per_picture"] = seconds_per_picture(load(folder))
        else:
            results["curves"]["inpaint_objects"] = inpaint_objects(load(folder), Judges(folder / "judge"))
    else:
        results, contact = evaluate(folder, arguments.prompts, arguments.seeds)
        page = io.BytesIO()
        Image.fromarray(sheet(list(contact), 10)).save(page, format="PNG", optimize=True)
        write_whole(folder / "contact_sheet.png", page.getvalue())
    table = results_as_markdown(results)
    write_whole(arguments.results, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
    write_block(card, "table", table)
    print(table)
    print(f"\nmeasured in {results['minutes']} minutes")
    found = gates(results)
    for name, (holds, measured) in found.items():
        print(f"gate {name}: {'holds' if holds else 'FAILS'} ({measured})")
    if arguments.check and not all(holds for holds, _ in found.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL, help="folder to measure")
    parser.add_argument("--results", default="training/results.json", help="file for all numbers")
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2, help="pictures per prompt")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless the gates hold")
    parser.add_argument(
        "--only", choices=("time", "inpainting"), help="measure only this again; no other part follows from it"
    )
    main(parser.parse_args())
