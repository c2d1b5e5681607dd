"""One measured curve per parameter: what the lessons say of each, in numbers of the shipped model.

Each function takes the pipeline, the judges where they are asked, and a source of random scenes; all scenes
are of combinations never trained on. It returns plain numbers for training/results.json: {value of the
parameter: what was measured}. Distances are `sdkit.measure.distance`, in grey levels.
"""

from dataclasses import replace
from itertools import combinations as pairs_of

import diffusers
import numpy as np
import torch
from PIL import Image

from sdkit import generator
from sdkit.loading.components import pipeline_from
from sdkit.measure import saturation
from sdkit.schedulers import SCHEDULERS
from training.measures import background_of, distances, unevenness
from training.pictures import as_images, drawings_of, generate, through_vae
from training.prompts import combinations, english
from training.scenes import article
from training.verdicts import strictest
from training.world import BACKGROUNDS, LARGE, OBJECTS, SIDE, STYLES

LONG_RUN = 250  # steps that stand for "to the end"
# With 250 diffusers would start these two at timestep 751 and end elsewhere: it spaces their steps
# 1000 // (steps + 1) apart. With 249 they start at 997.
LONG_RUNS = {"DPM++ 2M": 249, "UniPC": 249}
# DDIM comes first, for the others' pictures are compared with its end too.
MEASURED_SCHEDULERS = ("DDIM", "PNDM", "Euler", "Euler a", "DPM++ 2M", "UniPC", "Heun", "LMS")


def guidance_scale(pipe, judges, rng, prompts=24, seeds=2) -> dict:
    """Vary guidance_scale: prompt match, diversity over seeds, unevenness of the border (the median picture's, in grey
    levels), saturation, share of clipped values, blank pictures.
    """
    scenes = [scene for scene in combinations(prompts, rng) for _ in range(seeds)]
    texts = [english(scene) for scene in scenes]
    rows = {}
    for scale in (1.0, 2.5, 5.0, 7.5, 12.0, 20.0):
        pictures = generate(pipe, texts, range(len(texts)), guidance_scale=scale)
        rows[f"{scale:g}"] = {
            "match": round(float(judges.match(pictures, scenes).mean()), 3),
            "diversity": round(judges.diversity(np.split(pictures, prompts)), 3),
            "unevenness": round(float(np.median([unevenness(picture) for picture in pictures])), 2),
            "saturation": round(float(np.mean([saturation(picture) for picture in pictures])), 3),
            "clipped": round(float(((pictures == 0) | (pictures == 255)).mean()), 4),
            "prompts": prompts,
            "blank": int(sum(picture.std() < 1 for picture in pictures)),
        }
    return rows


def steps(pipe, rng, prompts=3) -> dict:
    """Vary scheduler and steps: {scheduler: {steps: distances to the same scheduler's end and to DDIM's}}."""
    texts = [english(scene) for scene in combinations(prompts, rng)]
    ends: dict[str, np.ndarray] = {}
    rows: dict[str, dict] = {}
    for name in MEASURED_SCHEDULERS:
        scheduler = getattr(diffusers, SCHEDULERS[name]).from_config(pipe.scheduler.config)
        other = pipeline_from(type(pipe), pipe, scheduler=scheduler)
        ends[name] = generate(other, texts, range(prompts), num_inference_steps=LONG_RUNS.get(name, LONG_RUN))
        rows[name] = {}
        for count in (5, 10, 25, 50):
            made = generate(other, texts, range(prompts), num_inference_steps=count)
            rows[name][str(count)] = [
                round(float(distances(made, end).mean()), 2) for end in (ends[name], ends["DDIM"])
            ]
    return rows


def negative_prompt(pipe, judges, rng, count=60) -> dict:
    """Name a background or a style in the negative prompt where the prompt leaves it free: how often it still comes.

    Returns {"background" and "style": the share of pictures that show what is named, without and with the
    negative prompt, and by how much (0 to 255) it changes any value at guidance_scale 1, where it is not used}.
    """
    things = rng.permutation(list(OBJECTS)).tolist()
    texts = [article(things[number % len(things)]) for number in range(count)]
    free = generate(pipe, texts, range(count))
    few = slice(8)
    unguided = generate(pipe, texts[few], range(count)[few], guidance_scale=1.0)
    rows = {}
    for kind, words in (("background", list(BACKGROUNDS)), ("style", list(STYLES))):
        named = [words[number % len(words)] for number in range(count)]
        negatives = [f"{name} {kind}" for name in named]
        pushed = generate(pipe, texts, range(count), negative_prompt=negatives)
        unchanged = generate(pipe, texts[few], range(count)[few], guidance_scale=1.0, negative_prompt=negatives[few])
        shown = _shown(kind, free, judges)
        rows[kind] = {
            "without": float(np.mean([np.mean(shown == name) for name in named])),
            "with": float(np.mean(_shown(kind, pushed, judges) == np.array(named))),
            "difference_at_guidance_1": int(np.abs(unguided.astype(int) - unchanged).max()),
        }
    return rows


def _shown(kind, pictures, judges):
    if kind == "background":
        return np.array([background_of(picture) for picture in pictures])
    return judges.named(pictures)[kind]


def eta(pipe, rng, prompts=12, seeds=3) -> dict:
    """Vary eta: the distance of pictures that start from the same noise but get other noise on the way."""
    texts = [english(scene) for scene in combinations(prompts, rng)]
    start = torch.randn(prompts, 4, LARGE // 8, LARGE // 8, generator=generator(0))
    rows = {}
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        made = [
            generate(pipe, texts, range(100 * number, 100 * number + prompts), eta=value, latents=start)
            for number in range(seeds)
        ]
        rows[f"{value:g}"] = round(float(np.mean([distances(a, b).mean() for a, b in pairs_of(made, 2)])), 2)
    return rows


def strength(pipe, judges, rng, count=16) -> dict:
    """Vary strength in image-to-image: distance to the start's VAE round trip, and match of the new prompt."""
    pipe = pipeline_from(diffusers.StableDiffusionImg2ImgPipeline, pipe)
    start, goal = combinations(count, rng), combinations(2 * count, rng)[count:]
    texts = [english(scene) for scene in goal]
    drawn = drawings_of(start, rng)
    decoded = through_vae(pipe.vae, drawn)
    rows = {}
    for value in (0.2, 0.4, 0.6, 0.8, 1.0):
        made = generate(pipe, texts, range(count), image=as_images(drawn), strength=value)
        rows[f"{value:g}"] = {
            "distance": round(float(distances(made, decoded).mean()), 1),
            "match": round(float(judges.match(made, goal).mean()), 3),
        }
    return rows


def inpaint(pipe, rng, count=24) -> dict:
    """Paint the left half anew: distances outside the mask, to the input and to its VAE round trip, and the mean
    change of a value (0 to 255) inside.
    """
    pipe = pipeline_from(diffusers.StableDiffusionInpaintPipeline, pipe)
    start = [replace(scene, size="small", place="right") for scene in combinations(count, rng)]
    drawn = drawings_of(start, rng)
    decoded = through_vae(pipe.vae, drawn)
    middle = LARGE // 2
    mask = np.zeros((LARGE, LARGE), np.uint8)
    mask[:, :middle] = 255
    things = rng.permutation(list(OBJECTS)).tolist()[:count]
    texts = [f"{article(thing)} on {article(s.background)} background" for thing, s in zip(things, start, strict=True)]
    masks = [Image.fromarray(mask)] * count
    made = generate(pipe, texts, range(count), image=as_images(drawn), mask_image=masks, strength=1.0)
    outside = slice(middle + 8, None)  # latents are 8 pixels wide, and the decoder looks over the edge
    inside = np.abs(made[:, :, :middle].astype(int) - drawn[:, :, :middle])
    return {
        "outside_against_round_trip": round(float(distances(made[:, :, outside], decoded[:, :, outside]).mean()), 2),
        "outside_against_input": round(float(distances(made[:, :, outside], drawn[:, :, outside]).mean()), 2),
        "inside_mean_change": round(float(inside.mean()), 1),
    }


def inpaint_objects(pipe, judges, count=40) -> dict:
    """Paint another object over the one in the middle: the share that the strictest judge names as asked.

    It has a source of random scenes of its own, so that it can be measured alone.
    """
    pipe, rng = pipeline_from(diffusers.StableDiffusionInpaintPipeline, pipe), np.random.default_rng(13)
    start, goal = combinations(count, rng), combinations(2 * count, rng)[count:]
    goal = [replace(new, style=old.style, background=old.background) for new, old in zip(goal, start, strict=True)]
    mask = np.zeros((LARGE, LARGE), np.uint8)
    mask[LARGE // 8 : -LARGE // 8, LARGE // 8 : -LARGE // 8] = 255
    texts, drawn = [english(scene) for scene in goal], as_images(drawings_of(start, rng))
    made = generate(pipe, texts, range(count), image=drawn, mask_image=[Image.fromarray(mask)] * count, strength=1.0)
    named = judges.right(made, "object", [scene.thing for scene in goal])
    return {"share": round(float(strictest(named).mean()), 3), "pictures": count}


def sizes(pipe, judges, rng, prompts=6) -> dict:
    """Vary height and width: how much of the prompt is still matched (pictures scaled to 64 x 64 for the judge)."""
    scenes = combinations(prompts, rng)
    texts = [english(scene) for scene in scenes]
    rows = {}
    for height, width in ((64, 64), (128, 128), (128, 192), (192, 192), (256, 256)):
        made = as_images(generate(pipe, texts, range(prompts), height=height, width=width))
        small = np.stack([np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)) for image in made])
        right = [background_of(picture) == scene.background for picture, scene in zip(small, scenes, strict=True)]
        rows[f"{width} x {height}"] = {
            "background": round(float(np.mean(right)), 3),
            "match": round(float(judges.match(small, scenes).mean()), 3),
        }
    return rows


def all_curves(pipe, judges, rng) -> dict[str, dict]:
    """Return every curve, by the name under which training/results.json keeps it."""
    return {
        "guidance_scale": guidance_scale(pipe, judges, rng),
        "steps": steps(pipe, rng),
        "negative_prompt": negative_prompt(pipe, judges, rng),
        "eta": eta(pipe, rng),
        "strength": strength(pipe, judges, rng),
        "inpaint": inpaint(pipe, rng),
        "inpaint_objects": inpaint_objects(pipe, judges),
        "sizes": sizes(pipe, judges, rng),
    }
