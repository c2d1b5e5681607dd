"""The exercises of lesson 27: how long a word was trained, and a new row that begins as another word's."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.exercises.answers import called, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.own import fresh_pipe, own_pipe

CONE, SEED, STEPS = "a big <zib> on a green background, flat style", 3, 8
WORD, LIKE = "<zib>", "tent"
_TRAINED = 25


@cache
def _cone() -> Any:
    """Return the cone of the hidden number of steps of training, by a model of its own, which gets the word."""
    import torch
    from safetensors.torch import load_file

    from sdkit.examples import example

    pipe = fresh_pipe()
    pipe.tokenizer.add_tokens(WORD)
    pipe.text_encoder.resize_token_embeddings(len(pipe.tokenizer), mean_resizing=False)
    table = pipe.text_encoder.get_input_embeddings().weight
    table.data[len(pipe.tokenizer) - 1 :] = load_file(example("zib_steps.safetensors"))[f"{_TRAINED}"]
    return pipe(CONE, generator=torch.Generator("cpu").manual_seed(SEED), num_inference_steps=STEPS).images[0]


@exercise(points=2, puzzle=lambda: _cone().copy())
def how_long(answer):
    """The number of training steps of a word in a picture."""
    steps = whole_of(answer)
    yield finding(
        "steps",
        steps == _TRAINED,
        right="After {steps} steps, the word draws this picture.",
        missing="After {steps} steps the word draws another picture, or no row of them is stored.",
        hint="Put each stored row into the table and draw. A sd.distance of 0 is the same picture.",
        steps=steps,
    )


@exercise(points=2)
def add_word(answer):
    """A function that adds a word to a pipeline and lets its row begin as another word's."""
    import torch

    old = own_pipe().text_encoder.get_input_embeddings().weight.detach()
    like = own_pipe().tokenizer.encode(LIKE, add_special_tokens=False)[0]
    pipe = fresh_pipe()
    called(answer, pipe, WORD, LIKE)
    ids = pipe.tokenizer.encode(WORD, add_special_tokens=False)
    table = pipe.text_encoder.get_input_embeddings().weight.detach()
    yield finding(
        "token",
        len(ids) == 1,
        right="The word is one token.",
        missing="The word is not one token, but {count}.",
        hint="The tokenizer must know the word before anything else can. Which line of the lesson tells it?",
        count=len(ids),
    )
    has_row = len(ids) == 1 and ids[0] == len(old) and table.shape == (len(old) + 1, old.shape[1])
    yield finding(
        "row",
        has_row,
        right="The table has one row more, for the word.",
        missing="The table has {count} rows more; it should be one, for the word.",
        hint="A new token needs a new row: the text encoder is resized to the length of the tokenizer.",
        count=len(table) - len(old),
    )
    if has_row:
        yield finding(
            "beginning",
            torch.equal(table[-1], old[like]),
            right="Its row begins as that of the other word.",
            missing="Its row is not that of the other word.",
            hint="Print what tokenizer.encode gives for the other word. Which of these numbers is the word's?",
        )
    yield finding(
        "old",
        len(table) >= len(old) and torch.equal(table[: len(old)], old),
        right="The rows of all old words are as they were.",
        missing="Rows of old words have changed.",
        hint="Only the last row is new. Into which row does your function write?",
    )
