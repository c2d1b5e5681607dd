"""The strict call is the bare call, bit for bit, and its record makes the picture again: random calls of all kinds."""

import warnings
from collections import Counter

import diffusers
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as numbered
from hypothesis import strategies as st
from PIL import Image

from sdkit import generate, generator, rebuild, save_picture
from sdkit.parameters import plain_value
from sdkit.schedulers import SAMPLERS, SPACINGS, scheduler_named

TEXT, IMAGE, INPAINT = "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
SPACED = [f"{name} {spacing}" for name, sampler in SAMPLERS.items() if sampler.is_spaced for spacing in SPACINGS]
NAMES = [*SAMPLERS, *SPACED]
OWN_STEPS = ("EulerDiscreteScheduler", "HeunDiscreteScheduler", "DPMSolverMultistepScheduler", "LCMScheduler")
# Of which some are refused, such as inpainting on too small a part.
EXAMPLES_OF_EACH, EXAMPLES_OF_EACH_SPACED = 7, 6

PROMPTS = st.sampled_from(
    ["a cat", "いぬ", "", "🐱", "a dog on a blue background", "cat " * 90, "a <b>cat</b>", "nul\0here", "a\nb", "$5"]
)
STEPS = st.integers(2, 3) | st.integers(2, 3).map(np.int64) | st.integers(2, 3).map(np.uint8)


def number(low, high):
    return st.floats(low, high) | st.floats(low, high, width=32).map(np.float32) | st.integers(int(low), int(high))


def noisy(size):
    """Return a start picture of noise, (width, height)."""
    width, height = size
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def square(size):
    """Return a mask with a white square."""
    mask = Image.new("L", size)
    mask.paste(255, (4, 4, size[0] // 2, size[1] // 2))
    return mask


MAYBE = {
    "guidance_scale": number(0, 15),
    "negative_prompt": PROMPTS,
    "guidance_rescale": number(0, 1),
    "eta": number(0, 1),
    "cross_attention_kwargs": st.just({}),
    "clip_skip": st.none(),
    "callback_on_step_end": st.just(lambda pipe, step, timestep, tensors: {}),
}
NOT_IN = {IMAGE: {"guidance_rescale"}, INPAINT: {"guidance_rescale"}}
# Small, so that many can be made.
SIZES = st.sampled_from([(32, 32), (32, 48), (40, 24), (np.int64(32), 40)])
PICTURES = st.sampled_from([(32, 32), (40, 32), (34, 50)]).map(noisy)


@st.composite
def calls(draw, name):
    """Draw a pipeline's class, arguments for the scheduler of this name, and how the noise is seeded."""
    kind = draw(st.sampled_from([TEXT, IMAGE, INPAINT]))
    call = {"prompt": draw(PROMPTS), "num_inference_steps": draw(STEPS)}
    for optional in draw(
        st.lists(st.sampled_from(sorted(set(MAYBE) - NOT_IN.get(kind, set()))), max_size=3, unique=True)
    ):
        call[optional] = draw(MAYBE[optional])
    if kind == TEXT:
        if draw(st.integers(0, 9)) > 0:  # the model's own size costs much
            call["height"], call["width"] = draw(SIZES)
        if draw(st.integers(0, 3)) == 0:
            shape = (1, 4, call.get("height", 128) // 8, call.get("width", 128) // 8)
            call["latents"] = torch.randn(*map(int, shape), generator=generator(draw(st.integers(0, 99))))
        if SAMPLERS.get(name) and SAMPLERS[name].kind in OWN_STEPS and draw(st.integers(0, 3)) == 0:
            del call["num_inference_steps"]
            call["timesteps"] = draw(st.sampled_from([[999, 500, 1], np.array([900, 300]), range(999, 0, -333)]))
    else:
        call["image"] = draw(PICTURES)
        call["strength"] = draw(st.floats(0.5, 1) | st.just(1) | st.just(np.float32(0.75)))
    if kind == INPAINT:
        call["mask_image"] = square(call["image"].size)
        if draw(st.integers(0, 9)) > 0:
            call["height"], call["width"] = 32, 32
        if draw(st.integers(0, 3)) == 0:
            call["padding_mask_crop"] = draw(st.integers(0, 16))
    return kind, call, draw(st.sampled_from(["seed", "seed", "new", "used"])), draw(st.integers(0, 2**64 - 1))


def seeded(how, seed):
    made = torch.Generator().manual_seed(seed)
    if how == "used":
        torch.randn(5, generator=made)
    return made


def is_refused_by_us(error):
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return "/sdkit/" in trace.tb_frame.f_code.co_filename


def scheduler_or_none(name, present):
    try:
        return scheduler_named(name, present)
    except ImportError:  # one sampler needs torchsde
        return None


@pytest.mark.slow
def test_the_strict_call_is_the_bare_one_and_its_record_makes_it_again(narrow, tmp_path):
    seen, schedulers, kinds = Counter(), Counter(), Counter()
    base, made = narrow.scheduler, {name: scheduler_or_none(name, narrow.scheduler) for name in NAMES}

    names = [name for name in NAMES if made[name] is not None]

    def same(name, data):
        kind, call, how, seed = data.draw(calls(name))
        parts = {**narrow.components, "scheduler": made[name]}
        drawing = getattr(diffusers, kind)(**parts, requires_safety_checker=False)
        drawing.set_progress_bar_config(disable=True)
        config, numbers = dict(made[name].config), torch.get_rng_state()
        start = {"seed": seed} if how == "seed" else {"generator": seeded(how, seed)}
        try:
            shot = generate(drawing, **call, **start)[0]
        except (TypeError, ValueError) as error:
            assert is_refused_by_us(error), error
            seen["refused"] += 1
            return
        assert torch.equal(numbers, torch.get_rng_state())
        # DPMSolverSinglestep corrects its own when steps are planned, and what is changed beside a callback stays.
        corrected = "Singlestep" in type(made[name]).__name__ and "callback_on_step_end" in call
        assert dict(made[name].config) == config or corrected
        plain = {argument: plain_value(argument, value) for argument, value in call.items()}
        bare = drawing(**plain, generator=seeded(how, seed)).images[0]
        assert shot.image.size == bare.size and shot.image.tobytes() == bare.tobytes()
        seen["compared"] += 1
        schedulers[name] += 1
        kinds[kind] += 1
        callbacks = {name: value for name, value in call.items() if name == "callback_on_step_end"}
        again = rebuild(save_picture(shot, tmp_path / "picture.png"), narrow, **callbacks)
        assert again.max_difference == 0 and again.shot.image.tobytes() == bare.tobytes()
        assert not again.versions and not again.machine

    def examples_of(name):
        @settings(
            max_examples=EXAMPLES_OF_EACH_SPACED if name in SPACED else EXAMPLES_OF_EACH, database=None,
            deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        )  # fmt: skip
        @given(data=st.data())
        def example(data):
            same(name, data)

        return example

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, name in enumerate(names):
            numbered(number)(examples_of(name))()
    assert narrow.scheduler is base
    assert seen.total() >= 500 and seen["compared"] >= 450 and min(kinds.values()) >= 80, seen
    assert set(schedulers) == set(names)
