"""The exercises of lesson 19: short numbers and long weights, which autocast holds, and weights of half the size."""

from sdkit.exercises.answers import called, chosen_of, kind_of, picture_of, pipeline_of, returned
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import fresh_pipe, is_the_model, own_pipe, weights_of
from sdkit.inside.formats import watch_layers
from sdkit.inside.memory import weight_bytes
from sdkit.quiet import quiet

MB = 10**6
_NAMES = ("one", "two", "three", "four", "five")
_SHORT = {"two", "five"}


@exercise(points=1)
def short_numbers(answer):
    """A function that computes in bfloat16 and leaves the weights as they are."""
    import torch

    pipe = fresh_pipe()
    with quiet(), watch_layers(torch.nn.Linear, torch.nn.Conv2d) as seen:
        picture = returned(called(answer, pipe), picture_of)
    yield finding(
        "bfloat16",
        bool(seen) and {made for _, _, made in seen} == {"bfloat16"},
        right="The layers compute in bfloat16.",
        missing="Some layers compute in float32 all the same.",
        hint="Autocast is for one kind of device. Which one is the pipeline on, and is its call inside of the block?",
    )
    yield finding(
        "weights",
        all(map(torch.equal, weights_of(pipe), weights_of(own_pipe()))),
        right="The weights are as they were, to the bit.",
        missing="The weights of the pipeline were changed.",
        hint="to(...) changes the pipeline itself. Autocast needs nothing of that kind.",
    )
    yield shows(picture, "object", "rocket")


@exercise(points=2)
def who_casts(answer):
    """The functions that compute in bfloat16."""
    if not isinstance(answer, (list, tuple, set)) or not answer:
        raise refuse(
            "list",
            missing="The answer is of the type {kind}, not a list of names.",
            hint='Give a list of texts, such as ["one", "two"].',
            kind=kind_of(answer),
        )
    found = {chosen_of(name, _NAMES) for name in answer}
    yield finding(
        "only",
        found <= _SHORT,
        right="Those that you name compute in bfloat16.",
        missing="You name a function that computes in float32 all the same.",
        hint="Call it and latents(), and compare: torch.equal says whether autocast changed anything. For which device "
        "and which thread does it hold?",
    )
    yield finding(
        "all",
        found >= _SHORT,
        right="You name all that do.",
        missing="A function that computes in bfloat16 is not in your list.",
        hint="Call each of them and latents(), and compare with torch.equal.",
    )


@exercise(points=2)
def lean(answer):
    """A function that returns a pipeline whose weights take half the memory."""
    with quiet():
        pipe = returned(called(answer), pipeline_of)
    size, whole = weight_bytes(pipe), weight_bytes(own_pipe())
    yield finding(
        "size",
        2 * size == whole,
        right="The weights take {size:.1f} MB.",
        missing="The weights take {size:.1f} MB; {half:.1f} are enough.",
        hint="Autocast never makes weights smaller; in a call it adds copies. What decides their format is said where "
        "they are loaded.",
        size=size / MB,
        half=whole / 2 / MB,
    )
    yield finding(
        "model",
        is_the_model(pipe),
        right="They are the model's, but for rounding.",
        missing="They are not the weights of the built-in model.",
        hint="Load the model as it is, in another format.",
    )
