"""The exercises of lesson 19: short numbers and long weights, which autocast holds, and weights of half the size."""

from functools import cache

from sdkit.exercises.answers import called, choices_of, picture_of, pipeline_of, returned
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import is_same
from sdkit.exercises.own import fresh_pipe, is_the_model, own_pipe, weights_of
from sdkit.inside.formats import watch_layers
from sdkit.inside.memory import weight_bytes
from sdkit.quiet import quiet

MB = 10**6
PROMPT = "a big rocket on a blue background, flat style"
_NAMES = ("one", "two", "three", "four", "five")
_SHORT = {"two", "five"}


@cache
def _rocket():
    import torch

    with torch.autocast("cpu"):
        return own_pipe()(PROMPT, generator=torch.Generator("cpu").manual_seed(4), num_inference_steps=4).images[0]


@exercise(points=1)
def short_numbers(answer):
    """A function that computes in bfloat16 and leaves the weights as they are."""
    import torch

    pipe, calls = fresh_pipe(), []
    pipe.unet.register_forward_hook(lambda *_: calls.append(1))
    with quiet(), watch_layers(torch.nn.Linear, torch.nn.Conv2d) as seen:
        picture = returned(called(answer, pipe), picture_of)
    yield finding(
        "pipeline",
        bool(calls),
        right="The pipeline that the function was given draws.",
        missing="The pipeline that the function was given is not called.",
        hint="Call pipe, the function's parameter, and no other one.",
    )
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
    yield finding(
        "picture",
        is_same(picture, _rocket()),
        right="It is the rocket of seed 4.",
        missing="It is not the picture of PROMPT with seed 4 and the steps of short.",
        hint="Compare the call with the task: prompt, generator, steps.",
    )


@exercise(points=2)
def who_casts(answer):
    """The functions that compute in bfloat16."""
    found = choices_of(answer, _NAMES)
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
