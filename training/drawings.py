"""Rendering of the training drawings: iconify sets (npm packages) to RGBA sprites.

Sets: fluent-emoji-flat and fluent-emoji-high-contrast (Microsoft, MIT), noto (Google, Apache-2.0).
Install them with `npm install --prefix .cache` and training/package.json; nothing of them is
committed.
"""

import io
import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from training.world import OBJECTS, STYLES

SETS = Path(".cache/node_modules/@iconify-json")
MASTER = 256  # pixels of the first rendering, before it is scaled down


@cache
def _set(name):
    file = SETS / name / "icons.json"
    if not file.exists():
        raise FileNotFoundError(
            f"The drawings {name} are not installed ({file}). Run: "
            "mkdir -p .cache && cp training/package.json .cache/ && npm install --prefix .cache"
        )
    return json.loads(file.read_text(encoding="utf-8"))


def _svg(set_name, icon):
    icons = _set(set_name)
    while icon in icons.get("aliases", {}):
        icon = icons["aliases"][icon]["parent"]
    drawing = icons["icons"][icon]
    box = [drawing.get(k, icons.get(k, d)) for k, d in (("left", 0), ("top", 0), ("width", 16), ("height", 16))]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{" ".join(map(str, box))}" width="{MASTER}" height="{MASTER}" color="black">'
        f"{drawing['body']}</svg>"
    )


@cache
def master(thing, style):
    """Return one drawing as an RGBA picture cut to what it covers, centred in a square."""
    from resvg_py import svg_to_bytes

    svg = _svg(STYLES[style][0], OBJECTS[thing].icon)
    picture = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=svg)))).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox())
    side = max(picture.size)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


@cache
def _outline(name, side):
    """Return the opacity of a plain shape, float32 (side, side, 1), anti-aliased."""
    big = MASTER
    mask, edge = Image.new("L", (big, big)), big - 1
    corners = {
        "square": [(0, 0), (edge, 0), (edge, edge), (0, edge)],
        "triangle": [(big / 2, 0), (edge, edge), (0, edge)],
        "diamond": [(big / 2, 0), (edge, big / 2), (big / 2, edge), (0, big / 2)],
    }
    draw = ImageDraw.Draw(mask)
    if name == "circle":
        draw.ellipse((0, 0, edge, edge), fill=255)
    else:
        draw.polygon(corners[name], fill=255)
    return np.asarray(mask.resize((side, side), Image.Resampling.HAMMING), dtype=np.float32)[..., None] / 255


def shape(name, colour, side):
    """Return (colour premultiplied by alpha, alpha) of a plain shape, as `sprite` does; `colour` is RGB in 0..255."""
    alpha = _outline(name, side)
    return alpha * (np.array(colour, dtype=np.float32) / 255), alpha


@cache
def sprite(thing, style, side):
    """Return (colour premultiplied by alpha, alpha) of a drawing, float32 (side, side, 3) and (side, side, 1)."""
    rgba = np.asarray(master(thing, style), dtype=np.float32) / 255
    premultiplied = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1)
    channels = [
        np.asarray(Image.fromarray(premultiplied[..., c]).resize((side, side), Image.Resampling.HAMMING))
        for c in range(4)
    ]
    scaled = np.stack(channels, axis=-1).clip(0, 1)
    return scaled[..., :3], scaled[..., 3:]
