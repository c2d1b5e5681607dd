"""One measured curve per parameter: what the lessons say of each, in numbers of the shipped model.

Each function takes a `Bench` and returns plain numbers for training/results.json; `table` writes
them as Markdown for the model card.
"""

import copy
import json
from dataclasses import dataclass, replace
from itertools import combinations as couples
from math import ceil
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdkit.judge import features, probabilities
from training.judge import round_trip
from training.loop import cores, threads_for, workers
from training.measures import background_of, rmse, saturation
from training.prompts import combinations, english
from training.scenes import article
from training.world import BACKGROUNDS, OBJECTS, SIDE, STYLES

STEPS, GUIDANCE = 25, 5.0
AT_ONCE = 16  # pictures per call of the pipeline, in each thread
# Steps that stand for "to the end": 250, but of these two 249. diffusers spaces their steps 1000 // (steps + 1)
# apart, so with 250 they would take pure noise for timestep 751 and end elsewhere; with 249 they start at 997.
LONG = {"DPM++ 2M": 249, "UniPC": 249}
SCHEDULERS = {
    "DDIM": ("DDIMScheduler", {}),
    "PNDM": ("PNDMScheduler", {"skip_prk_steps": True}),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "LMS": ("LMSDiscreteScheduler", {}),
}


def generators(seeds):
    """Return a fresh CPU generator per seed."""
    return [torch.Generator("cpu").manual_seed(int(seed)) for seed in seeds]


def as_tensor(pictures):
    """Return uint8 pictures (N, SIDE, SIDE, 3) as floats (N, 3, SIDE, SIDE) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def as_bytes(pictures):
    """Return float pictures (N, SIDE, SIDE, 3) in -1..1 as uint8."""
    return (np.asarray(pictures) * 127.5 + 127.5).round().clip(0, 255).astype(np.uint8)


def generate(pipe, prompts, seeds, **arguments):
    """Return one picture per prompt and seed, uint8 (N, SIDE, SIDE, 3); arguments may hold lists, one entry each.

    Several pictures are shared out to threads: the layers are too small to keep two cores busy together.
    """
    arguments = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE} | arguments
    threads = min(len(prompts), threads_for("cpu"))
    at_once = ceil(len(prompts) / (threads * ceil(len(prompts) / (threads * AT_ONCE))))  # the same in each thread

    def make(start):
        part = slice(start, start + at_once)
        own = {
            name: value[part] if isinstance(value, (list, torch.Tensor)) else value for name, value in arguments.items()
        }
        twin = copy.copy(pipe)  # what counts steps or switches padding on and off cannot serve two calls at once
        twin.scheduler, twin.tokenizer = copy.deepcopy(pipe.scheduler), copy.deepcopy(pipe.tokenizer)
        return twin(prompts[part], generator=generators(seeds[part]), output_type="np", **own).images

    starts = range(0, len(prompts), at_once)
    if threads == 1:
        made = [make(start) for start in starts]
    else:
        with cores(max(1, torch.get_num_threads() // threads)), workers(threads) as pool:
            made = list(pool.map(make, starts))
    return (np.concatenate(made) * 255).round().astype(np.uint8)


class Judges:
    """The judges of a model folder; of several, the one with the lower share of right answers counts."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.names = sorted(file.stem for file in self.folder.glob("*.safetensors"))
        if not self.names:
            raise FileNotFoundError(f"There is no judge in {self.folder}. Run training.judge first.")
        self.heads = json.loads((self.folder / f"{self.names[0]}.json").read_text(encoding="utf-8"))["heads"]

    def right(self, pictures, head, wanted):
        """Return {judge: bool array} saying where each judge names what was wanted."""
        numbers = np.array([self.heads[head].index(name) for name in wanted])
        tensor = as_tensor(pictures)
        return {
            name: (probabilities(tensor, name, self.folder)[head].argmax(1).numpy() == numbers) for name in self.names
        }


@dataclass
class Bench:
    """What every measurement needs: the pipeline, the judges, a source of random scenes."""

    pipe: object
    judges: object
    rng: np.random.Generator

    def scenes(self, count):
        """Return `count` held-out single-object scenes."""
        return combinations(count, self.rng)

    def match(self, pictures, scenes, name=None):
        """Return for each picture whether background, object and style are all right (by one judge)."""
        name = name or self.judges.names[0]
        found = probabilities(as_tensor(pictures), name, self.judges.folder)
        object_, style = (
            [self.judges.heads[head][number] for number in found[head].argmax(1)] for head in ("object", "style")
        )
        return np.array([
            (background_of(picture), thing, way) == (scene.background, scene.thing, scene.style)
            for picture, thing, way, scene in zip(pictures, object_, style, scenes, strict=True)
        ])  # fmt: skip

    def diversity(self, groups):
        """Return the mean distance between the judge's features of the pictures within each group."""
        apart = []
        for pictures in groups:
            found = features(as_tensor(pictures), self.judges.names[0], self.judges.folder)
            found = found / found.norm(dim=1, keepdim=True)
            apart += [float((a - b).norm()) for a, b in couples(found, 2)]
        return float(np.mean(apart))


def guidance(bench, prompts=24, seeds=2):
    """Vary guidance_scale: prompt match, diversity over seeds, saturation, share of clipped values."""
    scenes = [scene for scene in bench.scenes(prompts) for _ in range(seeds)]
    rows = {}
    for scale in (1.0, 2.0, 3.0, 5.0, 10.0, 20.0):
        pictures = generate(bench.pipe, [english(s) for s in scenes], range(len(scenes)), guidance_scale=scale)
        rows[f"{scale:g}"] = {
            "match": round(float(bench.match(pictures, scenes).mean()), 3),
            "diversity": round(bench.diversity(np.split(pictures, prompts)), 3),
            "saturation": round(saturation(pictures), 3),
            "clipped": round(float(((pictures == 0) | (pictures == 255)).mean()), 4),
            "blank": int(sum(picture.std() < 1 for picture in pictures)),
        }
    return rows


def distances_to_long_run(bench, prompts=3):
    """Vary scheduler and steps: RMSE in grey levels to the same scheduler's end, and to DDIM's."""
    import diffusers

    scenes = bench.scenes(prompts)
    texts, kept, rows, common = [english(scene) for scene in scenes], bench.pipe.scheduler, {}, None
    for name, (kind, options) in SCHEDULERS.items():
        bench.pipe.scheduler = getattr(diffusers, kind).from_config(kept.config, **options)

        def run(steps):
            return generate(bench.pipe, texts, range(prompts), num_inference_steps=steps)

        long = run(LONG.get(name, 250))
        common = long if common is None else common
        rows[name] = {
            str(steps): [round(float(rmse(made, end).mean()), 2) for end in (long, common)]
            for steps in (5, 10, 25, 50)
            for made in [run(steps)]
        }
    bench.pipe.scheduler = kept
    return rows


def negative(bench, seeds=60):
    """Name a background or a style in the negative prompt where the prompt leaves it free: how often it still comes."""
    things = [list(OBJECTS)[number] for number in bench.rng.permutation(len(OBJECTS))]
    texts = [article(things[number % len(things)]) for number in range(seeds)]
    made, rows = generate(bench.pipe, texts, range(seeds)), {}
    for kind, phrase, names in (("background", "{} background", BACKGROUNDS), ("style", "{} style", STYLES)):

        def shown(pictures, kind=kind):
            if kind == "background":
                return np.array([background_of(picture) for picture in pictures])
            judge = probabilities(as_tensor(pictures), bench.judges.names[0], bench.judges.folder)["style"]
            return np.array([bench.judges.heads["style"][number] for number in judge.argmax(1)])

        named = [list(names)[number % len(names)] for number in range(seeds)]
        negatives = [phrase.format(name) for name in named]
        free = shown(made)
        pushed = shown(generate(bench.pipe, texts, range(seeds), negative_prompt=negatives))
        off = [
            generate(bench.pipe, texts[:8], range(8), guidance_scale=1.0, **more)
            for more in ({}, {"negative_prompt": negatives[:8]})
        ]
        rows[kind] = {
            "without": float(np.mean([np.mean(free == name) for name in named])),
            "with": float(np.mean(pushed == np.array(named))),
            "difference_at_guidance_1": int(np.abs(off[0].astype(int) - off[1]).max()),
        }
    return rows


def eta(bench, prompts=12, seeds=3):
    """Vary eta: how far pictures of one start but other noise on the way are apart (grey levels)."""
    texts = [english(scene) for scene in bench.scenes(prompts)]
    start = torch.randn(prompts, 4, SIDE // 4, SIDE // 4, generator=torch.Generator("cpu").manual_seed(0))
    rows = {}
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        made = [generate(bench.pipe, texts, range(100 * n, 100 * n + prompts), eta=value, latents=start)
                for n in range(seeds)]  # fmt: skip
        rows[f"{value:g}"] = round(float(np.mean([rmse(a, b).mean() for a, b in couples(made, 2)])), 2)
    return rows


def _pictures(drawn):
    return [Image.fromarray(picture) for picture in drawn]


def strength(bench, drawings, count=16):
    """Vary strength in image-to-image: distance to the start's VAE round trip, and match of the new prompt."""
    from diffusers import StableDiffusionImg2ImgPipeline

    pipe = StableDiffusionImg2ImgPipeline(**bench.pipe.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    start, goal = bench.scenes(2 * count)[:count], bench.scenes(2 * count)[count:]
    drawn = drawings(start)
    through = as_bytes(round_trip(pipe.vae, as_tensor(drawn)).permute(0, 2, 3, 1))
    rows = {}
    for value in (0.2, 0.4, 0.6, 0.8, 1.0):
        made = generate(pipe, [english(scene) for scene in goal], range(count), image=_pictures(drawn), strength=value)
        rows[f"{value:g}"] = {
            "distance": round(float(rmse(made, through).mean()), 1),
            "match": round(float(bench.match(made, goal).mean()), 3),
        }
    return rows


def inpaint(bench, drawings, count=24):
    """Paint the left half anew: error outside the mask against the VAE round trip, and what appears inside."""
    from diffusers import StableDiffusionInpaintPipeline

    pipe = StableDiffusionInpaintPipeline(**bench.pipe.components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    start = [replace(scene, size="small", place="right") for scene in bench.scenes(count)]
    drawn = drawings(start)
    through = as_bytes(round_trip(pipe.vae, as_tensor(drawn)).permute(0, 2, 3, 1))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 2] = 255
    things = [list(OBJECTS)[number] for number in bench.rng.permutation(len(OBJECTS))[:count]]
    texts = [f"{article(thing)} on {article(s.background)} background" for thing, s in zip(things, start, strict=True)]
    made = generate(pipe, texts, range(count), image=_pictures(drawn), mask_image=[Image.fromarray(mask)] * count,
                    strength=1.0)  # fmt: skip
    kept = slice(SIDE // 2 + 4, None)  # latents are 4 pixels wide, and the decoder looks over the edge
    changed = np.array([np.abs(a[:, : SIDE // 2].astype(int) - b[:, : SIDE // 2]).mean()
                        for a, b in zip(made, drawn, strict=True)])  # fmt: skip
    return {
        "outside_against_round_trip": round(float(rmse(made[:, :, kept], through[:, :, kept]).mean()), 2),
        "outside_against_input": round(float(rmse(made[:, :, kept], drawn[:, :, kept]).mean()), 2),
        "inside_mean_change": round(float(changed.mean()), 1),
    }


def sizes(bench, prompts=6):
    """Vary height and width: how much of the prompt is still matched (pictures shrunk to 64 x 64 for the judge)."""
    scenes = bench.scenes(prompts)
    rows = {}
    for height, width in ((32, 32), (64, 64), (64, 96), (96, 96), (128, 128)):
        made = generate(bench.pipe, [english(s) for s in scenes], range(prompts), height=height, width=width)
        small = np.stack([np.asarray(one.resize((SIDE, SIDE), Image.Resampling.BOX)) for one in _pictures(made)])
        rows[f"{width} x {height}"] = {
            "background": round(float(np.mean([background_of(p) == s.background for p, s in zip(small, scenes)])), 3),
            "match": round(float(bench.match(small, scenes).mean()), 3),
        }
    return rows


def measure(bench, drawings):
    """Return every curve; `drawings(scenes)` renders scenes as uint8 pictures."""
    return {
        "guidance_scale": guidance(bench),
        "steps": distances_to_long_run(bench),
        "negative_prompt": negative(bench),
        "eta": eta(bench),
        "strength": strength(bench, drawings),
        "inpaint": inpaint(bench, drawings),
        "sizes": sizes(bench),
    }


def gates(curves):
    """Return {gate: (held, what was measured)} of what the lessons build on."""
    scale, etas = curves["guidance_scale"], curves["eta"]
    found = {
        "guidance 1 -> 5 lowers diversity": (
            scale["5"]["diversity"] < scale["1"]["diversity"],
            f"{scale['1']['diversity']} -> {scale['5']['diversity']}"),
        "guidance 20 makes no blank picture": (scale["20"]["blank"] == 0, f"{scale['20']['blank']} blank"),
        "eta 0 is exact, and the spread grows": (
            etas["0"] == 0 and all(a < b for a, b in couples(etas.values(), 2)), str(list(etas.values()))),
    }  # fmt: skip
    for kind, row in curves["negative_prompt"].items():
        found[f"a negative {kind} halves it"] = (
            row["with"] <= row["without"] / 2 + 1e-9 and row["difference_at_guidance_1"] == 0,
            f"{row['without']:.1%} -> {row['with']:.1%}",
        )
    for name, row in curves["steps"].items():
        few, more = row["5"][0], row["25"][0]
        found[f"{name}: 25 steps nearer the end than 5"] = (more < few, f"{few} -> {more}")
    return found


def table(curves):
    """Return the curves as Markdown."""
    lines = ["| guidance_scale | prompt match | diversity over seeds | saturation | clipped values |", "|-|-|-|-|-|"]
    for scale, row in curves["guidance_scale"].items():
        lines.append(f"| {scale} | {100 * row['match']:.0f} % | {row['diversity']:.2f} | {row['saturation']:.2f} "
                     f"| {100 * row['clipped']:.0f} % |")  # fmt: skip
    lines += ["", "| scheduler | 5 steps | 10 | 25 | 50 | 25 steps to DDIM's end |", "|-|-|-|-|-|-|"]
    for name, row in curves["steps"].items():
        lines.append(f"| {name} | {' | '.join(str(row[n][0]) for n in ('5', '10', '25', '50'))} | {row['25'][1]} |")
    lines += ["", "Distance in grey levels (RMSE) to the same scheduler's result after 250 steps (249 for DPM++ 2M "
              "and UniPC: with 250 diffusers starts them at timestep 751).", "",
              "| negative_prompt | shown without it | shown with it |", "|-|-|-|"]  # fmt: skip
    for kind, row in curves["negative_prompt"].items():
        lines.append(f"| one {kind}, where the prompt leaves it free | {row['without']:.1%} | {row['with']:.1%} |")
    etas = curves["eta"]
    lines += ["", f"| eta | {' | '.join(etas)} |", "|-|" + "-|" * len(etas),
              f"| pictures of one start apart, grey levels | {' | '.join(map(str, etas.values()))} |", "",
              "| strength | distance to the start | new prompt matched |", "|-|-|-|"]  # fmt: skip
    for value, row in curves["strength"].items():
        lines.append(f"| {value} | {row['distance']} | {100 * row['match']:.0f} % |")
    lines += ["", "| width x height | background right | prompt matched |", "|-|-|-|"]
    for value, row in curves["sizes"].items():
        lines.append(f"| {value} | {100 * row['background']:.0f} % | {100 * row['match']:.0f} % |")
    half = curves["inpaint"]
    lines += [
        "",
        f"Inpainting: outside the mask the picture is {half['outside_against_round_trip']} grey levels from the "
        f"input's VAE round trip ({half['outside_against_input']} from the input itself); inside, values change by "
        f"{half['inside_mean_change']} on average.",
    ]
    return "\n".join(lines)
