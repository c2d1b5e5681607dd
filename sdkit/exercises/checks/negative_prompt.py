"""The exercises of lesson 5: pushed to the dark, a colour that was pushed away, and a push that nobody hears."""

from functools import wraps
from unittest.mock import patch

from sdkit.asked import COLOURS, named
from sdkit.exercises.answers import called, chosen_of, picture_of, returned, shot_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import is_same, shows
from sdkit.exercises.own import drawn

PROMPT = "a big owl, flat style"
STEPS = 8
_PUSHED = "orange"
_SEED, _PINK_SEED = 3, 1


@exercise(points=2)
def dark_owl(answer):
    """An owl on black, by the negative prompt alone."""
    shot = shot_of(answer)
    yield finding(
        "prompt",
        shot.settings.get("prompt") == PROMPT,
        right="The prompt is that of the task.",
        missing="The prompt is not that of the task.",
        hint="The prompt stays as it is, without a word on the background.",
    )
    yield finding(
        "seed",
        shot.settings.get("seed") == _SEED,
        right="The seed is that of the task.",
        missing="The seed is not that of the task.",
        hint="Another seed brings another background; here the negative prompt is to do it.",
    )
    yield shows(shot.image, "object", "owl")
    seen = named(shot.image, "background")[0]
    yield finding(
        "background",
        seen == "black",
        right="The background is black.",
        missing="The background is {seen}, not black.",
        hint="The picture moves away from what the negative prompt names. What lies opposite of black?",
        seen=seen,
    )


@exercise(
    points=2,
    puzzle=lambda: drawn(PROMPT, _PINK_SEED, negative_prompt=f"a {_PUSHED} background", num_inference_steps=STEPS),
)
def pushed_away(answer):
    """The colour that a picture was pushed away from."""
    colour = chosen_of(answer, tuple(COLOURS))
    yield finding(
        "colour",
        colour == _PUSHED,
        right="This picture was pushed away from {colour}.",
        missing="Pushed away from {colour}, the picture looks different.",
        hint="Try the colours one after the other, with the prompt, the seed and the steps of the task, and compare.",
        colour=colour,
    )


@exercise(points=2)
def unheard(answer):
    """A function whose negative prompt is heard."""
    given, prompts = _called(answer)
    picture = returned(given, picture_of)
    kept = PROMPT in prompts or [PROMPT] in prompts
    yield finding(
        "prompt",
        kept,
        right="The prompt is that of the task.",
        missing="The prompt is not that of the task.",
        hint="The prompt stays as it is, without a word on the background.",
    )
    if not kept:
        return
    usual = drawn(PROMPT, _PINK_SEED, num_inference_steps=STEPS)
    without = drawn(PROMPT, _PINK_SEED, guidance_scale=1, num_inference_steps=STEPS)
    yield finding(
        "heard",
        not is_same(picture, usual) and not is_same(picture, without),
        right="The negative prompt is heard.",
        missing="The picture is the one without a negative prompt.",
        hint="Two things can keep it from being heard: a name that diffusers does not know, and guidance that is off.",
    )
    yield shows(picture, "object", "owl")
    seen = named(picture, "background")[0]
    yield finding(
        "background",
        seen != "pink",
        right="The background is not pink: {seen}.",
        missing="The background is still pink.",
        hint="What is to go belongs in the negative prompt, in plain words and without a no.",
        seen=seen,
    )


def _called(answer):
    """Call an answer; return what it gives, and the prompts that pipelines encoded on the way."""
    from diffusers import StableDiffusionPipeline

    prompts = []
    encode = StableDiffusionPipeline.encode_prompt

    @wraps(encode)
    def noted(self, prompt=None, *args, **kwargs):
        prompts.append(prompt)
        return encode(self, prompt, *args, **kwargs)

    with patch.object(StableDiffusionPipeline, "encode_prompt", noted):
        return called(answer), prompts
