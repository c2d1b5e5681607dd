"""A call as a drawing: which part hands what to the next, with the shapes and numbers of calls that were counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdkit.call.exclusive import calling
from sdkit.errors import plain_errors
from sdkit.inside.boxes import Box, BoxDrawing
from sdkit.inside.film import decode
from sdkit.inside.unet_calls import for_one_picture
from sdkit.show.drawing import INK, LETTERS, LINE, MARGIN, PALE_INK, Placed, Words
from sdkit.show.labels import text_width, wrapped

if TYPE_CHECKING:
    import PIL.Image
    import torch

COLUMN, GAP = 276, 34  # pixels of a column and between two
SIDE = 256  # pixels of a picture's longer side
BOX_TOP, BOX = 44, 176  # pixels: the upper row of boxes, and how high a box is
LOWER = BOX_TOP + BOX + 70  # where the lower row begins
NETWORK, CODE, DATA = (207, 227, 247), (235, 235, 235), (255, 255, 255)  # fills


@dataclass
class Record:
    """What was handed on in one call: the shape of each part's answer, and how often each was called."""

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    calls: Counter = field(default_factory=Counter)
    given: list[torch.Tensor] = field(default_factory=list)  # to the UNet, at its first call
    images: list[PIL.Image.Image] = field(default_factory=list)

    @property
    def noise(self) -> torch.Tensor:
        """The latents (1, 4, h, w) that the call began with, scaled as the UNet wants them."""
        return self.given[0]

    @property
    def image(self) -> PIL.Image.Image:
        """The picture of the call."""
        return self.images[0]


@plain_errors
def draw_flow(pipe, prompt: str, *, seed: int = 0, **arguments: Any) -> BoxDrawing:
    """Call a text-to-image pipeline for one picture, and draw its parts with what each hands to the next.

    `arguments` are those of the pipeline's own call, checked as `generate` checks them. Trained networks are blue,
    plain code is grey. Raises what `generate` raises, and ValueError for several pictures, for a generator, since
    `seed` stands for one, and for another output_type than "pil".
    """
    record = recorded(pipe, prompt, seed=seed, **arguments)
    names = ["prompt", "tokenizer", "text encoder", "seed", "noise", "UNet", "scheduler", "VAE decoder", "picture"]
    places = {name: (column, row) for name, column, row in zip(names, (0, 1, 2, 0, 1, 2, 3, 4, 5), "uuullllll")}
    texts = _texts(pipe, prompt, seed, record)
    boxes, words, pictures = [], [], []
    for name, (column, row) in places.items():
        left, top = MARGIN + column * (COLUMN + GAP), BOX_TOP if row == "u" else LOWER
        picture = {"noise": decode(pipe, record.noise)[0], "picture": record.image}.get(name)
        if picture is None:
            fill = NETWORK if name in ("text encoder", "UNet", "VAE decoder") else CODE
            fill = DATA if name in ("prompt", "seed") else fill
            lines = [name, *texts[name]]
            boxes.append(Box(left, top, left + COLUMN, top + BOX, lines, fill, bold_first=True))
        else:
            width, height = (round(side * SIDE / max(picture.size)) for side in picture.size)
            x, y = left + (COLUMN - width) // 2, top + (BOX - SIDE) // 2
            pictures.append(Placed(picture, (x, y, x + width, y + height)))
            words += _below([name, *texts[name]], left, y + height)
    size = 2 * MARGIN + 6 * COLUMN + 5 * GAP, LOWER + (BOX + SIDE) // 2 + 3 * LINE
    words += _key(MARGIN + 3 * (COLUMN + GAP))
    said = "; ".join(f"{name}: {', '.join(lines)}" for name, lines in texts.items() if name != "prompt")
    alt = f"the parts of a pipeline and what they hand on: {said}"
    return BoxDrawing(f"<Flow of a call: {said}>", alt, size, words, pictures, boxes, _arrows())


def recorded(pipe, prompt: str, *, seed: int = 0, **arguments: Any) -> Record:
    """Call a pipeline for one picture, and return what its networks were given and answered."""
    passed = for_one_picture(pipe, prompt, arguments, seed)
    record = Record()

    def note(name):
        def hook(module, args, kwargs, output):
            answer = output if hasattr(output, "shape") else output[0]
            record.shapes[name] = tuple(answer.shape)
            record.calls[name] += 1
            if name == "UNet" and not record.given:
                record.given.append((args[0] if args else kwargs["sample"])[:1].clone())

        return hook

    parts = {"text encoder": pipe.text_encoder, "UNet": pipe.unet, "VAE decoder": pipe.vae.decoder}
    with calling(pipe, passed):
        hooks = [part.register_forward_hook(note(name), with_kwargs=True) for name, part in parts.items()]
        try:
            record.images = pipe(**passed).images
        finally:
            for hook in hooks:
                hook.remove()
    return record


def _texts(pipe, prompt: str, seed: int, record: Record) -> dict[str, list[str]]:
    """Return the lines of text below each name."""
    _, places, width = record.shapes["text encoder"]
    latents = _by(record.noise.shape[1:])
    steps = record.calls["UNet"]
    return {
        "prompt": wrapped(prompt, COLUMN - 20, LETTERS)[:3],
        "tokenizer": [f"{places} numbers"],
        "text encoder": [f"{places} vectors of {width}", _times(record.calls["text encoder"])],
        "seed": [str(seed)],
        "noise": [f"latents {latents}"],
        "UNet": [f"answer {latents}", _times(steps)],
        "scheduler": [f"latents {latents}", f"{len(pipe.scheduler.timesteps)} steps"],
        "VAE decoder": [_by(record.shapes["VAE decoder"][1:]), _times(record.calls["VAE decoder"])],
        "picture": [f"{record.image.width} x {record.image.height} pixels"],
    }


def _by(shape) -> str:
    return " x ".join(map(str, shape))


def _times(count: int) -> str:
    return f"asked {count} times" if count != 1 else "asked once"


def _below(lines: list[str], left: float, top: float) -> list[Words]:
    """Return lines in the middle of a column, the first in bold."""
    found = []
    for number, line in enumerate(lines):
        x = left + (COLUMN - text_width(line, LETTERS, bold=number == 0)) / 2
        found.append(Words(line, x, top + LETTERS + 4 + number * LINE, INK, number == 0))
    return found


def _key(left: float) -> list[Words]:
    lines = ["blue: a trained network", "grey: plain code", "in each box: what it hands on"]
    return [Words(line, left, BOX_TOP + LETTERS + number * LINE, PALE_INK) for number, line in enumerate(lines)]


def _arrows() -> list:
    """Return the arrows along both rows, from the text encoder down to the UNet, and from the scheduler back to it."""

    def right_of(column):
        return MARGIN + column * (COLUMN + GAP) + COLUMN

    upper, lower = BOX_TOP + BOX // 2, LOWER + BOX // 2
    along = [((right_of(column), upper), (right_of(column) + GAP, upper)) for column in (0, 1)]
    along += [((right_of(column), lower), (right_of(column) + GAP, lower)) for column in (0, 1, 3, 4)]
    there, back = lower - BOX // 5, lower + BOX // 5
    turn = [((right_of(2), there), (right_of(2) + GAP, there)), ((right_of(2) + GAP, back), (right_of(2), back))]
    middle = right_of(2) - COLUMN // 2
    return [*along, *turn, ((middle, BOX_TOP + BOX), (middle, LOWER))]
