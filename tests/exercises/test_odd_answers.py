"""No answer, however odd, makes a check fail: it is refused in words."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import sdkit as sd
from sdkit.exercises.course import exercises_of, lessons

pytestmark = pytest.mark.slow

GREY = Image.new("RGB", (48, 40), "grey")
ODD = {
    "a number": 12345678,
    "a negative number": -1,
    "a huge number": 10**40,
    "not a number": float("nan"),
    "a truth value": True,
    "a text": "nothing of the kind",
    "an empty text": "",
    "an empty list": [],
    "an empty dictionary": {},
    "a list of lists": [[], [[]], "a", 1],
    "a dictionary of lists": {"a": [1], 2: None},
    "a tensor": torch.zeros(2, 3),
    "an array": np.zeros((4, 4, 3), dtype=np.uint8),
    "a picture": GREY,
    "a grey picture": Image.new("L", (8, 8)),
    "a picture with a mode of its own": Image.new("RGBA", (8, 8)),
    "pictures": [GREY, GREY, GREY],
    "an object": object(),
    "a class": dict,
    "a module": sd,
    "a function that returns nothing": lambda *given, **named: None,
    "a function that returns a number": lambda *given, **named: 3,
    "a function that returns a picture": lambda *given, **named: GREY,
    "a function that returns a list": lambda *given, **named: [GREY, None],
    "a function that returns a tensor": lambda *given, **named: torch.zeros(1),
    "a function that returns what it got": lambda *given, **named: given[0] if given else None,
    "a function that fails": lambda *given, **named: 1 / 0,
    "a function of too many": lambda a, b, c, d, e, f: a,
}


@pytest.fixture(scope="module")
def odd(pipe):
    """Return the odd answers, shots of odd pictures among them."""
    shot = sd.generate(pipe, "a cat", num_inference_steps=1)[0]
    bare = replace(shot, image=GREY, settings={})
    return {**ODD, "a shot": shot, "a shot of another size": replace(shot, image=GREY), "a shot of nothing": bare}


@pytest.mark.parametrize("lesson", lessons())
def test_odd_answers_are_refused_in_words(lesson, odd):
    for name, exercise in exercises_of(lesson).items():
        for kind, answer in odd.items():
            try:
                findings = exercise.findings(answer)
            except Exception as error:
                raise AssertionError(f"{name} fails for {kind}") from error
            told = [finding.text and (finding.passed or finding.help) for finding in findings]
            assert told and all(told), f"{name}, {kind}"
            assert not all(finding.passed for finding in findings), f"{name} is passed by {kind}"
