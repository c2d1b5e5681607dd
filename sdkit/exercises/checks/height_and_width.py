"""The exercises of lesson 10: three foxes in a row, a picture that was squeezed, and a width of any size."""

from functools import cache
from typing import Any

from sdkit.asked import named
from sdkit.exercises.answers import called, picture_of, returned, shot_of, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import is_same, shows
from sdkit.exercises.own import drawn

PROMPT = "a big penguin on a yellow background, flat style"
STEPS = 8
SIDE = 128
_SEED = 2
_SIZE = {"height": 256, "width": 128}


@exercise(points=1)
def three_foxes(answer):
    """Three foxes in a row, by the size alone."""
    shot = shot_of(answer)
    width, height = shot.image.size
    asked = (shot.settings.get("width"), shot.settings.get("height"))
    right = (width, height) == asked == (3 * SIDE, SIDE)
    yield finding(
        "size",
        right,
        right="The picture has room for three: {width} x {height} pixels.",
        missing="The picture has {width} x {height} pixels; three squares of {side} beside each other are wanted.",
        hint="Ask for the size in the call, height and width both. Which of them makes a row?",
        width=width,
        height=height,
        side=SIDE,
    )
    if not right:
        return
    thirds = [shot.image.crop((SIDE * place, 0, SIDE * (place + 1), SIDE)) for place in range(3)]
    seen = named(thirds)
    yield finding(
        "foxes",
        seen == ["fox"] * 3,
        right="There is a fox in each third.",
        missing="The thirds look like this: {seen}. There should be a fox in each.",
        hint="Does the prompt ask for a big fox, which fills its square? Then try a few seeds.",
        seen=", ".join(seen),
    )
    yield shows(shot.image, "background", "blue")


@cache
def _squeezed() -> Any:
    return drawn(PROMPT, _SEED, num_inference_steps=STEPS, **_SIZE).resize((SIDE, SIDE))


@exercise(points=2, puzzle=lambda: _squeezed().copy())
def squeezed(answer):
    """The size that a picture was made at, before it was squeezed into a square."""
    for name, given in table_of(answer, tuple(_SIZE)).items():
        side = whole_of(given)
        yield finding(
            name,
            side == _SIZE[name],
            right="{name}: {side} pixels it was.",
            missing="{name}: {side} pixels it was not.",
            hint="Count the penguins, and look at which way they are pressed. Or make the sizes in question, resize "
            "them to the square and compare.",
            name=name,
            side=side,
        )


@exercise(points=2)
def any_width(answer):
    """A function that makes a picture of any width, rounded down to what the model can do."""
    for asked, wanted in ((192, 192), (100, 96)):
        picture = returned(called(answer, asked), picture_of)
        yield finding(
            f"width {asked}",
            picture.size == (wanted, SIDE),
            right="{asked}: the picture is {wanted} wide and {side} high.",
            missing="{asked}: the picture has {found} pixels; it should be {wanted} wide and {side} high.",
            hint="diffusers heeds a width only beside a height. And a size that it can do is a multiple of 8: how do "
            "you get the one below?",
            asked=asked,
            wanted=wanted,
            side=SIDE,
            found="{} x {}".format(*picture.size),
        )
    if picture.size == (wanted, SIDE):
        own = drawn(PROMPT, _SEED, num_inference_steps=STEPS, height=SIDE, width=wanted)
        yield finding(
            "made",
            is_same(picture, own),
            right="It was made at this size.",
            missing="It was made at another size, or from another seed.",
            hint="Let the model work at the size itself: a picture that is cut or stretched afterwards is another one.",
        )
