"""Two threads in one pipeline wait for each other, and both get their own pictures."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # the built-in one from Python 3.11 on

import numpy as np
import pytest
from diffusers import DDIMScheduler

from sdkit import generate
from sdkit.call.exclusive import exclusive
from sdkit.call.generate import check_call
from sdkit.loading.components import pipeline_from

FAST = {"num_inference_steps": 2}


def test_pictures_of_two_threads_are_those_of_one(pipe, img2img):
    start = generate(pipe, "a dog", seed=9, **FAST)[0].image
    calls = [(pipe, {"seed": seed}) for seed in range(4)] + [
        (img2img, {"seed": 5, "image": start, "strength": 1.0})
    ] * 2

    def picture(call):
        made_by, arguments = call
        return np.asarray(generate(made_by, "a cat", **arguments, **FAST)[0].image)

    alone = [picture(call) for call in calls]
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(picture, calls))
    assert all(np.array_equal(one, other) for one, other in zip(alone, at_once))


def test_a_callback_may_make_a_picture_of_its_own(pipe):
    own = pipeline_from(type(pipe), pipe, scheduler=DDIMScheduler.from_config(pipe.scheduler.config))

    def inner(pipe_in_use, step, timestep, tensors):
        if step == 1:
            found.append(generate(own, "a dog", num_inference_steps=1))
        return tensors

    found = []
    assert generate(pipe, "a cat", callback_on_step_end=inner, **FAST)
    assert len(found) == 1


def test_a_check_waits_for_a_call_in_another_thread(pipe):
    with ThreadPoolExecutor(1) as pool:
        with exclusive(pipe):
            checked = pool.submit(check_call, pipe, {"prompt": "a cat"})
            with pytest.raises(NotYet):
                checked.result(timeout=0.5)
        assert checked.result(timeout=60).count == 1
