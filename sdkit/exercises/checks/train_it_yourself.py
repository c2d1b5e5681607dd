"""The exercises of lesson 29: pictures in the order of their training, and what a UNet is given and asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from sdkit.exercises.answers import called, kind_of, returned
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.own import own_pipe

_STEPS = {"a": "750", "b": "250", "c": "1500", "d": "500"}  # after which each picture was made


@cache
def _mixed() -> list[Any]:
    """Return the pictures of one prompt from the long training, one after each number of steps."""
    from sdkit.examples import example
    from sdkit.inside.film import decode
    from sdkit.inside.tensor_file import read_tensors

    stored = read_tensors(example("four_shapes.safetensors"))
    steps = [str(step) for step in stored["steps"].tolist()]
    latents = [stored["film"][0, steps.index(step)] for step in _STEPS.values()]
    return [decode(own_pipe(), latent[None])[0] for latent in latents]


@exercise(points=1, puzzle=lambda: [picture.copy() for picture in _mixed()])
def in_order(answer):
    """The order of four pictures in a training."""
    # A text is taken letter by letter: "bdac", "b, d, a, c".
    letters = list(filter(str.isalpha, answer)) if isinstance(answer, str) else answer
    if not isinstance(letters, (list, tuple)) or sorted(map(str, letters)) != sorted(_STEPS):
        raise refuse(
            "letters",
            missing="A list of the four letters is expected, each once; this is of the type {kind}.",
            hint='It looks like ["a", "b", "c", "d"], the earliest first.',
            kind=kind_of(answer),
        )
    asked = sorted(_STEPS, key=lambda letter: int(_STEPS[letter]))
    places = sum(letter == other for letter, other in zip(letters, asked))
    yield finding(
        "order",
        places == len(asked),
        right="This is the order of the training.",
        missing="{places} of the four stand in their place.",
        hint="What does the prompt reach first: the background, the colour of the shape, or its outline?",
        places=places,
    )


@exercise(points=2)
def task(answer):
    """What a UNet is given in a training step, and what it is to answer."""
    import torch

    scheduler = own_pipe().scheduler
    random = torch.Generator("cpu").manual_seed(0)
    clean, noise = torch.randn(2, 2, 4, 16, 16, generator=random)
    times = torch.tensor([100, 700])
    given = called(answer, scheduler, clean.clone(), noise.clone(), times.clone())
    noisy, wanted = returned(given, _two_tensors, clean.shape)
    yield finding(
        "noisy",
        torch.allclose(noisy, scheduler.add_noise(clean, noise, times), atol=1e-4),
        right="Each picture gets as much noise as its timestep says.",
        missing="The noise is not as much as the timestep says.",
        hint="The scheduler knows how much noise belongs to a timestep. Which of its methods adds it?",
    )
    yield finding(
        "wanted",
        torch.allclose(wanted, scheduler.get_velocity(clean, noise, times), atol=1e-4),
        right="The right answer is v, as for this model.",
        missing="The right answer is not v, which this model is asked for.",
        hint="v is a mixture of noise and picture. The scheduler has a method for it; the loss of the lesson calls it.",
    )


def _two_tensors(value: Any, shape: Any) -> tuple[Any, Any]:
    import torch

    whole = isinstance(value, (list, tuple)) and len(value) == 2
    if not whole or not all(isinstance(entry, torch.Tensor) and entry.shape == shape for entry in value):
        raise refuse(
            "tensors",
            missing="The function does not return two tensors of the shape that it got.",
            hint="It returns a pair: what the UNet is given, and what it should answer.",
        )
    return value[0].float(), value[1].float()
