"""What a call costs is known before anything is made or listed."""

import time
import warnings

import pytest
from PIL import Image

from sdkit import generate
from sdkit.call import check_memory
from sdkit.call.check_memory import work_of
from sdkit.call.generate import check_call, seeds_for
from sdkit.call.resolve import resolve
from sdkit.schedulers import scheduler_named

GIB = 2**30


@pytest.fixture
def free(monkeypatch):
    """Set how many bytes of main memory are free."""
    return lambda size: monkeypatch.setattr(check_memory, "free_ram", lambda: size)


@pytest.mark.parametrize("seeds", [range(10**9), range(10**30), range(10**30, 0, -7)])
def test_seeds_are_counted_before_they_are_listed(pipe, seeds):
    began = time.process_time()
    with pytest.raises(ValueError, match=r"seed has \d+ numbers for 1 pictures"):
        generate(pipe, "a cat", seed=seeds)
    assert time.process_time() - began < 2


def test_ranges_of_seeds_are_counted_right():
    for seeds in (range(3), range(2, 9, 3), range(9, 2, -3)):
        assert seeds_for(seeds, 3) == list(seeds)
    with pytest.raises(ValueError, match="seed has 0 numbers"):
        seeds_for(range(5, 2), 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            {"height": 4096, "width": 4096},
            "one picture of 4096x4096 pixels: about 8.00 GiB to work in, and 2.00 GiB are free",
        ),
        ({"num_images_per_prompt": 1000}, "1000 pictures of 128x128 .*smaller num_images_per_prompt"),
        ({"prompt": ["a cat"] * 1000}, "1000 pictures of 128x128 .*fewer prompts"),
    ],
)
def test_a_call_that_cannot_fit_is_refused_before_the_first_step(pipe, free, monkeypatch, call, words):
    monkeypatch.setattr(pipe.unet, "forward", lambda *args, **kwargs: pytest.fail("the denoiser was called"))
    free(2 * GIB)
    with pytest.raises(ValueError, match=words):
        generate(pipe, **{"prompt": "a cat", **call})


def test_a_call_that_may_just_fit_is_told_and_a_small_one_is_not(pipe, free):
    free(10 * GIB)
    with pytest.warns(UserWarning, match="about 8.00 GiB to work in, and 10.00 GiB are free"):
        check_call(pipe, {"prompt": "a cat", "height": 4096, "width": 4096})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_call(pipe, {"prompt": "a cat", "height": 512, "width": 512})
        free(None)  # the system does not say
        check_call(pipe, {"prompt": "a cat", "height": 4096, "width": 4096})


def test_what_the_refusal_says_makes_a_call_fit(pipe, monkeypatch):
    def work(**call):
        return work_of(resolve(pipe, {"prompt": "a cat", **call}))

    large, many = {"height": 4096, "width": 4096}, {"num_images_per_prompt": 100}
    assert work(**large) == work() * 32**2 and work(**many) == work() * 100
    monkeypatch.setattr(pipe.vae, "use_tiling", True)
    assert work(**large) < GIB
    monkeypatch.setattr(pipe.vae, "use_slicing", True)
    assert work(**many) == work()


def told(pipe, **call):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        check_call(pipe, {"prompt": "a cat", "image": Image.new("RGB", (128, 128)), **call})
    return [str(one.message) for one in heard if one.category is UserWarning]


def test_lms_from_a_picture_in_few_steps_is_told(img2img, inpaint, monkeypatch):
    mask = {"mask_image": Image.new("L", (128, 128), 255)}
    for pipe, more in ((img2img, {}), (inpaint, {**mask, "strength": 0.5})):
        monkeypatch.setattr(pipe, "scheduler", scheduler_named("LMS", pipe.scheduler))
        (message,) = told(pipe, num_inference_steps=15, **more)
        assert "burns pictures" in message and "num_inference_steps=50 or more" in message
        assert not told(pipe, num_inference_steps=50, **more)
        assert not told(pipe, num_inference_steps=15, **{**more, "strength": 1.0})
        monkeypatch.setattr(pipe, "scheduler", scheduler_named("Euler", pipe.scheduler))
        assert not told(pipe, num_inference_steps=15, **more)
