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
MASTER_SIDE = 256  # pixels of the first rendering, before it is scaled down


@cache
def _icons(name):
    """Return the icons.json of a set, whose "icons" hold the drawings."""
    file = SETS / name / "icons.json"
    if not file.exists():
        raise FileNotFoundError(
            f"The drawings {name} are not installed ({file}). Run: "
            "mkdir -p .cache && cp training/package.json .cache/ && npm install --prefix .cache"
        )
    return json.loads(file.read_text(encoding="utf-8"))


def _svg(set_name, icon):
    """Return a drawing of a set as an SVG text; an alias is followed to the drawing that it stands for."""
    icons = _icons(set_name)
    while icon in icons.get("aliases", {}):
        icon = icons["aliases"][icon]["parent"]
    drawing = icons["icons"][icon]
    defaults = {"left": 0, "top": 0, "width": 16, "height": 16}  # those of the iconify format
    box = [drawing.get(name, icons.get(name, default)) for name, default in defaults.items()]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{" ".join(map(str, box))}" width="{MASTER_SIDE}" height="{MASTER_SIDE}" color="black">'
        f"{drawing['body']}</svg>"
    )


@cache
def master(thing: str, style: str) -> Image.Image:
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
    middle, edge = MASTER_SIDE / 2, MASTER_SIDE - 1
    mask = Image.new("L", (MASTER_SIDE, MASTER_SIDE))
    corners = {
        "square": [(0, 0), (edge, 0), (edge, edge), (0, edge)],
        "triangle": [(middle, 0), (edge, edge), (0, edge)],
        "diamond": [(middle, 0), (edge, middle), (middle, edge), (0, middle)],
    }
    draw = ImageDraw.Draw(mask)
    if name == "circle":
        draw.ellipse((0, 0, edge, edge), fill=255)
    else:
        draw.polygon(corners[name], fill=255)
    return np.asarray(mask.resize((side, side), Image.Resampling.HAMMING), dtype=np.float32)[..., None] / 255


def shape(name: str, colour, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (colour premultiplied by alpha, alpha) of a plain shape, as `sprite` does; `colour` is RGB in 0..255."""
    alpha = _outline(name, side)
    return alpha * (np.array(colour, dtype=np.float32) / 255), alpha


@cache
def sprite(thing: str, style: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (colour premultiplied by alpha, alpha) of a drawing: float32 in 0..1, (side, side, 3), (side, side, 1)."""
    rgba = np.asarray(master(thing, style), dtype=np.float32) / 255
    premultiplied = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1)
    channels = [
        np.asarray(Image.fromarray(premultiplied[..., channel]).resize((side, side), Image.Resampling.HAMMING))
        for channel in range(4)
    ]
    scaled = np.stack(channels, axis=-1).clip(0, 1)
    return scaled[..., :3], scaled[..., 3:]
