"""The row of random numbers of a generator, drawn: what each call takes of it, and the picture made of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sdkit.call.exclusive import calling
from sdkit.errors import plain_errors
from sdkit.inside.unet_calls import for_one_picture
from sdkit.show.drawing import GAP, INK, LABEL_GAP, LETTERS, LINE, MARGIN, PALE_INK, SIDE, Drawing, Placed, Words
from sdkit.show.labels import text_width

if TYPE_CHECKING:
    import PIL.Image
    import torch

ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "6th")
MOST = len(ORDINALS)  # calls that are drawn for a seed
WIDEST = 3.0  # a number of the noise beyond this is drawn as black or white
LEVELS = 5  # steps from black to white: the eye needs no more, and each costs bytes
BEGIN = (31, 119, 180)  # the colour of the line where a row of numbers begins
# Pixels: the height of a band, the width of the line where a call ends, what lies between two seeds, the baseline of
# the first line of text, and where the bands and the pictures begin.
BAND, CUT, APART = 72, 4, 48
BASE = MARGIN + LETTERS
BAND_TOP = BASE + 2 * LINE + GAP
TOP = BAND_TOP + BAND + LINE + LABEL_GAP


@plain_errors
def draw_noise(pipe, prompt: str, *, seed: int | Sequence[int], calls: int = 3, **arguments: Any) -> Drawing:
    """Draw what calls in a row take from one generator: its random numbers above, the pictures made of them below.

    For each seed a new generator is handed to `calls` calls of a text-to-image pipeline (1 to 6), and is not set back
    between them. The numbers that a call begins with are drawn as grey levels, their channels side by side; the first
    two are written above. `arguments` are those of the pipeline's own call. Raises ValueError for no seed, another
    number of calls, a call that makes several pictures, a generator (the seeds stand for them) and another output_type
    than "pil", and what `generate` raises.
    """
    seeds = [seed] if isinstance(seed, int) else list(seed)
    if not seeds:
        raise ValueError("seed is empty; give a list of seeds such as [4, 5].")
    if calls not in range(1, MOST + 1):
        raise ValueError(f"calls is {calls}; give 1 to {MOST}.")
    taken = {number: _calls_of(pipe, for_one_picture(pipe, prompt, arguments, number), calls) for number in seeds}
    return _drawn(taken, calls)


def _calls_of(pipe, passed, calls) -> list[tuple[torch.Tensor, Any]]:
    """Return for each call the noise (channels, h, w) that it begins with, and its picture."""
    import torch

    found: list = []
    shape = (pipe.unet.config.in_channels, *_latent_size(pipe, passed))
    with calling(pipe, passed):
        for _ in range(calls):
            ahead = torch.Generator("cpu")
            ahead.set_state(passed["generator"].get_state())
            noise = torch.randn(shape, generator=ahead)
            found.append((noise, pipe(**passed).images[0]))
    return found


def _latent_size(pipe, arguments) -> tuple[int, int]:
    """Return the height and width of a call's latents; as in diffusers, one side alone is not listened to."""
    given = [arguments.get(name) for name in ("height", "width")]
    if all(given):
        return given[0] // pipe.vae_scale_factor, given[1] // pipe.vae_scale_factor
    side = pipe.unet.config.sample_size
    return (side, side) if isinstance(side, int) else tuple(side)


def _drawn(taken, calls) -> Drawing:
    """Lay out the seeds beside each other: bands of numbers, cut where a call ends, and below each part its picture."""
    said = " and ".join(map(str, taken))
    name = f"The random numbers of the seeds {said}, cut into the parts that {calls} calls with one generator take"
    words: list[Words] = []
    placed: list[Placed] = []
    shapes = [picture.size for row in taken.values() for _, picture in row]
    sizes = [_shown_size(*shape) for shape in shapes]
    width, height = (max(size[side] for size in sizes) for side in (0, 1))
    part = width + GAP
    left = MARGIN
    for seed, row in taken.items():
        words.append(Words(f"seed {seed}", left, BASE, bold=True))
        placed.append(Placed(_band(row, part), (left, BAND_TOP, left + part * calls, BAND_TOP + BAND)))
        for number, (noise, picture) in enumerate(row):
            start = left + number * part
            first = ", ".join(f"{value:.2f}" for value in noise.flatten()[:2].tolist())
            words.append(_centred(f"{ORDINALS[number]} call", start, part, BASE + LINE))
            words.append(_centred(f"{first}, ...", start, part, BASE + 2 * LINE, PALE_INK))
            words.append(_centred("\N{DOWNWARDS ARROW}", start, part, BAND_TOP + BAND + LETTERS + LABEL_GAP))
            box = (start + GAP // 2, TOP, start + GAP // 2 + width, TOP + height)
            placed.append(Placed(picture.convert("RGB"), box))
        left += part * calls + APART
    size = left - APART + MARGIN, TOP + height + MARGIN
    return Drawing(f"<{name}>", f"{name}, and the picture made of each part", size, words, placed)


def _shown_size(width, height) -> tuple[int, int]:
    """Return the pixels that a picture is drawn with: whole multiples of small ones."""
    scale = max(1, round(SIDE / width)) if width <= SIDE else SIDE / width
    return round(width * scale), round(height * scale)


def _centred(text, left, width, y, ink=INK) -> Words:
    return Words(text, left + (width - text_width(text, LETTERS)) / 2, y, ink)


def _band(row, part) -> PIL.Image.Image:
    """Return the numbers of all calls as one picture, `part` pixels for each call, its channels side by side."""
    from PIL import Image, ImageDraw

    band = Image.new("RGB", (part * len(row), BAND))
    pen = ImageDraw.Draw(band)
    for number, (noise, _) in enumerate(row):
        levels = ((noise.permute(1, 0, 2).flatten(1) / WIDEST + 1) / 2 * LEVELS).round().clamp(0, LEVELS)
        piece = Image.fromarray((levels * (255 // LEVELS)).byte().numpy())
        band.paste(piece.resize((part, BAND), Image.Resampling.NEAREST), (number * part, 0))
        end = (number + 1) * part
        pen.rectangle((end - CUT, 0, end, BAND), fill=INK)
    pen.rectangle((0, 0, 2 * CUT, BAND), fill=BEGIN)
    return band
