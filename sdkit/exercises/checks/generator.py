"""The exercises of lesson 4: a seed that brings what the prompt leaves open, a used generator, one noise for all."""

from sdkit.exercises.answers import called, pictures_of, returned, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import is_same, shows
from sdkit.exercises.own import drawn, own_pipe

PROMPT = "a big rocket"
STEPS = 8
_SEEDS = range(10, 30)
_USED = 7
_COUNTS = (4, 6, 8)


@exercise(points=1)
def yellow_rocket(answer):
    """A seed that draws the rocket on yellow, although the prompt names no colour."""
    seed = whole_of(answer)
    yield finding(
        "range",
        seed in _SEEDS,
        right="The seed is one of those allowed: {seed}.",
        missing="{seed} is not one of the seeds that the task allows.",
        hint="Stay within the numbers of the task.",
        seed=seed,
    )
    if seed in _SEEDS:
        picture = drawn(PROMPT, seed, num_inference_steps=STEPS)
        yield shows(picture, "object", "rocket")
        yield shows(picture, "background", "yellow")


def _second():
    """Return the second picture that one generator makes: the first one has used up its starting noise."""
    import torch

    pipe = own_pipe()
    generator = torch.Generator("cpu").manual_seed(_USED)
    side = pipe.unet.config.sample_size
    torch.randn(1, pipe.unet.config.in_channels, side, side, generator=generator)
    return pipe(PROMPT, generator=generator, num_inference_steps=STEPS).images[0]


@exercise(points=3, puzzle=_second)
def moved_on(answer):
    """The seed of a generator that had made a picture before."""
    seed = whole_of(answer)
    yield finding(
        "seed",
        seed == _USED,
        right="A generator with seed {seed} makes this picture as its second one.",
        missing="A generator with seed {seed} makes another picture as its second one.",
        hint="For each seed, call the pipeline twice with one and the same generator, and compare the second picture.",
        seed=seed,
    )


@exercise(points=2)
def one_noise(answer):
    """A function that returns pictures of 4, 6 and 8 steps, all from the same starting noise."""
    pictures = returned(called(answer), pictures_of, len(_COUNTS))
    for picture, steps in zip(pictures, _COUNTS):
        yield finding(
            f"{steps} steps",
            is_same(picture, drawn(PROMPT, 4, num_inference_steps=steps)),
            right="{steps} steps: the picture of seed 4.",
            missing="{steps} steps: this is not the task's prompt with seed 4 and {steps} steps.",
            hint="Do prompt, steps and order agree with the task? Then it is the noise, the same for each picture: "
            "which generator does each call get, and is it fresh?",
            steps=steps,
        )
