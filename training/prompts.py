"""The test prompts: scenes that training never shows, and the words that ask for them."""

from dataclasses import replace
from itertools import product

from training.judge import single
from training.scenes import Scene, article
from training.world import BACKGROUNDS, OBJECTS, PLACES, SHAPES, SIZES, STYLES, held_out, held_out_pair


def english(scene: Scene, tell=()) -> str:
    """Describe a scene in English; the usual size and place are left out unless `tell` holds "size" or "place"."""
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


def japanese(scene: Scene) -> str:
    """Describe a single-object scene in Japanese; the usual size and the place are left out."""
    thing = ("" if scene.size == "medium" else SIZES[scene.size][2]) + OBJECTS[scene.thing].japanese[0]
    return f"{BACKGROUNDS[scene.background][1]}背景の{thing}、{STYLES[scene.style][2][0]}"


def new_template(scene: Scene) -> str:
    """Describe a single-object scene in one of three ways in which no training caption is written."""
    thing, style = article(scene.thing), STYLES[scene.style]
    templates = (
        f"on {article(scene.background)} background: {thing}, {style[1][0]}",
        f"{style[1][0]}, background {scene.background}, picture of {thing}",
        f"{style[2][0]}の{OBJECTS[scene.thing].japanese[0]}、背景は{BACKGROUNDS[scene.background][1]}",
    )
    number = sum(map(ord, scene.thing + scene.background))  # any number that is the same each time
    return templates[number % len(templates)]


def combinations(count: int, rng, unseen: bool = True) -> list[Scene]:
    """Return `count` different single-object scenes of combinations training never (or does) show, in random order.

    Where there are fewer combinations than that, they come again with another size. Raises ValueError if there are
    not that many scenes.
    """
    found = [Scene(*names) for names in product(OBJECTS, STYLES, BACKGROUNDS) if held_out(*names) == unseen]
    sizes = ("medium", "big", "small")
    return _first(count, [replace(found[i], size=size) for size in sizes for i in rng.permutation(len(found))])


def shape_scenes(count: int, rng) -> list[Scene]:
    """Return `count` different scenes of a coloured shape that training never shows; ValueError if there are fewer."""
    found = [
        Scene(shape, "flat", background, colour=colour)
        for shape, colour, background in product(SHAPES, BACKGROUNDS, BACKGROUNDS)
        if colour != background and held_out(f"{colour} {shape}", "flat", background)
    ]
    return _first(count, [found[i] for i in rng.permutation(len(found))])


def _first(count, scenes):
    if count > len(scenes):
        raise ValueError(f"{count} prompts were asked for; there are {len(scenes)} different ones.")
    return scenes[:count]


def pair_scenes(count: int, rng) -> list[Scene]:
    """Draw scenes of two objects whose order training never shows."""
    scenes: list[Scene] = []
    while len(scenes) < count:
        left, right = single(rng), single(rng)
        if left.colour or right.colour or left.thing == right.thing or not held_out_pair(left.thing, right.thing):
            continue
        scenes.append(replace(left, size="small", place="center", second=right.thing))
    return scenes
