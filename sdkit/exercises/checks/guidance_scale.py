"""The exercises of lesson 6: as little guidance as will do, the scale of a picture, and the formula."""

from sdkit.exercises.answers import called, number_of, returned, shot_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import Finding, finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import drawn

PROMPT = "a big owl on a blue background"
STEPS = 8
_SCALE, _WITHIN = 4.5, 1.0
_SOFT = 3.0


@exercise(points=1)
def green_owl(answer):
    """An owl on green, with as little guidance as will do."""
    shot = shot_of(answer)
    yield shows(shot.image, "object", "owl")
    yield shows(shot.image, "background", "green")
    scale = shot.settings.get("guidance_scale", 7.5)
    yield finding(
        "scale",
        scale <= _SOFT,
        right="The guidance is low: {scale:g}.",
        missing="A guidance_scale of {scale:g} is more than the task allows.",
        hint="Go down step by step, and see at which value the owl or the green gets lost.",
        scale=scale,
    )


@exercise(points=2, puzzle=lambda: drawn(PROMPT, 5, guidance_scale=_SCALE, num_inference_steps=STEPS))
def mystery(answer):
    """The guidance scale of a picture, within 1."""
    scale = number_of(answer)
    yield finding(
        "scale",
        abs(scale - _SCALE) <= _WITHIN,
        right="{scale:g} is within 1 of the picture's guidance_scale.",
        missing="{scale:g} is more than 1 away from the picture's guidance_scale.",
        hint="Make a picture with your number and the task's prompt, seed and steps. sd.distance(mystery, picture) "
        "gets smaller the nearer you are.",
        scale=scale,
    )


@exercise(points=2)
def formula(answer):
    """The formula of guidance as a function."""
    import torch

    without, prompted = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.0, 0.5])
    for scale in (1.0, 0.0, 7.5):
        yield _guided(answer, without, prompted, scale)


def _guided(answer, without, prompted, scale: float) -> Finding:
    import torch

    given = returned(called(answer, without.clone(), prompted.clone(), scale), _tensor, without.shape)
    return finding(
        f"scale {scale:g}",
        torch.allclose(given, without + scale * (prompted - without), atol=1e-4),
        right="A scale of {scale:g} is right.",
        missing="A scale of {scale:g} is not right.",
        hint="Where does the way begin, where does it lead, and how far does it go? Try it with a scale of 0 and of 1 "
        "on paper.",
        scale=scale,
    )


def _tensor(value, shape):
    import torch

    if not isinstance(value, torch.Tensor) or value.shape != shape:
        raise refuse(
            "tensor",
            missing="The function does not return a tensor of the shape that it got.",
            hint="Calculate with the tensors as they are; nothing has to be picked out of them.",
        )
    return value.float()
