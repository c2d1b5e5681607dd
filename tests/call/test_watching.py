"""Who watches gets every step, may stop it, and changes no picture."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from sdkit import generate
from sdkit.call.watching import StoppedError, watched, watching

CALL = {"prompt": "a cat", "seed": 3, "num_inference_steps": 3}


class Watcher:
    def __init__(self, last=99):
        self.begun, self.steps, self.last = 0, [], last

    def begin(self, pipe, arguments):
        self.begun += 1

    def step(self, pipe, index, latents):
        self.steps.append((index, tuple(latents.shape)))
        if index == self.last:
            raise StoppedError


def test_without_a_watcher_a_call_stays_as_it_is(pipe):
    call = {"prompt": "a cat"}
    assert watched(pipe, call) is call


def test_each_step_is_reported_and_the_picture_is_the_same(pipe):
    watcher = Watcher()
    with watching(watcher):
        seen = generate(pipe, **CALL)[0]
    alone = generate(pipe, **CALL)[0]
    assert watcher.begun == 1
    assert [index for index, _ in watcher.steps] == list(range(pipe.num_timesteps))
    side = pipe.unet.config.sample_size
    assert watcher.steps[0][1] == (1, pipe.unet.config.in_channels, side, side)
    assert np.array_equal(seen.image, alone.image) and seen.settings == alone.settings


def test_a_watcher_stops_the_call_at_a_step_and_only_inside_its_block(pipe):
    watcher = Watcher(last=1)
    with watching(watcher), pytest.raises(StoppedError):
        generate(pipe, **CALL)
    assert len(watcher.steps) == 2
    generate(pipe, **CALL)
    assert watcher.begun == 1 and len(watcher.steps) == 2


def test_the_callers_own_callback_still_works(pipe):
    names = []

    def blank(pipe, index, timestep, tensors):
        names.append(sorted(tensors))
        return {"latents": tensors["latents"] * 0}

    own = {"callback_on_step_end": blank, "callback_on_step_end_tensor_inputs": ["latents", "prompt_embeds"]}
    watcher = Watcher()
    with watching(watcher):
        seen = generate(pipe, **CALL, **own)[0]
    assert names == [["latents", "prompt_embeds"]] * len(watcher.steps)
    assert np.array_equal(seen.image, generate(pipe, **CALL, **own)[0].image)


def test_a_function_with_its_own_call_can_report_too(pipe):
    watcher = Watcher()
    with watching(watcher):
        pipe(**watched(pipe, {"prompt": "a cat", "num_inference_steps": 2, "output_type": "latent"}))
    assert len(watcher.steps) == pipe.num_timesteps


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (None, TypeError, "callback_on_step_end returned nothing; return the dictionary"),
        (7, TypeError, "returned a int; return the dictionary"),
        ({"latents": np.zeros((1, 4, 16, 16))}, TypeError, r"(?s)returned array.* as latents; give a torch tensor"),
        ({"latents": torch.zeros(1, 2, 16, 16)}, ValueError, r"whose shape is \(1, 2, 16, 16\); it must stay"),
        ({"latents": torch.zeros(1, 4, 16, 16).double()}, ValueError, "whose dtype is torch.float64; it must stay"),
        ({"prompt_embeds": None}, TypeError, "returned None as prompt_embeds; give a torch tensor"),
        ({"latent": 1}, ValueError, "returned 'latent', .* known are latents"),
    ],
)
@pytest.mark.parametrize("watched_too", [False, True])
def test_what_a_callback_must_not_return_is_named(pipe, returned, error, words, watched_too):
    with pytest.raises(error, match=words), watching(Watcher()) if watched_too else nullcontext():
        generate(pipe, **CALL, callback_on_step_end=lambda pipe, index, timestep, tensors: returned)


def test_a_callback_alone_gets_the_tensors_it_asks_for_and_may_return_an_empty_dictionary(pipe):
    seen = []
    call = {**CALL, "callback_on_step_end_tensor_inputs": ["prompt_embeds"]}
    generate(pipe, **call, callback_on_step_end=lambda pipe, i, t, tensors: seen.append(sorted(tensors)) or {})
    assert seen == [["prompt_embeds"]] * pipe.num_timesteps
