"""Measures how well the shipped model follows prompts, and writes the model card's table.

Run `python -m training.evaluate` after training.export (`--check` exits with 1 unless the gates
hold). Prompts name object, style and background of combinations that training never showed. The
background is measured without learning (median of the border, nearest named colour), so are place
and size; object and style are named by the judges, and of several judges the lower share counts.
Beside the model stand what bounds it: real drawings, the same through the VAE, and the model's
pictures held against other prompts' words (chance).
"""

import argparse
import io
import json
import math
import platform
import re
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdkit.judge import probabilities
from training.denoiser import border_background, sheet
from training.export import KEPT, MODEL
from training.judge import half, round_trip, single
from training.loop import write_whole
from training.scenes import Scene, article, render
from training.world import (
    BACKGROUNDS,
    OBJECTS,
    PLACES,
    SIDE,
    SIZES,
    STYLES,
    held_out,
    held_out_pair,
)

STEPS, GUIDANCE = 25, 5.0
AT_ONCE = 50  # pictures per call of the pipeline
CHANGED = 60  # a pixel belongs to the object if its channels differ from the border's by this much in all
GATES = {"background": 0.90, "object": 0.70, "japanese": 0.10}


def english(scene, tell=()):
    """Describe a scene in English; the usual size and place are left out unless `tell` names them."""
    sized = not scene.second and (scene.size != "medium" or "size" in tell)
    size = f"{SIZES[scene.size][1]} " if sized else ""
    things = " and ".join(article(f"{size}{thing}") for thing in (scene.thing, scene.second) if thing)
    parts = [f"{things} on {article(scene.background)} background", STYLES[scene.style][1][0]]
    if scene.second:
        parts.append("side by side")
    elif scene.place != "center" or "place" in tell:
        parts.append(PLACES[scene.place][2])
    return ", ".join(parts)


def japanese(scene):
    """Describe a single-object scene in Japanese; the usual size and the place are left out."""
    thing = ("" if scene.size == "medium" else SIZES[scene.size][2]) + OBJECTS[scene.thing].japanese[0]
    return f"{BACKGROUNDS[scene.background][1]}背景の{thing}、{STYLES[scene.style][2][0]}"


def wilson(share, count):
    """Return the Wilson score interval (95 %) of a share of `count` independent trials."""
    z = 1.96
    middle, spread = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return max(0.0, (middle - spread) / (1 + z * z / count)), min(1.0, (middle + spread) / (1 + z * z / count))


def load(folder):
    """Return the shipped pipeline with a DDIM scheduler, as plain diffusers loads it."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from diffusers.utils import logging

    logging.disable_progress_bar()
    pipe = StableDiffusionPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generate(pipe, prompts, seeds, guidance_scale=GUIDANCE):
    """Return one picture per prompt and seed, uint8 (N, SIDE, SIDE, 3)."""
    made = []
    for start in range(0, len(prompts), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        made.append(pipe(
            prompts[part], num_inference_steps=STEPS, guidance_scale=guidance_scale, output_type="np",
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds[part]],
        ).images)  # fmt: skip
    return (np.concatenate(made) * 255).round().astype(np.uint8)


def as_tensor(pictures):
    """Return uint8 pictures (N, SIDE, SIDE, 3) as floats (N, 3, SIDE, SIDE) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_bytes(pictures):
    """Return float pictures (N, SIDE, SIDE, 3) in -1..1 as uint8."""
    return (np.asarray(pictures) * 127.5 + 127.5).round().clip(0, 255).astype(np.uint8)


def object_box(picture):
    """Return left, top, right, bottom (pixels) of what differs from the border's colour, or None."""
    edge = np.concatenate([picture[:2].reshape(-1, 3), picture[-2:].reshape(-1, 3),
                           picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3)])
    far = np.abs(picture.astype(int) - np.median(edge, axis=0)).sum(-1) > CHANGED
    columns, rows = np.flatnonzero(far.sum(0) > 1), np.flatnonzero(far.sum(1) > 1)
    if not len(columns) or not len(rows):
        return None
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def place_of(picture):
    """Name the place of the object's middle: 4 pixels or more off the picture's middle count."""
    box = object_box(picture)
    if box is None:
        return ""
    across, down = (box[0] + box[2] - SIDE) / 2, (box[1] + box[3] - SIDE) / 2
    if max(abs(across), abs(down)) < 4:
        return "center"
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "top" if down < 0 else "bottom"


def size_of(picture):
    """Name the size nearest to the longer side of the object's box."""
    box = object_box(picture)
    if box is None:
        return ""
    side = max(box[2] - box[0], box[3] - box[1])
    return min(SIZES, key=lambda name: abs(SIZES[name][0] - side))


class Judges:
    """The judges of a model folder; of several, the one with the lower share of right answers counts."""

    def __init__(self, folder):
        self.folder = Path(folder) / "judge"
        self.names = sorted(file.stem for file in self.folder.glob("*.safetensors"))
        if not self.names:
            raise FileNotFoundError(f"No judge in {self.folder}. Run training.judge, then training.export.")
        self.heads = json.loads((self.folder / f"{self.names[0]}.json").read_text(encoding="utf-8"))["heads"]

    def right(self, pictures, head, wanted):
        """Return {judge: bool array} saying where each judge names what was wanted."""
        numbers = np.array([self.heads[head].index(name) for name in wanted])
        tensor = as_tensor(pictures)
        return {
            name: (probabilities(tensor, name, self.folder)[head].argmax(1).numpy() == numbers) for name in self.names
        }


def lower(verdicts):
    """Return the bool array of the judge with the fewest right answers."""
    return min(verdicts.values(), key=lambda right: right.mean())


def share(right, prompts):
    """Return a share with its interval; pictures of one prompt are not independent, so prompts are counted."""
    value = float(np.mean(right))
    return {"share": round(value, 4), "interval": [round(v, 4) for v in wilson(value, prompts)], "pictures": len(right)}


def measure(pictures, scenes, judges, prompts):
    """Return background, object and style shares of pictures held against scenes, picture by picture."""
    background = np.array([border_background(p) == s.background for p, s in zip(pictures, scenes, strict=True)])
    verdicts = {head: judges.right(pictures, head, [getattr(s, part) for s in scenes])
                for head, part in (("object", "thing"), ("style", "style"))}
    return {
        "background": share(background, prompts),
        **{head: share(lower(found), prompts) for head, found in verdicts.items()},
        "each_judge": {head: {name: round(float(right.mean()), 4) for name, right in found.items()}
                       for head, found in verdicts.items()},
    }


def combinations(count, rng, unseen=True):
    """Return `count` different single-object scenes of combinations training never (or does) show, in random order.

    Where there are fewer combinations than that, they come again with another size.
    """
    found = [Scene(*names) for names in product(OBJECTS, STYLES, BACKGROUNDS) if held_out(*names) == unseen]
    scenes = [replace(found[i], size=size) for size in ("medium", "big", "small") for i in rng.permutation(len(found))]
    if count > len(scenes):
        raise ValueError(f"{count} prompts were asked for; there are {len(scenes)} different ones.")
    return scenes[:count]


def pair_scenes(count, rng):
    """Draw scenes of two objects whose order training never shows."""
    scenes = []
    while len(scenes) < count:
        one, other = single(rng), single(rng)
        if one.thing != other.thing and held_out_pair(one.thing, other.thing):
            scenes.append(replace(one, size="small", place="center", second=other.thing))
    return scenes


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
    """Return the median time of single pictures after the first."""
    times = []
    for seed in range(6):
        start = time.perf_counter()
        generate(pipe, ["a cat on a blue background, flat style"], [seed])
        times.append(time.perf_counter() - start)
    return round(float(np.median(times[1:])), 2)


def megabytes(folder):
    """Return the size of each part of the model in megabytes (10^6 bytes), without its card and sheet."""
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
    return generate(pipe, texts, list(range(len(repeated))), guidance_scale), repeated


def drawings_of(scenes, rng):
    """Render scenes as uint8 (N, SIDE, SIDE, 3)."""
    return as_bytes(np.stack([render(scene, rng) for scene in scenes]))


def main_rows(pipe, judges, scenes, seeds, rng):
    """Measure background, object and style; return {row: shares} and the pictures of the row "model"."""
    count, few, few_seeds = len(scenes), fewer(len(scenes)), max(1, seeds // 2)

    def model(scenes, describe=english, seeds=seeds, **arguments):
        return measure(*pictures_of(pipe, scenes, describe, seeds, **arguments), judges, len(scenes))

    sizes = list(SIZES)
    real_scenes = [replace(scene, size=sizes[n % 3]) for scene in scenes for n in range(seeds)]
    real = drawings_of(real_scenes, rng)
    through = as_bytes(round_trip(pipe.vae, as_tensor(real)).permute(0, 2, 3, 1))
    made, asked = pictures_of(pipe, scenes, english, seeds)
    others = asked[seeds * (count // 2) :] + asked[: seeds * (count // 2)]
    rows = {
        "real drawings": measure(real, real_scenes, judges, count),
        "real drawings through the VAE": measure(through, real_scenes, judges, count),
        "model": measure(made, asked, judges, count),
        "model, prompts shuffled (chance)": measure(made, others, judges, count),
        "model, Japanese prompts": model(scenes, japanese),
        "model, combinations seen in training": model(combinations(few, rng, unseen=False), seeds=few_seeds),
        "model, guidance_scale 1": model(scenes, seeds=few_seeds, guidance_scale=1.0),
    }
    return rows, made


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


def pairs(pipe, judges, prompts, seeds, rng):
    """Measure pictures of two objects whose order training never shows."""
    scenes = pair_scenes(prompts, rng)
    made = pictures_of(pipe, scenes, english, seeds)
    return {
        "real drawings": measure_pairs(drawings_of(scenes, rng), scenes, judges, prompts),
        "model": measure_pairs(*made, judges, prompts),
    }


def versions():
    """Return the versions of what made the pictures."""
    import diffusers
    import transformers

    libraries = {"torch": torch, "numpy": np, "diffusers": diffusers, "transformers": transformers}
    return {"python": platform.python_version(), **{name: module.__version__ for name, module in libraries.items()}}


def evaluate(folder, prompts, seeds):
    """Measure everything; return the results and the contact sheet's pictures (the first seed of each prompt)."""
    started = time.perf_counter()
    pipe, judges, rng = load(folder), Judges(folder), np.random.default_rng(11)
    scenes = combinations(prompts, rng)
    rows, made = main_rows(pipe, judges, scenes, seeds, rng)
    smaller = fewer(prompts), max(1, seeds // 2), rng
    results = {
        "settings": {
            "scheduler": "DDIMScheduler", "num_inference_steps": STEPS, "guidance_scale": GUIDANCE,
            "prompts": prompts, "seeds_per_prompt": seeds, "judges": judges.names,
        },
        "rows": rows,
        **place_and_size(pipe, *smaller),
        "pairs": pairs(pipe, judges, *smaller),
        "seconds_per_picture": seconds_per_picture(pipe),
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
    lines = ["| pictures | n | background | object | style |", "|-|-|-|-|-|"]
    for name, row in results["rows"].items():
        shares = [percent(row[head]) for head in ("background", "object", "style")]
        lines.append(f"| {name} | {row['object']['pictures']} | {' | '.join(shares)} |")
    lines += ["", "| asked for in the prompt | real drawings | model | chance |", "|-|-|-|-|"]
    for name in ("place", "size"):
        real, made, chance = (results[name][key] for key in ("real drawings", "model", "chance"))
        lines.append(f"| {name} | {percent(real)} | {percent(made)} | {100 * chance:.0f} % |")
    for key, name in (("ordered", "two objects, in the order asked for"), ("any_order", "two objects, in any order")):
        real, made = results["pairs"]["real drawings"][key], results["pairs"]["model"][key]
        lines.append(f"| {name} | {percent(real)} | {percent(made)} | below 1 % |")
    settings, versions, sizes = results["settings"], results["versions"], results["megabytes"]
    parts = ", ".join(f"{part} {size} MB" for part, size in sizes.items() if part != "total" and size >= 0.1)
    lines += [
        "",
        f"{settings['prompts']} prompts x {settings['seeds_per_prompt']} seeds of combinations never trained on; "
        f"{settings['num_inference_steps']} steps of DDIM, guidance_scale {settings['guidance_scale']:g}; in brackets "
        "the 95 % Wilson interval with prompts as the unit. Object and style are named by "
        f"{len(settings['judges'])} judge network(s), the lower share counts; the rest is measured without learning. "
        f"One picture takes {results['seconds_per_picture']} s on {results['threads']} CPU core(s). "
        f"Files: {sizes['total']} MB ({parts}). "
        + "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]  # fmt: skip
    return "\n".join(lines)


def gates(results):
    """Return {gate: (held, what was measured)}."""
    rows = results["rows"]
    model, japan = rows["model"], rows["model, Japanese prompts"]
    found = {head: (model[head]["share"] >= GATES[head], f"{model[head]['share']:.1%}, wanted {GATES[head]:.0%}")
             for head in ("background", "object")}
    for head in ("background", "object"):
        gap = model[head]["share"] - japan[head]["share"]
        found[f"{head} in Japanese"] = (
            gap <= GATES["japanese"] + 1e-9, f"{100 * gap:.1f} points below English, at most 10 wanted")
    return found


def write_card(card, text):
    """Replace what stands between the table markers of the model card."""
    old = card.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)
    new, count = marked.subn(lambda match: match[1] + text + "\n" + match[2], old)
    if count != 1:
        raise ValueError(f"{card} has {count} places for the table; it needs one: <!-- table --> ... <!-- /table -->")
    write_whole(card, lambda path: path.write_text(new, encoding="utf-8"))


def main(arguments):
    """Measure, write results, table and contact sheet, print the table; exit with 1 if a gate does not hold."""
    folder = Path(arguments.model)
    card = folder / "README.md"
    if not card.exists():
        raise FileNotFoundError(f"There is no model card {card} to write the table to.")
    results, contact = evaluate(folder, arguments.prompts, arguments.seeds)
    text = table(results)
    json_text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    write_whole(arguments.results, lambda path: path.write_text(json_text, encoding="utf-8"))
    page = io.BytesIO()
    Image.fromarray(sheet(list(contact), 10)).save(page, format="PNG", optimize=True)
    write_whole(folder / "contact_sheet.png", lambda path: path.write_bytes(page.getvalue()))
    write_card(card, text)
    print(text)
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
    parser.add_argument("--seeds", type=int, default=4, help="pictures per prompt")
    parser.add_argument("--check", action="store_true", help="exit with 1 unless the gates hold")
    main(parser.parse_args())
