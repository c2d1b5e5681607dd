"""Thousands of bad arguments: each is refused by us, by name, before the denoiser is called."""

import re
import warnings
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

import sdkit
from sdkit import generate, generator
from sdkit.parameters import OWN_NAMES, PARAMETERS, known_names

PACKAGE = Path(sdkit.__file__).parent
TEXT, IMAGE, INPAINT = "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
SCHEDULERS = ("PNDM", "DDIM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "HeunDiscrete")
SIDE, WIDE, CHANNELS, LATENT = 64, 128, 4, 16  # of the built-in model
SAME_EACH_TIME = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate, Phase.shrink],
}


class Reached(Exception):
    """The denoiser was called."""


@pytest.fixture(scope="module")
def pipes(pipe):
    """Return the three pipelines over the built-in model's parts, by class name."""
    made = {}
    for name in (TEXT, IMAGE, INPAINT):
        made[name] = getattr(diffusers, name)(**pipe.components, requires_safety_checker=False)
        made[name].set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def schedulers(pipe):
    """Return a scheduler of each class over the built-in model's settings; all calls share it, as a reader's do."""
    return {name: getattr(diffusers, f"{name}Scheduler").from_config(pipe.scheduler.config) for name in SCHEDULERS}


def picture(mode="RGB", size=(SIDE, SIDE)):
    return Image.new(mode, size)


class Elsewhere(torch.Generator):
    """A generator that says it is on a graphics card."""

    device = torch.device("cuda")


def noise(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=generator(0)).to(dtype)


# Values of the wrong kind, of which each argument gets those that are wrong for it.

PYTHON = [True, 3, 2.5, "7", b"7", (1, 2), [], [None], {}, {1}, 1j, Decimal("2"), object(), range(3), len, ...]
NUMPY = [np.bool_(True), np.array(3.0), np.array([1, 2]), np.datetime64("2024-01-01"), np.random.default_rng(0)]
TORCH = [torch.tensor(3.0), torch.zeros(2, 2), torch.float32, torch.Generator("cpu"), torch]
JUNK = st.sampled_from(PYTHON + NUMPY + TORCH) | st.binary() | st.complex_numbers() | st.frozensets(st.integers())
HUGE = st.sampled_from([10**400, -(10**400), 10**5000])
NONE_OR = st.none() | JUNK


def junk(*allowed, none=False):
    """Return junk without values of the types that the argument takes."""
    return (JUNK if none else NONE_OR).filter(lambda value: not isinstance(value, allowed))


def bad_number(low, high):
    below, above = st.floats(max_value=low, exclude_max=True), st.floats(min_value=high, exclude_min=True)
    out = below | above | st.just(float("nan"))
    return st.one_of(
        out,
        out.map(np.float64),
        st.sampled_from([np.float32("nan"), np.float16("inf"), Fraction(-1, 3), Fraction(10**9, 7)]),
        HUGE,
        junk(int, float, np.float64).filter(lambda value: not isinstance(value, Fraction)) | st.booleans(),
    )


def bad_integer(low, high, none=False):
    whole = st.integers(max_value=low - 1) | st.integers(min_value=high + 1)
    small = st.integers(-(2**31), low - 1).map(np.int64)
    return st.one_of(whole, small, HUGE, st.floats(), st.floats().map(np.float64), st.booleans(), junk(int, none=none))


SURROGATE = st.text(st.characters(categories=["Cs"]), min_size=1)
BAD_TEXT = st.one_of(
    junk(str, none=True),
    SURROGATE.map(lambda text: f"a cat {text}"),
    st.lists(st.text(), min_size=1).map(tuple),
    st.lists(st.integers() | st.none() | st.binary(), min_size=1),
)
NOT_8 = st.integers(8, 4096).filter(lambda value: value % 8)
SHAPES = st.lists(st.integers(1, 20), max_size=5).map(tuple)


def bad_tensor(right, dtypes=(torch.int64, torch.bool, torch.complex64)):
    good = noise(*right)
    spoilt = []
    for value in (float("nan"), float("inf")):
        tensor = good.clone()
        tensor.view(-1)[-1] = value
        spoilt.append(tensor)
    odd = [good.to("meta"), good.to_sparse(), good.numpy(), [good], (good,), noise(0, *right[1:]), *spoilt]
    wrong = SHAPES.filter(lambda shape: shape != right).map(lambda shape: torch.zeros(shape))
    return st.one_of(wrong, st.sampled_from(odd), st.sampled_from(dtypes).map(good.to), junk(torch.Tensor, none=True))


def array(*shape, dtype=np.float32, value=0.5):
    return np.full(shape, value, dtype=dtype)


BAD_PICTURE = st.one_of(
    st.sampled_from(["L", "RGBA", "CMYK", "P", "1", "F", "I;16", "HSV"]).map(picture),
    st.tuples(st.integers(1, 7), st.integers(1, 200)).map(lambda size: picture(size=size)),
    st.sampled_from(
        [
            picture(size=(8, sdkit.PARAMETERS["height"].high + 8)),
            picture(size=(0, 0)),
            [],
            [picture(), None],
            [picture(), array(SIDE, SIDE, 3)],
            [picture()] * 3,
            (picture(),),
            array(SIDE, SIDE, 3, dtype=np.uint8),
            array(SIDE, SIDE, 3, value=255.0),
            array(SIDE, SIDE, 3, value=np.nan),
            array(SIDE, SIDE),
            array(SIDE, SIDE, 4),
            array(3, SIDE, SIDE),
            array(5, SIDE, SIDE, 3),
            array(0, SIDE, SIDE, 3),
            torch.full((3, SIDE, SIDE), 2.0),
            torch.full((3, SIDE, SIDE), 1, dtype=torch.uint8),
            torch.full((3, SIDE, SIDE), float("nan")),
            torch.zeros(SIDE, SIDE),
            torch.zeros(7, SIDE, SIDE),
            torch.zeros(3, 2, 2),
            torch.zeros(1, 1, 3, SIDE, SIDE),
            torch.zeros(3, SIDE, SIDE, device="meta"),
            [torch.zeros(3, SIDE, SIDE), torch.zeros(3, SIDE, 72)],
        ]
    ),
    junk(Image.Image, np.ndarray, torch.Tensor),
)
BAD_MASK = st.one_of(
    st.tuples(st.integers(1, 7), st.integers(1, 200)).map(lambda size: picture("L", size)),
    st.sampled_from(
        [
            [],
            [picture("L")] * 3,
            [picture("L"), 1],
            (picture("L"),),
            array(SIDE, SIDE, dtype=np.uint8),
            array(SIDE, SIDE, value=255.0),
            array(SIDE, SIDE, value=-1.0),
            array(SIDE, SIDE, value=np.inf),
            array(SIDE),
            array(5, SIDE, SIDE),
            torch.full((SIDE, SIDE), True),
            torch.full((1, SIDE, SIDE), float("nan")),
            torch.zeros(2, 3, SIDE, SIDE),
            torch.zeros(4, 4),
        ]
    ),
    junk(Image.Image, np.ndarray, torch.Tensor),
)


def descending(numbers, size):
    return st.lists(numbers, min_size=size, max_size=6, unique=True).map(lambda some: sorted(some, reverse=True))


NOT_DESCENDING = st.lists(st.integers(0, 999), min_size=2, max_size=5).filter(
    lambda some: any(a <= b for a, b in zip(some, some[1:]))
)
BAD_LIST = st.one_of(
    NOT_DESCENDING,
    NOT_DESCENDING.map(np.array),
    descending(st.integers(-50, 0), 2).filter(lambda some: some[-1] < 0),
    st.sampled_from(["987", b"987", [], {9, 8}, [9.0, float("nan")], [float("inf"), 1.0], [9, "8"], np.array(5)]),
    junk(list, np.ndarray, torch.Tensor, range, none=True),
)

BAD = {
    "prompt": BAD_TEXT,
    "negative_prompt": BAD_TEXT | st.lists(st.text(max_size=5), min_size=1),
    "height": bad_integer(8, 8192, none=True) | NOT_8,
    "width": bad_integer(8, 8192, none=True) | NOT_8,
    "num_inference_steps": bad_integer(1, 1000),
    "timesteps": BAD_LIST
    | descending(st.floats(1, 900).filter(lambda value: value % 1), 1)
    | descending(st.integers(1000, 10**6), 1),
    "sigmas": BAD_LIST | st.floats(0, 14).map(lambda value: [value]),
    "guidance_scale": bad_number(0, 100),
    "num_images_per_prompt": bad_integer(1, 1000),
    "eta": bad_number(0, 1),
    "generator": st.one_of(
        st.integers(2, 5).map(lambda count: [torch.Generator("cpu")] * count),
        st.sampled_from([[], [torch.Generator("cpu"), None], (torch.Generator("cpu"),), [7]]),
        junk(torch.Generator, none=True),
    ),
    "latents": bad_tensor((1, CHANNELS, LATENT, LATENT)) | st.just(noise(1, CHANNELS, LATENT, LATENT).half()),
    "prompt_embeds": bad_tensor((1, 77, WIDE)),
    "negative_prompt_embeds": bad_tensor((1, 77, WIDE)),
    "ip_adapter_image": junk(none=True),
    "ip_adapter_image_embeds": junk(none=True) | st.just([noise(1, 1, WIDE)]),
    "output_type": st.text().map("-{}".format) | st.sampled_from(["PIL", "numpy", "jpeg"]) | NONE_OR,
    "return_dict": NONE_OR.filter(lambda value: not isinstance(value, bool)),
    "cross_attention_kwargs": st.one_of(
        junk(dict, none=True),
        st.dictionaries(st.text() | st.integers(), st.integers(), min_size=1),
        st.sampled_from(["attn", "hidden_states", "encoder_hidden_states", "attention_mask", "temb", "kwargs"]).map(
            lambda key: {key: None}
        ),
    ),
    "guidance_rescale": bad_number(0, 1),
    "clip_skip": bad_integer(0, 1, none=True),
    "callback_on_step_end": st.one_of(
        JUNK.filter(lambda value: not callable(value)),
        st.sampled_from([lambda: {}, lambda pipe: {}, lambda a, b, c, d, e: {}, lambda *, pipe: {}, len, abs]),
    ),
    "callback_on_step_end_tensor_inputs": st.one_of(
        junk(list), st.lists(st.text(), min_size=1), st.just([None]), st.just(("latents",)), st.just("latents")
    ),
    "image": BAD_PICTURE,
    "mask_image": BAD_MASK,
    "masked_image_latents": bad_tensor((1, CHANNELS, LATENT, LATENT)),
    "padding_mask_crop": bad_integer(0, 8192, none=True),
    "strength": bad_number(0, 1),
    "seed": st.one_of(
        bad_integer(0, 2**64 - 1).filter(lambda value: not isinstance(value, range)),
        st.lists(st.integers(0, 9), min_size=2),
        st.sampled_from([[-1], [2**64], [None], ["3"], [1.0]]),
    ),
    "lora_scale": st.one_of(
        bad_number(-100, 100).filter(lambda value: value is not None),
        st.sampled_from([0, 0.5, 1]),  # without a LoRA
    ),
    "ineffective": st.text().map("-{}".format) | NONE_OR,
}


@st.composite
def misspelt(draw, known):
    """Draw a name near a known one that is not known itself."""
    name = draw(st.sampled_from(sorted(known)))
    i = draw(st.integers(0, len(name) - 1))
    kinds = [
        name[:i] + name[i + 1 :],
        name[:i] + name[i] + name[i:],
        name.upper(),
        name + "s",
        name[:i] + "x" + name[i:],
    ]
    return draw(st.sampled_from([near for near in kinds if near and near not in known] or ["nagative_prompt"]))


def good_call(kind):
    call = {"prompt": "a cat", "num_inference_steps": 4}
    if kind != TEXT:
        call["image"] = picture()
    return {**call, "mask_image": picture("L")} if kind == INPAINT else call


def bad_call(data, pipes, schedulers, name):
    """Draw a call whose only fault is in the argument `name`; return the pipeline's class name and the call."""
    kinds = [kind for kind in pipes if name in known_names(pipes[kind]) or name in (*OWN_NAMES, "ineffective")]
    kind = data.draw(st.sampled_from(kinds))
    call = good_call(kind)
    if name in ("timesteps", "sigmas"):
        pipes[kind].scheduler = schedulers["EulerDiscrete"]
        del call["num_inference_steps"]
    else:
        pipes[kind].scheduler = schedulers[data.draw(st.sampled_from(SCHEDULERS))]
    if name in ("height", "width"):
        call["width" if name == "height" else "height"] = 64
    if name == "prompt_embeds":
        del call["prompt"]
    if name == "callback_on_step_end_tensor_inputs":
        call["callback_on_step_end"] = lambda pipe, step, timestep, tensors: {}
    call[name] = data.draw(BAD[name], label=name)
    return kind, call


def check_refused(pipe, call, name):
    """Assert that the call is refused by us, naming the argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((TypeError, ValueError)) as caught:
            generate(pipe, **call)
    frames = caught.traceback
    assert Path(frames[-1].path).is_relative_to(PACKAGE), f"{caught.value} comes from {frames[-1].path}"
    assert re.search(rf"\b{re.escape(name)}\b", str(caught.value)), str(caught.value)


@pytest.fixture
def untouched(pipe, monkeypatch):
    """Let the denoiser fail the test when it is called."""

    def forward(*args, **kwargs):
        raise Reached

    monkeypatch.setattr(pipe.unet, "forward", forward)


def test_the_table_of_bad_values_covers_every_argument(pipes):
    names = {name for pipe in pipes.values() for name in known_names(pipe)} | {*OWN_NAMES, "ineffective"}
    assert set(BAD) == names == set(PARAMETERS) | {"ineffective"}


def test_every_bad_value_is_refused_by_name_before_the_denoiser(pipes, schedulers, untouched):
    seen = Counter()

    @settings(max_examples=45, **SAME_EACH_TIME)
    @given(data=st.data())
    def refused(name, data):
        kind, call = bad_call(data, pipes, schedulers, name)
        seen[name] += 1
        check_refused(pipes[kind], call, name)

    for name in BAD:
        refused(name)
    assert min(seen.values()) >= 20 and sum(seen.values()) >= 1000


@settings(max_examples=150, **SAME_EACH_TIME)
@given(data=st.data())
def test_every_misspelt_name_is_refused(pipes, untouched, data):
    kind = data.draw(st.sampled_from(sorted(pipes)))
    name = data.draw(misspelt({*known_names(pipes[kind]), "seed", "ineffective", "pipe"}))
    check_refused(pipes[kind], {**good_call(kind), name: None}, name)


@settings(max_examples=30, **SAME_EACH_TIME)
@given(value=NONE_OR)
def test_what_is_no_pipeline_is_refused(value):
    check_refused(value, {"prompt": "a cat"}, "pipe")


MISSING = [(TEXT, "prompt"), (IMAGE, "image"), (INPAINT, "image"), (INPAINT, "mask_image")]


@pytest.mark.parametrize(("kind", "name"), MISSING)
def test_a_missing_argument_is_named(pipes, untouched, kind, name):
    call = good_call(kind)
    del call[name]
    check_refused(pipes[kind], call, name)


TOGETHER = [
    (TEXT, {"prompt": None, "prompt_embeds": noise(2, 77, WIDE), "negative_prompt": "red"}, "negative_prompt"),
    (TEXT, {"prompt": None, "prompt_embeds": noise(1, 154, WIDE)}, "prompt_embeds"),
    (TEXT, {"prompt": ["a", "b"], "negative_prompt_embeds": noise(1, 77, WIDE)}, "negative_prompt_embeds"),
    (TEXT, {"num_images_per_prompt": 2, "latents": noise(1, CHANNELS, LATENT, LATENT)}, "latents"),
    (TEXT, {"height": 128, "width": 64, "latents": noise(1, CHANNELS, LATENT, LATENT)}, "latents"),
    (TEXT, {"num_images_per_prompt": 3, "seed": [1, 2]}, "seed"),
    (TEXT, {"seed": 3, "generator": generator(3)}, "generator"),
    (TEXT, {"generator": Elsewhere()}, "generator"),
    (TEXT, {"num_images_per_prompt": 2, "generator": [generator(1), Elsewhere()]}, "generator"),
    (TEXT, {"num_inference_steps": 1000}, "num_inference_steps"),
    (IMAGE, {"strength": 0.2}, "strength"),
    (IMAGE, {"image": [picture()] * 2, "num_images_per_prompt": 3}, "image"),
    (INPAINT, {"strength": 0}, "strength"),
    (INPAINT, {"mask_image": [picture("L")] * 3, "num_images_per_prompt": 2}, "mask_image"),
    (INPAINT, {"image": noise(1, CHANNELS, LATENT, LATENT)}, "image"),
    (INPAINT, {"padding_mask_crop": 8}, "mask_image"),
    (INPAINT, {"padding_mask_crop": 8, "image": [picture()]}, "image"),
    (
        INPAINT,
        {"padding_mask_crop": 8, "mask_image": picture("L").point(lambda _: 255), "output_type": "np"},
        "output_type",
    ),
]


@pytest.mark.parametrize(("kind", "arguments", "name"), TOGETHER)
def test_good_values_that_do_not_go_together_are_refused(pipes, schedulers, untouched, kind, arguments, name):
    pipes[kind].scheduler = schedulers["DDIM"]
    call = {**good_call(kind), **arguments}
    check_refused(pipes[kind], {key: value for key, value in call.items() if value is not None}, name)


# Values that are good, or may be, depending on the others.


def several(values, most=3):
    return values | st.lists(values, min_size=1, max_size=most)


SIDES = st.sampled_from([8, 32, 64, 72])
START = st.sampled_from(
    [
        picture(),
        picture(size=(70, 33)),
        [picture()] * 2,
        array(SIDE, SIDE, 3),
        array(2, SIDE, SIDE, 3, dtype=np.float64),
        torch.full((3, SIDE, SIDE), 0.5),
        [torch.full((3, SIDE, SIDE), 0.5)] * 2,
        noise(1, CHANNELS, LATENT, LATENT),
        noise(2, CHANNELS, LATENT, LATENT, dtype=torch.float64),
    ]
)
MASK = st.sampled_from(
    [
        picture("L").point(lambda _: 255),
        picture("1"),
        picture("RGB", (30, 50)),
        [picture("L")] * 2,
        array(SIDE, SIDE),
        array(2, SIDE, SIDE),
        array(SIDE, SIDE, 1),
        torch.ones(1, SIDE, SIDE),
        torch.ones(2, 1, SIDE, SIDE),
        torch.ones(SIDE, SIDE, dtype=torch.float64),
    ]
)
PERHAPS = {
    "prompt": several(st.text(max_size=8)),
    "negative_prompt": several(st.text(max_size=8)),
    "height": SIDES,
    "width": SIDES,
    "num_inference_steps": st.integers(1, 4) | st.integers(1, 4).map(np.int64) | st.just(1000),
    "timesteps": descending(st.integers(0, 999), 1) | descending(st.integers(0, 999), 1).map(np.array),
    "sigmas": descending(st.floats(0, 14.6), 1) | st.just(torch.tensor([9.0, 2.0, 0.0])),
    "guidance_scale": st.floats(0, 100) | st.sampled_from([1, Fraction(5, 2), np.float32(4), np.longdouble(3)]),
    "num_images_per_prompt": st.integers(1, 3),
    "eta": st.floats(0, 1),
    "generator": st.integers(1, 3).flatmap(
        lambda count: st.just([generator(i) for i in range(count)]) | st.just(generator(count))
    ),
    "latents": st.integers(1, 3).map(lambda count: noise(count, CHANNELS, LATENT, LATENT)),
    "prompt_embeds": st.tuples(st.integers(1, 2), st.sampled_from([1, 77, 90])).map(lambda two: noise(*two, WIDE)),
    "negative_prompt_embeds": st.integers(1, 2).map(lambda count: noise(count, 77, WIDE)),
    "output_type": st.sampled_from(["pil", "np", "pt", "latent"]),
    "return_dict": st.booleans(),
    "cross_attention_kwargs": st.just({}),
    "guidance_rescale": st.floats(0, 1),
    "clip_skip": st.just(0),
    "callback_on_step_end": st.just(lambda pipe, step, timestep, tensors: tensors),
    "callback_on_step_end_tensor_inputs": st.sampled_from([[], ["latents"], ["prompt_embeds"]]),
    "image": START,
    "mask_image": MASK,
    "masked_image_latents": st.integers(1, 2).map(lambda count: noise(count, CHANNELS, LATENT, LATENT)),
    "padding_mask_crop": st.sampled_from([0, 8]),
    "strength": st.floats(0, 1),
    "seed": st.integers(0, 2**64 - 1) | st.lists(st.integers(0, 9), min_size=1, max_size=3),
}


@pytest.fixture
def instead_of_the_denoiser(pipe, monkeypatch):
    """Let the denoiser check what it is given and take all of it for noise."""

    def forward(sample, timestep, encoder_hidden_states=None, **kwargs):
        assert sample.ndim == 4 and sample.shape[1] == CHANNELS
        assert encoder_hidden_states.ndim == 3 and encoder_hidden_states.shape[2] == WIDE
        assert sample.shape[0] == encoder_hidden_states.shape[0]
        assert sample.dtype == encoder_hidden_states.dtype == torch.float32
        assert torch.isfinite(sample).all() and torch.isfinite(encoder_hidden_states).all()
        return (sample.clone(),)

    monkeypatch.setattr(pipe.unet, "forward", forward)


def test_what_is_not_refused_runs_to_its_end(pipes, schedulers, instead_of_the_denoiser):
    ends = Counter()

    @settings(max_examples=120, **SAME_EACH_TIME)
    @given(data=st.data())
    def runs(data):
        kind = data.draw(st.sampled_from(sorted(pipes)))
        pipes[kind].scheduler = schedulers[data.draw(st.sampled_from(SCHEDULERS))]
        known = {*known_names(pipes[kind]), "seed"} & set(PERHAPS)
        call = good_call(kind)
        for name in data.draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)):
            call[name] = data.draw(PERHAPS[name], label=name)
        if "prompt_embeds" in call:
            del call["prompt"]
        if "height" in call or "width" in call:
            call = {"height": 64, "width": 64, **call}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                shots = generate(pipes[kind], **call)
            except (TypeError, ValueError) as error:
                trace = error.__traceback__
                while trace.tb_next:
                    trace = trace.tb_next
                assert Path(trace.tb_frame.f_code.co_filename).is_relative_to(PACKAGE), repr(error)
                assert any(name in str(error) for name in known)
                ends["refused"] += 1
            else:
                assert all(name in shots[0].settings for name in call if name not in ("generator", "return_dict"))
                ends["ran"] += 1

    runs()
    assert min(ends["refused"], ends["ran"]) >= 20
