"""The test prompts: scenes that training never shows, and the words that ask for them."""

from dataclasses import replace
from itertools import product

from training.judge import single
from training.scenes import Scene, article
from training.world import (
    BACKGROUNDS,
    OBJECTS,
    PLACES,
    SHAPES,
    SIZES,
    STYLES,
    held_out,
    held_out_pair,
)


def english(scene, tell=()):
    """Describe a scene in English; the usual size and place are left out unless `tell` names them."""
    sized = not scene.second and (scene.size != "medium" or "size" in tell)
    size = f"{SIZES[scene.size][1]} " if sized else ""
    names = [scene.full_name, scene.second] if scene.second else [scene.full_name]
    things = " and ".join(article(f"{size}{name}") for name in names)
    parts = [f"{things} on {article(scene.background)} background"]
    if not scene.colour:
        parts.append(STYLES[scene.style][1][0])
    if scene.second:
        parts.append("side by side")
    elif scene.place != "center" or "place" in tell:
        parts.append(PLACES[scene.place][2])
    return ", ".join(parts)


def japanese(scene):
    """Describe a single-object scene in Japanese; the usual size and the place are left out."""
    thing = ("" if scene.size == "medium" else SIZES[scene.size][2]) + OBJECTS[scene.thing].japanese[0]
    return f"{BACKGROUNDS[scene.background][1]}背景の{thing}、{STYLES[scene.style][2][0]}"


def new_template(scene):
    """Describe a single-object scene in one of three ways that no training caption is written."""
    thing, style = article(scene.thing), STYLES[scene.style]
    return (
        f"on {article(scene.background)} background: {thing}, {style[1][0]}",
        f"{style[1][0]}, background {scene.background}, picture of {thing}",
        f"{style[2][0]}の{OBJECTS[scene.thing].japanese[0]}、背景は{BACKGROUNDS[scene.background][1]}",
    )[sum(map(ord, scene.thing + scene.background)) % 3]


def combinations(count, rng, unseen=True):
    """Return `count` different single-object scenes of combinations training never (or does) show, in random order.

    Where there are fewer combinations than that, they come again with another size.
    """
    found = [Scene(*names) for names in product(OBJECTS, STYLES, BACKGROUNDS) if held_out(*names) == unseen]
    return _some(
        [replace(found[i], size=size) for size in ("medium", "big", "small") for i in rng.permutation(len(found))],
        count,
    )


def shape_scenes(count, rng):
    """Return `count` different scenes of a coloured shape that training never shows."""
    found = [
        Scene(shape, "flat", background, colour=colour)
        for shape, colour, background in product(SHAPES, BACKGROUNDS, BACKGROUNDS)
        if colour != background and held_out(f"{colour} {shape}", "flat", background)
    ]
    return _some([found[i] for i in rng.permutation(len(found))], count)


def _some(scenes, count):
    if count > len(scenes):
        raise ValueError(f"{count} prompts were asked for; there are {len(scenes)} different ones.")
    return scenes[:count]


def pair_scenes(count, rng):
    """Draw scenes of two objects whose order training never shows."""
    scenes = []
    while len(scenes) < count:
        one, other = single(rng), single(rng)
        if one.colour or other.colour or one.thing == other.thing or not held_out_pair(one.thing, other.thing):
            continue
        scenes.append(replace(one, size="small", place="center", second=other.thing))
    return scenes
