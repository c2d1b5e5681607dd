"""The exercises of lesson 15: a place without a word for it, the strength of a picture, and a file as a start."""

from io import BytesIO

from sdkit.exercises.answers import called, number_of, picture_of, returned, shot_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import centre, shows
from sdkit.exercises.own import drawn, own_pipe
from sdkit.measure import pixels

PROMPT = "a strawberry on a white background, flat style"
START = "a big cat on a blue background, flat style"
FROG = "a big frog on a yellow background, flat style"
SIDE, STEPS = 128, 10
_STRENGTH, _WITHIN = 0.7, 0.05


@exercise(points=2)
def in_the_corner(answer):
    """A strawberry at the bottom right, where the start has something, not the prompt."""
    shot = shot_of(answer)
    yield finding(
        "prompt",
        shot.settings.get("prompt") == PROMPT,
        right="The prompt is that of the task.",
        missing="The prompt is not that of the task.",
        hint="The prompt stays as it is; here the start is to say where the strawberry goes.",
    )
    yield shows(shot.image, "object", "strawberry")
    across, down = centre(shot.image)
    yield finding(
        "place",
        across > 0.6 and down > 0.6,
        right="It is at the bottom right.",
        missing="Its middle is at {across:.0%} from the left and {down:.0%} from the top; both should be above 60%.",
        hint="Draw something of its colour and size into that corner of the start. Is it still seen at your strength?",
        across=across,
        down=down,
    )


def _start_and_result():
    import torch

    start = drawn(START, 7, num_inference_steps=STEPS)
    given = {"generator": torch.Generator("cpu").manual_seed(3), "num_inference_steps": STEPS}
    return [start, own_pipe("StableDiffusionImg2ImgPipeline")(FROG, start, _STRENGTH, **given).images[0]]


@exercise(points=2, puzzle=_start_and_result)
def mystery(answer):
    """The strength of a picture, within 0.05."""
    strength = number_of(answer)
    yield finding(
        "range",
        0 <= strength <= 1,
        right="A strength can be {strength:g}.",
        missing="A strength cannot be {strength:g}.",
        hint="It is a share: 0 leaves the start as it is, 1 is as much noise as there can be.",
        strength=strength,
    )
    yield finding(
        "strength",
        abs(strength - _STRENGTH) < _WITHIN + 1e-6,
        right="{strength:g} is within 0.05 of the picture's strength.",
        missing="{strength:g} is more than 0.05 away from the picture's strength.",
        hint="Make a picture from the start with your number and the task's prompt, seed and steps. Is there more of "
        "the cat left in yours? sd.distance(mystery, picture) gets smaller the nearer you are.",
        strength=strength,
    )


@exercise(points=2)
def prepared(answer):
    """A function that makes a start of any picture file."""
    given = returned(called(answer, _on_its_side()), picture_of).convert("RGB")
    values = pixels(given)
    half = len(values) // 2
    yield finding(
        "turned",
        values[:half].mean() > values[half:].mean() + 60,
        right="A photo that lies on its side is turned upright.",
        missing="A photo that lies on its side, with a note in the file, stays so.",
        hint="The note is called EXIF; the lesson's cell own has a line that heeds it, right after opening.",
    )
    given = returned(called(answer, _wide()), picture_of)
    yield finding(
        "mode",
        given.mode == "RGB",
        right="A picture with transparency becomes RGB.",
        missing="A picture with transparency comes back with the mode {mode}.",
        hint="Four channels would be taken for latents. Which method of a PIL picture changes its mode?",
        mode=given.mode,
    )
    yield finding(
        "size",
        given.size == (SIDE, SIDE),
        right="The picture has the model's size.",
        missing="The picture has {given} pixels; the model's size is {side} x {side}.",
        hint="The size is a pair, width and height, of the same number.",
        given="{} x {}".format(*given.size),
        side=SIDE,
    )
    wide, high = _extent(given.convert("RGB"))
    yield finding(
        "shape",
        abs(wide - high) <= 0.1 * high,
        right="A circle stays a circle.",
        missing="A circle in a wide picture becomes {wide} pixels wide and {high} high.",
        hint="resize squeezes a wide picture into a square. Which helper of ImageOps cuts it first?",
        wide=wide,
        high=high,
    )


def _on_its_side() -> BytesIO:
    """Return a JPEG file, white above and black below once it is turned as its note says."""
    from PIL import Image

    upright = Image.new("RGB", (SIDE, SIDE), "black")
    upright.paste("white", (0, 0, SIDE, SIDE // 2))
    note = Image.Exif()
    note[0x0112] = 6  # orientation: to be shown turned by 90 degrees to the right
    return _file(upright.rotate(90), "JPEG", exif=note)


def _wide() -> BytesIO:
    """Return a PNG file with an alpha channel: a red circle in the middle of a wide white picture."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGBA", (SIDE * 3 // 2, SIDE), "white")
    middle, far = picture.width // 2, SIDE // 4
    ImageDraw.Draw(picture).ellipse((middle - far, SIDE // 2 - far, middle + far, SIDE // 2 + far), fill="red")
    return _file(picture, "PNG")


def _file(picture, kind: str, **options) -> BytesIO:
    file = BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return file


def _extent(picture) -> tuple[int, int]:
    """Return how wide and how high what is red in a picture is, in pixels; (0, 0) for nothing."""
    values = pixels(picture)
    is_red = (values[..., 0] > 128) & (values[..., 1] < 128)
    return int(is_red.any(0).sum()), int(is_red.any(1).sum())
