"""Measures how well the shipped model follows prompts, and writes the model card's tables.

Run `python -m training.evaluate` after training.export (`--check` exits with 1 unless the gates
hold). Prompts name object, style and background of combinations that training never showed. The
background, place, size and a plain shape's colour are measured without learning
(training/measures.py); object and style are named by the judges, and of several judges the lower
share counts. Beside the model stand what bounds it: real drawings, the same through the VAE, and
the model's pictures held against other prompts' words (chance). training/curves.py measures what
each parameter does.
"""

import argparse
import io
import json
import platform
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdkit.files import write_whole
from sdkit.judge import features, probabilities
from training import curves
from training.curves import GUIDANCE, STEPS, Judges, as_bytes, as_tensor, generate
from training.denoiser import sheet
from training.drawings import master
from training.export import KEPT, MODEL, write_block
from training.judge import half, round_trip
from training.measures import background_of, border, colour_of, kid, object_box, place_of, share, size_of
from training.prompts import combinations, english, japanese, new_template, pair_scenes, shape_scenes
from training.scenes import random_scene, render
from training.world import OBJECTS, PLACES, SIZES, STYLES

GATES = {"background": 0.95, "object": 0.85, "style": 0.85, "place": 0.85, "size": 0.85, "japanese": 0.05}


def load(folder):
    """Return the shipped pipeline with a DDIM scheduler, as plain diffusers loads it."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    pipe = StableDiffusionPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def lower(verdicts):
    """Return the bool array of the judge with the fewest right answers."""
    return min(verdicts.values(), key=lambda right: right.mean())


def measure(pictures, scenes, judges, prompts):
    """Return the shares of pictures whose background, object, style and all three are right."""
    background = np.array([background_of(p) == s.background for p, s in zip(pictures, scenes, strict=True)])
    verdicts = {
        head: judges.right(pictures, head, [getattr(s, part) for s in scenes])
        for head, part in (("object", "thing"), ("style", "style"))
    }
    verdicts["all three"] = {
        name: background & verdicts["object"][name] & verdicts["style"][name] for name in judges.names
    }
    return {
        "background": share(background, prompts),
        **{head: share(lower(found), prompts) for head, found in verdicts.items()},
        "each_judge": {
            head: {name: round(float(right.mean()), 4) for name, right in found.items()}
            for head, found in verdicts.items()
        },
    }


def measure_pairs(pictures, scenes, judges, prompts):
    """Return the share of pairs with both objects right, in the asked order and in any."""
    found = {}
    for name in judges.names:
        sides = [probabilities(as_tensor(np.stack([half(p, right) for p in pictures])), name, judges.folder)["object"]
                 for right in (False, True)]  # fmt: skip
        named = np.stack([side.argmax(1).numpy() for side in sides], 1)
        wanted = np.array([[judges.heads["object"].index(t) for t in (s.thing, s.second)] for s in scenes])
        found[name] = (named == wanted).all(1), (np.sort(named, 1) == np.sort(wanted, 1)).all(1)
    name = min(found, key=lambda one: found[one][0].mean())
    return {"ordered": share(found[name][0], prompts), "any_order": share(found[name][1], prompts)}


def seconds_per_picture(pipe):
    """Return the median time of single pictures after the first, and the shortest: a shared machine's own speed."""
    pictures, times = 15, []
    for seed in range(pictures + 1):
        start = time.perf_counter()
        generate(pipe, ["a cat on a blue background, flat style"], [seed])
        times.append(time.perf_counter() - start)
    times = times[1:]
    return {"median": round(float(np.median(times)), 2), "shortest": round(min(times), 2), "pictures": pictures}


def megabytes(folder):
    """Return the size of each part of the model in megabytes (10^6 bytes), without its card and pictures."""
    sizes = {}
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file() and file.name not in KEPT:
            part = file.relative_to(folder).parts
            key = part[0] if len(part) > 1 else "other"
            sizes[key] = sizes.get(key, 0) + file.stat().st_size / 1e6
    return {**{key: round(size, 2) for key, size in sizes.items()}, "total": round(sum(sizes.values()), 2)}


def pictures_of(pipe, scenes, describe, seeds, guidance_scale=GUIDANCE):
    """Generate `seeds` pictures per scene and return them with their scenes; picture n has the seed n."""
    repeated = [scene for scene in scenes for _ in range(seeds)]
    texts = [describe(scene) for scene in repeated]
    return generate(pipe, texts, range(len(repeated)), guidance_scale=guidance_scale), repeated


def drawings_of(scenes, rng):
    """Render scenes as uint8 (N, SIDE, SIDE, 3)."""
    return as_bytes(np.stack([render(scene, rng) for scene in scenes]))


def through_vae(pipe, pictures):
    """Return uint8 pictures encoded and decoded."""
    return as_bytes(round_trip(pipe.vae, as_tensor(pictures)).permute(0, 2, 3, 1))


def signal_to_noise(drawn, made):
    """Return the PSNR in dB of uint8 pictures: the mean over pictures, and that of the mean error."""
    error = np.square(made.astype(float) - drawn).mean((1, 2, 3))
    decibel = 10 * np.log10(255**2 / np.maximum(error, 1e-9))
    return {
        "psnr": round(float(decibel.mean()), 2),
        "psnr_of_mean_error": round(float(10 * np.log10(255**2 / error.mean())), 2),
        "pictures": len(drawn),
    }


def main_rows(pipe, judges, scenes, seeds, rng):
    """Measure background, object and style; return {row: shares}, the row "model"'s pictures and scenes, the
    real drawings, and the VAE's PSNR on them.
    """
    count, few, few_seeds = len(scenes), fewer(len(scenes)), max(1, seeds // 2)

    def model(scenes, describe=english, seeds=few_seeds, **arguments):
        return measure(*pictures_of(pipe, scenes, describe, seeds, **arguments), judges, len(scenes))

    sizes = list(SIZES)
    real_scenes = [replace(scene, size=sizes[n % 3]) for n, scene in enumerate(s for s in scenes for _ in range(seeds))]
    real = drawings_of(real_scenes, rng)
    decoded = through_vae(pipe, real)
    made, asked = pictures_of(pipe, scenes, english, seeds)
    others = asked[seeds * (count // 2) :] + asked[: seeds * (count // 2)]
    rows = {
        "real drawings": measure(real, real_scenes, judges, count),
        "real drawings through the VAE": measure(decoded, real_scenes, judges, count),
        "model": measure(made, asked, judges, count),
        "model, prompts shuffled (chance)": measure(made, others, judges, count),
        "model, Japanese prompts": model(scenes, japanese),
        "model, templates never seen": model(scenes[:few], new_template),
        "model, combinations seen in training": model(combinations(few, rng, unseen=False)),
        "model, guidance_scale 1": model(scenes, seeds=seeds, guidance_scale=1.0),
    }
    return rows, made, asked, real, signal_to_noise(real, decoded)


def fewer(prompts):
    """Return the number of prompts of the smaller tests."""
    return max(10, prompts * 3 // 5)


def place_and_size(pipe, prompts, seeds, rng):
    """Measure, without learning, whether the prompt's place and size are obeyed."""
    placed = [replace(s, size="small", place=list(PLACES)[n % 5]) for n, s in enumerate(combinations(prompts, rng))]
    sized = [replace(s, size=list(SIZES)[n % 3]) for n, s in enumerate(combinations(prompts, rng))]
    found = {}
    for name, asked, look in (("place", placed, place_of), ("size", sized, size_of)):

        def right(pictures, scenes, name=name, look=look):
            return share([look(p) == getattr(s, name) for p, s in zip(pictures, scenes, strict=True)], prompts)

        made = pictures_of(pipe, asked, lambda scene, name=name: english(scene, (name,)), seeds)
        drawn = drawings_of(asked, rng)
        chance = round(1 / len({getattr(scene, name) for scene in asked}), 4)
        found[name] = {"real drawings": right(drawn, asked), "model": right(*made), "chance": chance}
    return found


def shapes(pipe, judges, prompts, seeds, rng):
    """Measure plain shapes: their own colour and the background's, both read off the pixels, and the shape's name."""
    scenes = shape_scenes(min(prompts, 30), rng)
    made, asked = pictures_of(pipe, scenes, english, seeds)

    def both(pictures, scenes):
        pairs = zip(pictures, scenes, strict=True)
        right = [(colour_of(p), background_of(p)) == (s.colour, s.background) for p, s in pairs]
        return share(right, len(scenes))

    return {
        "colours": {"real drawings": both(drawings_of(scenes, rng), scenes), "model": both(made, asked)},
        "shape": share(lower(judges.right(made, "object", [s.thing for s in asked])), len(scenes)),
    }


def pairs(pipe, judges, prompts, seeds, rng):
    """Measure pictures of two objects whose order training never shows."""
    scenes = pair_scenes(prompts, rng)
    made = pictures_of(pipe, scenes, english, seeds)
    return {
        "real drawings": measure_pairs(drawings_of(scenes, rng), scenes, judges, prompts),
        "model": measure_pairs(*made, judges, prompts),
    }


def set_distance(judges, made, real, asked, rng):
    """Return KID (training/measures.py) on the first judge's features: model against real, real against real."""
    see = partial(features, name=judges.names[0], folder=judges.folder)
    drawn, model = see(as_tensor(real)), see(as_tensor(made))
    other = see(as_tensor(drawings_of([replace(s, size=list(SIZES)[n % 3]) for n, s in enumerate(asked)], rng)))
    return {
        "model": round(kid(model, drawn), 4), "real": round(kid(other, drawn), 4),
        "noise": round(kid(see(torch.rand(len(made), 3, 64, 64) * 2 - 1), drawn), 4), "pictures": len(made),
    }  # fmt: skip


def _cut(picture):
    """Return the object of a picture, cut out and brought to 32 x 32 pixels, or None."""
    box = object_box(picture)
    if box is None:
        return None
    return np.asarray(Image.fromarray(picture).crop(tuple(map(int, box))).resize((32, 32), Image.Resampling.BOX), float)


@cache
def _small(thing, style):
    """Return a training drawing, cut out and brought to 32 x 32 pixels: colours and, 0 to 1, opacity."""
    drawing = master(thing, style)
    rgba = np.asarray(drawing.crop(drawing.getbbox()).resize((32, 32), Image.Resampling.BOX), float)
    return rgba[..., :3], rgba[..., 3:] / 255


def nearest_drawings(made, asked):
    """Compare each picture's object with all training drawings on its background: which is nearest, and how near."""
    right, nearest, other = [], [], []
    for picture, scene in zip(made, asked, strict=True):
        cut, ground = _cut(picture), border(picture)
        if cut is None:
            right.append(False)
            continue
        light = scene.style == "line" and ground @ (0.299, 0.587, 0.114) < 110
        distances = {}
        for thing in OBJECTS:
            for style in STYLES:
                ink, alpha = _small(thing, style)
                ink = 245 if style == "line" and light else ink
                distances[thing, style] = float(np.sqrt(np.square(cut - (ground * (1 - alpha) + ink * alpha)).mean()))
        order = sorted(distances, key=distances.get)
        right.append(order[0] == (scene.thing, scene.style))
        nearest.append(distances[order[0]])
        other.append(min(value for (thing, _), value in distances.items() if thing != order[0][0]))
    return {
        "is_the_asked_one": round(float(np.mean(right)), 3), "nearest": round(float(np.median(nearest)), 1),
        "nearest_of_another_object": round(float(np.median(other)), 1), "pictures": len(made),
    }  # fmt: skip


def versions():
    """Return the versions of what made the pictures."""
    import diffusers
    import transformers

    libraries = {"torch": torch, "numpy": np, "diffusers": diffusers, "transformers": transformers}
    return {"python": platform.python_version(), **{name: module.__version__ for name, module in libraries.items()}}


def evaluate(folder, prompts, seeds):
    """Measure everything; return the results and the contact sheet's pictures (the first seed of each prompt)."""
    started = time.perf_counter()
    pipe, judges, rng = load(folder), Judges(Path(folder) / "judge"), np.random.default_rng(11)
    seconds = seconds_per_picture(pipe)  # first: of a pipeline as a learner has it
    pipe.unet.to(memory_format=torch.channels_last)  # measured: batches take a tenth less time
    scenes = combinations(prompts, rng)
    rows, made, asked, real, kept = main_rows(pipe, judges, scenes, seeds, rng)
    seen = drawings_of([random_scene(rng) for _ in range(256)], rng)
    smaller = fewer(prompts), max(1, seeds // 2), rng
    bench = curves.Bench(pipe, judges, rng)
    results = {
        "settings": {
            "scheduler": "DDIMScheduler", "num_inference_steps": STEPS, "guidance_scale": GUIDANCE,
            "prompts": prompts, "seeds_per_prompt": seeds, "judges": judges.names,
        },
        "rows": rows,
        **place_and_size(pipe, *smaller),
        "shapes": shapes(pipe, judges, *smaller),
        "pairs": pairs(pipe, judges, *smaller),
        "round_trip": {"held_out": kept, "training": signal_to_noise(seen, through_vae(pipe, seen))},
        "kid": set_distance(judges, made, real, asked, rng),
        "nearest": nearest_drawings(made[::seeds], asked[::seeds]),
        "curves": curves.measure(bench, partial(drawings_of, rng=rng)),
        "seconds_per_picture": seconds,
        "threads": torch.get_num_threads(),
        "megabytes": megabytes(folder),
        "versions": versions(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "contact_sheet": [{"prompt": english(scene), "seed": n * seeds} for n, scene in enumerate(scenes)],
    }  # fmt: skip
    return results, made[::seeds]


def percent(value):
    """Write a share and its interval as the table shows them."""
    low, high = value["interval"]
    return f"{100 * value['share']:.0f} % ({100 * low:.0f}-{100 * high:.0f})"


def table(results):
    """Return the results as Markdown."""
    lines = ["| pictures | n | background | object | style | all three |", "|-|-|-|-|-|-|"]
    for name, row in results["rows"].items():
        shares = [percent(row[head]) for head in ("background", "object", "style", "all three")]
        lines.append(f"| {name} | {row['object']['pictures']} | {' | '.join(shares)} |")
    lines += ["", "| asked for in the prompt | real drawings | model | chance |", "|-|-|-|-|"]
    for name in ("place", "size"):
        real, made, chance = (results[name][key] for key in ("real drawings", "model", "chance"))
        lines.append(f"| {name} | {percent(real)} | {percent(made)} | {100 * chance:.0f} % |")
    colours = results["shapes"]["colours"]
    lines.append(f"| a plain shape: its colour and the background's | {percent(colours['real drawings'])} "
                 f"| {percent(colours['model'])} | 1 % |")  # fmt: skip
    for key, name in (("ordered", "two objects, in the order asked for"), ("any_order", "two objects, in any order")):
        real, made = results["pairs"]["real drawings"][key], results["pairs"]["model"][key]
        lines.append(f"| {name} | {percent(real)} | {percent(made)} | below 1 % |")
    settings, versions, sizes = results["settings"], results["versions"], results["megabytes"]
    parts = ", ".join(f"{part} {size} MB" for part, size in sizes.items() if part != "total" and size >= 0.1)
    distance, nearest, vae = results["kid"], results["nearest"], results["round_trip"]
    seconds = results["seconds_per_picture"]
    lines += [
        "",
        f"{settings['prompts']} prompts x {settings['seeds_per_prompt']} seeds of combinations never trained on; "
        f"{settings['num_inference_steps']} steps of DDIM, guidance_scale {settings['guidance_scale']:g}; in brackets "
        "the 95 % Wilson interval with prompts as the unit. Object and style are named by "
        f"{len(settings['judges'])} judge network(s), the lower share counts; the rest is measured without learning.",
        "",
        f"- VAE round trip: {vae['held_out']['psnr']} dB PSNR, the mean over {vae['held_out']['pictures']} of these "
        f"drawings ({vae['held_out']['psnr_of_mean_error']} dB of the mean error); {vae['training']['psnr']} dB on "
        f"{vae['training']['pictures']} scenes of the kind it trained on, plain shapes among them.",
        f"- KID on a judge's features, {distance['pictures']} pictures: model against real {distance['model']}, "
        f"real against real {distance['real']}, noise against real {distance['noise']}.",
        f"- It recalls drawings: cut out and laid over all {3 * len(OBJECTS)} training drawings, the nearest is "
        f"the one asked for in {100 * nearest['is_the_asked_one']:.0f} % of {nearest['pictures']} pictures; it "
        f"lies {nearest['nearest']} grey levels away (median), the nearest of any other object "
        f"{nearest['nearest_of_another_object']}.",
        f"- One picture takes {seconds['median']} s on {results['threads']} CPU core(s) (median of "
        f"{seconds['pictures']}; the fastest {seconds['shortest']} s). Files: {sizes['total']} MB ({parts}).",
        "- Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
        "### What each parameter does to it",
        "",
        curves.table(results["curves"]),
    ]  # fmt: skip
    return "\n".join(lines)


def gates(results):
    """Return {gate: (held, what was measured)}."""
    rows = results["rows"]
    model, japan = rows["model"], rows["model, Japanese prompts"]
    shares = {head: model[head]["share"] for head in ("background", "object", "style")}
    shares |= {name: results[name]["model"]["share"] for name in ("place", "size")}
    found = {name: (value >= GATES[name], f"{value:.1%}, wanted {GATES[name]:.0%}") for name, value in shares.items()}
    for head in ("background", "object", "style"):
        gap = model[head]["share"] - japan[head]["share"]
        found[f"{head} in Japanese"] = (
            gap <= GATES["japanese"] + 1e-9,
            f"{100 * gap:.1f} points below English, at most 5 wanted",
        )
    quality, size = results["round_trip"]["held_out"]["psnr"], results["megabytes"]["total"]
    seconds = results["seconds_per_picture"]
    found["VAE round trip"] = (quality >= 32, f"{quality} dB, wanted 32")
    found["files"] = (size <= 25, f"{size} MB, at most 25 wanted")
    found["time per picture"] = (
        seconds["median"] <= 1,
        f"{seconds['median']} s, the fastest {seconds['shortest']} s; at most 1 wanted",
    )
    free, led = (rows[name]["all three"]["share"] for name in ("model, guidance_scale 1", "model"))
    found["guidance 1 -> 5 raises prompt match"] = (
        led - free >= 0.10,
        f"by {100 * (led - free):.1f} points ({free:.1%} -> {led:.1%}), at least 10 wanted",
    )
    return {**found, **curves.gates(results["curves"])}


def main(arguments):
    """Measure, write results, table and contact sheet, print the table; exit with 1 if a gate does not hold."""
    folder = Path(arguments.model)
    card = folder / "README.md"
    if not card.exists():
        raise FileNotFoundError(f"There is no model card {card} to write the table to.")
    results, contact = evaluate(folder, arguments.prompts, arguments.seeds)
    text = table(results)
    json_text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    write_whole(arguments.results, json_text.encode())
    page = io.BytesIO()
    Image.fromarray(sheet(list(contact), 10)).save(page, format="PNG", optimize=True)
    write_whole(folder / "contact_sheet.png", page.getvalue())
    write_block(card, "table", text)
    print(text)
    print(f"\nmeasured in {results['minutes']} minutes")
    failed = [name for name, (held, _) in gates(results).items() if not held]
    for name, (held, said) in gates(results).items():
        print(f"gate {name}: {'holds' if held else 'FAILS'} ({said})")
    if arguments.check and failed:
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL, help="folder to measure")
    parser.add_argument("--results", default="training/results.json", help="file for all numbers")
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2, help="pictures per prompt")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless the gates hold")
    main(parser.parse_args())
