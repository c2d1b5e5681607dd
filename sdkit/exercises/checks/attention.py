"""The exercises of lesson 22: a colour silenced, the word that lit a picture, and tokens that are counted wrongly."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.asked import named
from sdkit.exercises.answers import called, chosen_of, kind_of, number_of, returned, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.looks import shows
from sdkit.exercises.own import fresh_pipe, own_pipe

CAR, CAR_SEED, CAR_STEPS = "a big car on a pink background, line style", 2, 8
PENGUIN, PENGUIN_SEED, PENGUIN_STEPS = "a big penguin on a yellow background, flat style", 2, 6
TWO = 2
_WORDS = ("big", "penguin", "yellow", "background", "style")
_LIT = "background"
# Prompts, words, and the numbers of their tokens: 0 is "begin", and a comma counts.
_CASES = (
    ("an owl, flat style", ["owl"], (2,)),
    ("a big car, on a pink background, line style", ["pink", "style"], (7, 11)),
)


@cache
def _worded() -> Any:
    """Return a pipeline of its own whose attention knows `weights`; other checks share the usual one's UNet."""
    from sdkit.inside.attention import WordProcessor

    pipe = fresh_pipe()
    pipe.unet.set_attn_processor(WordProcessor())
    return pipe


@exercise(points=2)
def not_pink(answer):
    """Weights that take the pink from a car's background, with at most two tokens silenced."""
    import torch

    weights = _weights_of(answer)
    silent = [token for token, weight in weights.items() if weight != 1]
    yield finding(
        "tokens",
        0 < len(silent) <= TWO,
        right="Tokens that are changed: {count}.",
        missing="Tokens that are changed: {count}; it should be one or two.",
        hint="A weight of 1 is as usual, one of 0 silences. Which tokens can say what colour the background has?",
        count=len(silent),
    )
    start = torch.Generator("cpu").manual_seed(CAR_SEED)
    call = {"generator": start, "num_inference_steps": CAR_STEPS, "cross_attention_kwargs": {"weights": weights}}
    picture = _worded()(CAR, **call).images[0]
    yield shows(picture, "object", "car")
    seen = named(picture, "background")[0]
    yield finding(
        "colour",
        seen != "pink",
        right="The background is no longer pink, but {seen}.",
        missing="The background is still pink.",
        hint="The text encoder lets each token take up something of those before it. Where has the pink moved on to?",
        seen=seen,
    )


def _weights_of(value: Any) -> dict[int, float]:
    """Return a dictionary {number of a token: factor}, its numbers within the text's tokens, its factors 0 to 1."""
    if not isinstance(value, dict):
        raise refuse(
            "weights",
            missing="The weights are of the type {kind}, not a dictionary.",
            hint="Write them as {{number of a token: factor}}.",
            kind=kind_of(value),
        )
    weights = {whole_of(token): float(number_of(factor)) for token, factor in value.items()}
    length = own_pipe().tokenizer.model_max_length
    if not all(0 <= token < length and 0 <= factor <= 1 for token, factor in weights.items()):
        raise refuse(
            "weights",
            missing="A token's number is not from 0 to {last}, or its factor not from 0 to 1.",
            hint="sd.tokens(pipe, prompt) lists the tokens, the first has the number 0. A factor of 0 silences.",
            last=length - 1,
        )
    return weights


@cache
def _lit() -> Any:
    from sdkit.inside.attention import word_maps

    found = word_maps(own_pipe(), PENGUIN, seed=PENGUIN_SEED, num_inference_steps=PENGUIN_STEPS)
    return found.lit(_LIT)


@exercise(points=1, puzzle=lambda: _lit().copy())
def which_word(answer):
    """The word by whose map a picture is lit."""
    word = chosen_of(answer, _WORDS)
    yield finding(
        "word",
        word == _LIT,
        right='Yes, these places look at "{word}".',
        missing='The places that look at "{word}" are others.',
        hint="sd.word_maps makes the picture with its maps, and .lit(word) lights it. Compare with sd.distance.",
        word=word,
    )


@exercise(points=2)
def silence(answer):
    """A function that says which tokens words are, for cross_attention_kwargs."""
    for case, (prompt, words, numbers) in enumerate(_CASES, 1):
        told = returned(called(answer, own_pipe(), prompt, list(words)), table_of, ("weights",))
        weights = _weights_of(told["weights"])
        silent = sorted(token for token, weight in weights.items() if weight == 0)
        yield finding(
            f"prompt {case}",
            tuple(silent) == numbers and all(weight in (0, 1) for weight in weights.values()),
            right='"{prompt}": {words} silenced, nothing else.',
            missing='"{prompt}": the tokens {silent} are silenced; {words} should be.',
            hint="Print the prompt's tokens as the lesson does. What stands before the first word, and what counts as "
            "a token though it is no word?",
            prompt=prompt,
            words=", ".join(words),
            silent=silent,
        )
