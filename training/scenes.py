"""Random scenes (pictures with known attributes) and the captions that describe them.

Captions leave things out on purpose: a prompt that names only some attributes must leave the
others free, or seed, guidance and negative prompt would have nothing to decide.
"""

from dataclasses import dataclass, replace

import numpy as np

from training.drawings import shape, sprite
from training.world import (
    BACKGROUNDS,
    CATEGORIES,
    OBJECTS,
    PAIR_SIDE,
    PLACES,
    SHAPES,
    SIDE,
    SIZES,
    STYLES,
    THINGS,
    held_out,
    held_out_pair,
)

KEEP = 0.65  # chance that a caption mentions an attribute
SHAPE_SHARE = 0.09  # of the scenes with one thing
STRANGE = 0.1  # share of captions with a word that means nothing, so that unknown words do nothing


@dataclass(frozen=True)
class Scene:
    """The attributes of one picture; `second` is the right-hand object of a pair, `colour` a plain shape's."""

    thing: str
    style: str
    background: str
    size: str = "medium"
    place: str = "center"
    second: str = ""
    colour: str = ""

    @property
    def full_name(self):
        """What the scene shows, as the tables of what is held out name it."""
        return f"{self.colour} {self.thing}".strip()


def random_scene(rng):
    """Draw a scene for training: never one that is held out."""
    things, styles, backgrounds = list(OBJECTS), list(STYLES), list(BACKGROUNDS)
    while True:
        style, background = styles[rng.integers(len(styles))], backgrounds[rng.integers(len(backgrounds))]
        thing = things[rng.integers(len(things))]
        kind = rng.random()
        if kind < 0.1:
            second = things[rng.integers(len(things))]
            if second == thing or held_out_pair(thing, second) or held_out(second, style, background):
                continue
            scene = Scene(thing, style, background, "small", "center", second)
        elif kind < 0.4:
            scene = Scene(
                thing,
                style,
                background,
                ("small", "medium")[rng.random() < 0.3],
                ("left", "right", "top", "bottom")[rng.integers(4)],
            )
        else:
            scene = Scene(thing, style, background, list(SIZES)[rng.integers(3)])
        if not scene.second and rng.random() < SHAPE_SHARE:
            colour = backgrounds[rng.integers(len(backgrounds))]
            if colour == background:
                continue
            scene = replace(scene, thing=list(SHAPES)[rng.integers(len(SHAPES))], style="flat", colour=colour)
        if not held_out(scene.full_name, scene.style, background):
            return scene


def render(scene: Scene, rng=None, side: int = SIDE) -> np.ndarray:
    """Draw a scene as float32 (side, side, 3) in -1..1; with `rng`, colour and place vary a little.

    `side` is SIDE or a multiple of it; all lengths grow with it.
    """
    scale = side // SIDE
    colour = np.array(BACKGROUNDS[scene.background][0], dtype=np.float32)
    if rng is not None:
        colour = colour + rng.uniform(-6, 6, 3).astype(np.float32)
    canvas = np.broadcast_to(colour.clip(0, 255) / 255, (side, side, 3)).copy()
    light_ink = scene.style == "line" and colour @ (0.299, 0.587, 0.114) < 110

    def paste(thing, wide, x, y):
        if scene.colour:
            shade, alpha = shape(thing, BACKGROUNDS[scene.colour][0], wide)
        else:
            shade, alpha = sprite(thing, scene.style, wide)
        if light_ink:
            shade = alpha * 0.96
        window = canvas[y : y + wide, x : x + wide]
        window *= 1 - alpha
        window += shade

    def jitter():
        return 0 if rng is None else int(rng.integers(-scale, scale + 1))

    margin = 2 * scale
    if scene.second:
        wide = PAIR_SIDE * scale
        y = (side - wide) // 2 + jitter()
        paste(scene.thing, wide, margin + jitter(), y)
        paste(scene.second, wide, side - wide - margin + jitter(), y)
    else:
        wide = SIZES[scene.size][0] * scale + jitter()
        room = (side - wide) // 2
        across, down = PLACES[scene.place][:2]
        x = room + across * (room - margin) + jitter()
        y = room + down * (room - margin) + jitter()
        paste(scene.thing, wide, min(max(x, 0), side - wide), min(max(y, 0), side - wide))
    return canvas * 2 - 1


def caption(scene, rng):
    """Write a caption in English (60 %), Japanese (32 %) or with emoji (8 %); each attribute may be left out."""
    keep = {name: rng.random() < KEEP for name in ("background", "style", "size", "place")}
    keep["place"] &= scene.place != "center" or rng.random() < 0.3
    keep["size"] &= not scene.second
    keep["thing"] = rng.random() > 0.07 or not any(keep.values())
    language = 0.92 * rng.random() if scene.colour else rng.random()  # shapes have no emoji
    if language < 0.6:
        text, strange, comma = _english(scene, keep, rng), _strange(LATIN, rng), ", "
    elif language < 0.92:
        text, strange, comma = _japanese(scene, keep, rng), _strange(KANA, rng), "、"
    else:
        return _emoji(scene, keep, rng)
    if rng.random() >= STRANGE:
        return text
    place = rng.random()
    if place < 0.5:
        return text + comma + strange
    if place < 0.75 or " " not in text:
        return strange + comma + text
    words = text.split(" ")
    words.insert(int(rng.integers(1, len(words))), strange)
    return " ".join(words)


LATIN = (
    "ba ce di fo gu hal in jor ki lo mar ne os pi qua re sto ti ul ven wa xi yo za gra tion est ing ly er "
    "pho real hd art mas ter piece"
).split()
KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわん高品質最写真"


def _strange(syllables, rng):
    """Make up a word of 2 to 5 syllables or characters."""
    return "".join(syllables[i] for i in rng.integers(len(syllables), size=rng.integers(2, 6)))


def _things(scene):
    return [thing for thing in (scene.thing, scene.second) if thing]


def _choose(words, rng):
    """Pick a word; the first is the usual one."""
    return words[0] if rng.random() < 0.6 else words[rng.integers(len(words))]


def _general(thing, language, rng):
    """Return the object's category word now and then, else one of its own words."""
    category = THINGS[thing].category
    if category and rng.random() < 0.12:
        return _choose(CATEGORIES[category][language], rng)
    return _choose((THINGS[thing].english, THINGS[thing].japanese)[language], rng)


def _colour(scene, thing, rng):
    """Return the thing's own colour now and then ("a red apple" is no red background); a shape's mostly."""
    if scene.colour:
        return scene.colour if rng.random() < 0.8 else ""
    return OBJECTS[thing].colour if scene.style != "line" and rng.random() < 0.2 else ""


def article(word):
    """Put "a" or "an" before a word or phrase; a plural stays as it is."""
    if word.endswith("s"):  # a plural
        return word
    vowel = word[0] in "aeiou" and not word.startswith("uni")  # "a unicorn": a sound like y
    return f"{'an' if vowel else 'a'} {word}"


def _english(scene, keep, rng):
    size = SIZES[scene.size][1]
    phrases = []
    if keep["thing"]:
        words = [f"{_colour(scene, thing, rng)} {_general(thing, 0, rng)}".strip() for thing in _things(scene)]
        if rng.random() < 0.15:
            words = [f"cute {word}" for word in words]
        if keep["size"]:
            words = [f"{size} {word}" for word in words]
        bare = rng.random() < 0.25
        head = " and ".join(word if bare else article(word) for word in words)
        if rng.random() < 0.15:
            head = ("a picture of ", "a drawing of ", "an icon of ")[rng.integers(3)] + head
    else:
        head = f"{size} size" if keep["size"] else ""
    if keep["background"]:
        full = f"on a{'n' if scene.background[0] in 'aeiou' else ''} {scene.background} background"
        if head and rng.random() < 0.6:
            head = f"{head} {full}"
        else:
            phrases.append(f"{scene.background} background")
    if keep["style"]:
        phrases.append(_choose(STYLES[scene.style][1], rng))
    if keep["place"]:
        phrases.append(PLACES[scene.place][2] if not scene.second else "side by side")
    return _joined(head, phrases, ", ", rng)


def _japanese(scene, keep, rng):
    size, colour = SIZES[scene.size][2], BACKGROUNDS[scene.background][1]
    gap = " " if rng.random() < 0.25 else ""
    phrases = []
    if keep["thing"]:
        words = [_general(thing, 1, rng) for thing in _things(scene)]
        own = [_colour(scene, thing, rng) for thing in _things(scene)]
        words = [f"{BACKGROUNDS[c][1]}{gap}{word}" if c else word for c, word in zip(own, words)]
        if rng.random() < 0.15:
            words = [f"かわいい{gap}{word}" for word in words]
        if keep["size"]:
            words = [f"{size}{gap}{word}" for word in words]
        head = f"{gap}と{gap}".join(words)
    else:
        head = f"{size}{gap}サイズ" if keep["size"] else ""
    if keep["background"]:
        if head and rng.random() < 0.7:
            head = f"{colour}{gap}背景{gap}の{gap}{head}"
        else:
            phrases.append(f"{colour}{gap}背景")
    if keep["style"]:
        phrases.append(_choose(STYLES[scene.style][2], rng))
    if keep["place"]:
        phrases.append(PLACES[scene.place][3] if not scene.second else "並んで")
    return _joined(head, phrases, ("、", " ")[rng.random() < 0.3], rng)


def _emoji(scene, keep, rng):
    head = "".join(OBJECTS[thing].emoji for thing in _things(scene))
    if rng.random() < 0.3:
        head = head.replace("\N{VARIATION SELECTOR-16}", "")
    phrases = []
    if keep["background"]:
        japanese = f"{BACKGROUNDS[scene.background][1]}背景"
        phrases.append(f"{scene.background} background" if rng.random() < 0.6 else japanese)
    if keep["style"] and rng.random() < 0.5:
        phrases.append(STYLES[scene.style][1][0])
    return _joined(head, phrases, (" ", ", ")[rng.random() < 0.5], rng)


def _joined(head, phrases, comma, rng):
    phrases = [phrases[i] for i in rng.permutation(len(phrases))]
    parts = ([head] if head else []) + phrases
    if head and phrases and rng.random() < 0.2:
        parts = phrases + [head]
    return comma.join(parts)


def lexicon():
    """List every word captions can hold, for the tokenizer; one word per entry."""
    text = []
    for thing in THINGS.values():
        text += [*thing.english, *thing.japanese, thing.emoji]
    for english, japanese in CATEGORIES.values():
        text += [*english, *japanese]
    for _, english, japanese in STYLES.values():
        text += [*english, japanese[1]]
    text += [name for name in BACKGROUNDS] + [modifier for _, modifier in BACKGROUNDS.values()]
    text += [word for _, english, japanese in SIZES.values() for word in (english, japanese)]
    text += [word for *_, english, japanese in PLACES.values() for word in (english, japanese)]
    text += [
        "a an and on the at in of background style drawing picture icon cute side by size line",
        ", .",
        "背景",
        "の",
        "と",
        "、",
        "。",
        "風",
        "かわいい",
        "サイズ",
        "並んで",
        "いる",
        "い",
        "な",
    ]
    words = [word for entry in text for word in entry.split()]
    # "赤い" is also written "赤", "オレンジの" also "オレンジ"
    words += [word.rstrip("いの") for word in words if word[-1:] in "いの" and len(word) > 1]
    return [word for word in dict.fromkeys(words) if word]


def batch(count: int, rng, side: int = SIDE) -> tuple[np.ndarray, list[Scene]]:
    """Return `count` pictures as float32 (count, 3, side, side) in -1..1, with their scenes."""
    scenes = [random_scene(rng) for _ in range(count)]
    pictures = np.stack([render(scene, rng, side) for scene in scenes])
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)), scenes
