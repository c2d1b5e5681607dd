"""The exercises of lesson 26: a sentence refuted by two pictures, names that nobody reads, a fair test of a word."""

from __future__ import annotations

from sdkit.exercises.answers import called, choices_of, number_of, returned, shot_of, table_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import apart
from sdkit.exercises.own import own_pipe

_READ = ("guidance_rescale", "eta", "negative_prompt")
_UNREAD = ("nagative_prompt", "cfg_scale", "sampler", "height")
_DIFFER = 15.0


@exercise(points=1)
def refuted(answer):
    """Two pictures at a guidance_scale of 0 that differ by their prompts alone."""
    given = table_of(answer, ("first", "second"))
    shots = [shot_of(given[place]) for place in ("first", "second")]
    scales = [shot.settings.get("guidance_scale", 7.5) for shot in shots]
    yield finding(
        "scale",
        scales == [0, 0],
        right="Both pictures were made with a guidance_scale of 0.",
        missing="The pictures were made with a guidance_scale of {first:g} and {second:g}; the sentence is about 0.",
        hint="Test the sentence at the value that it speaks of.",
        first=scales[0],
        second=scales[1],
    )
    settings = [{**shot.settings, "prompt": None} for shot in shots]
    yield finding(
        "only the prompt",
        settings[0] == settings[1] and shots[0].settings.get("prompt") != shots[1].settings.get("prompt"),
        right="They differ in nothing but the prompt.",
        missing="They differ in something else than the prompt, or have the same prompt.",
        hint="Hold the seed, the steps and everything else; change the prompt alone.",
    )
    away = apart(shots[0].image, shots[1].image)
    yield finding(
        "differ",
        away > _DIFFER,
        right="The pictures are {away:.0f} grey levels apart: the prompt does count.",
        missing="The pictures are {away:.0f} grey levels apart, too few to see.",
        hint="Choose two prompts with very different things or backgrounds.",
        away=away,
    )


@exercise(points=2)
def unread(answer):
    """The names that the pipeline does not read."""
    names = choices_of(answer, (*_READ, *_UNREAD))
    read = len(names & set(_READ))
    yield finding(
        "read",
        read == 0,
        right="None of the names changes the picture.",
        missing="{read} of the names change the picture.",
        hint="Compare two calls with the same seed, with and without the argument; sd.distance is 0 where nothing "
        "changed.",
        read=read,
    )
    missed = len(set(_UNREAD) - names)
    yield finding(
        "missed",
        missed == 0,
        right="No name is missing.",
        missing="{missed} more names change nothing.",
        hint="A name can be that of a real argument and still be ignored, if another one has to come with it.",
        missed=missed,
    )


@exercise(points=2)
def share(answer):
    """A function that measures a word against another seed."""
    pipe = own_pipe()
    nothing = returned(called(answer, pipe, ""), number_of)
    yield finding(
        "nothing",
        abs(nothing) < 0.05,
        right="No word at all changes nothing.",
        missing="No word at all gives {nothing:.2f}, not 0.",
        hint="A generator that was used does not begin at its seed again. How many does the function need?",
        nothing=nothing,
    )
    style = returned(called(answer, pipe, ", line style"), number_of)
    yield finding(
        "style",
        style > 1,
        right="A style changes the picture {style:.1f} times as much as another seed.",
        missing="A style gives {style:.2f}, though it changes the picture more than another seed does.",
        hint="Is the word in the prompt, and is the distance divided by the one to the other seed?",
        style=style,
    )
    praise = returned(called(answer, pipe, ", masterpiece"), number_of)
    yield finding(
        "praise",
        0 < praise < 0.7,
        right="Praise changes it {praise:.2f} times as much.",
        missing="Praise gives {praise:.2f}; it should be a share of what another seed changes.",
        hint="Divide by the distance between the plain picture and the same prompt with another seed.",
        praise=praise,
    )
