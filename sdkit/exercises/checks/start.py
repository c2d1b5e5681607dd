"""The exercises of lesson 1: the first call, the seed, and the same picture again."""

from sdkit.exercises.answers import called, picture_of, pictures_of, returned, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import is_same, same, shows
from sdkit.exercises.own import drawn

PROMPT = "an owl on a blue background"
STEPS = 8
_SEED = 6


@exercise(points=1)
def green_penguin(answer):
    """A picture of a penguin on green, drawn in lines."""
    picture = picture_of(answer)
    yield shows(picture, "object", "penguin")
    yield shows(picture, "style", "line")
    yield shows(picture, "background", "green")


@exercise(points=2, puzzle=lambda: drawn(PROMPT, _SEED, num_inference_steps=STEPS))
def which_seed(answer):
    """The seed of a picture."""
    yield finding(
        "seed",
        whole_of(answer) == _SEED,
        right="Seed {seed} makes this picture, to the pixel.",
        missing="Seed {seed} makes another picture.",
        hint="Make the pictures of all the seeds that the task allows and put them beside the puzzle. A distance of 0 "
        "is the same picture.",
        seed=whole_of(answer),
    )


@exercise(points=2)
def same_twice(answer):
    """A function that returns two pictures of two calls, the same each time."""
    first = returned(called(answer), pictures_of, 2)
    yield finding(
        "two_calls",
        first[0] is not first[1],
        right="The pictures come from two calls.",
        missing="Both pictures are one and the same object.",
        hint="Leave both calls in the function; what each of them begins with is what has to change.",
    )
    yield same(
        "equal",
        *first,
        right="The two pictures are equal.",
        missing="The two pictures differ.",
        hint="Each call begins with noise. A generator that has been used has moved on: what does each call need?",
    )
    again = returned(called(answer), pictures_of, 2)
    yield finding(
        "again",
        is_same(first[0], again[0]),
        right="Called once more, the function makes the same picture again.",
        missing="Called once more, the function makes another picture.",
        hint="Nothing that the function begins with may come from outside of it, or from a clock.",
    )
