"""What the functions of this folder cannot use is refused in words, before another library fails on it."""

import pytest
import torch
from PIL import Image

import sdkit as sd
from sdkit.inside.shapes import named_shapes
from sdkit.shot import Shot

PICTURE = Image.new("RGB", (128, 128))
NOISE, NAN = torch.arange(1.0, 5), float("nan")
NO_PIPELINE = "pipe is None; give a Stable Diffusion pipeline, such as load_pipeline\\(\\) returns"


def enter(block):
    """Run an empty `with` block."""
    with block:
        pass


@pytest.mark.parametrize(
    "call",
    [
        lambda: sd.tokens(None, "a"),
        lambda: sd.decode(None, torch.zeros(1, 4, 8, 8)),
        lambda: sd.draw_schedule(None),
        lambda: sd.ddim_noise(None, 0.5),
        lambda: sd.guess(None, PICTURE, "a cat", timestep=5),
        lambda: enter(sd.guided(None, sd.guider())),
        lambda: sd.save_single_file(None, "x.safetensors"),
        lambda: sd.film(None, "a cat"),
    ],
)
def test_what_is_no_pipeline_is_refused_in_the_same_words_everywhere(call):
    with pytest.raises(TypeError, match=NO_PIPELINE):
        call()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda pipe: enter(sd.guided(pipe, None)), TypeError, "guider is None; give one of diffusers' guiders"),
        (lambda pipe: sd.weight_bytes(None), TypeError, "model is None; give a pipeline, or a part of one"),
        (lambda pipe: sd.decode(pipe, torch.zeros(4, 16, 16)), ValueError, r"shape \(4, 16, 16\); give \(pictures, 4,"),
        (lambda pipe: sd.decode(pipe, torch.zeros(1, 3, 16, 16)), ValueError, r"shape \(1, 3, 16, 16\)"),
        (lambda pipe: sd.decode(pipe, Shot(PICTURE, {}, {})), TypeError, "latents is .*; give a tensor"),
        (lambda pipe: sd.draw_schedule(pipe, num_inference_steps=0), ValueError, "num_inference_steps is 0; give a"),
        (lambda pipe: sd.draw_schedule(pipe, num_inference_steps=[5, 2.5]), TypeError, "is 2.5; give a whole number"),
        (
            lambda pipe: sd.ddim_noise(pipe, 0.5, 0),
            ValueError,
            "num_inference_steps is 0; give a number from 1 to 1000",
        ),
        (lambda pipe: sd.ddim_noise(pipe, "1"), TypeError, "eta is '1'; give a number from 0 to 1"),
        (
            lambda pipe: sd.draw_fresh_noise(pipe, 0.5),
            TypeError,
            r"eta is 0.5; give a list of numbers such as \[0, 0.5",
        ),
        (lambda pipe: sd.draw_fresh_noise(pipe, ["1"]), TypeError, "eta is '1'; give a number from 0 to 1"),
        (
            lambda pipe: sd.draw_grid(None),
            TypeError,
            "shots is a NoneType; give a PIL picture, a shot, or a list of them",
        ),
        (lambda pipe: sd.draw_grid("a.png"), TypeError, "shots is a str; give a PIL picture"),
        (
            lambda pipe: sd.named(None),
            TypeError,
            "pictures is a NoneType; give a PIL picture, a shot, or a list of them",
        ),
        (lambda pipe: named_shapes(3), TypeError, "pictures is a int; give a PIL picture, a shot, or a list of them"),
        (
            lambda pipe: sd.slerp(NOISE, -2 * NOISE.flip(0), NAN),
            ValueError,
            "weight is nan; give a number, 0 for start",
        ),
        (lambda pipe: sd.slerp(0 * NOISE, NOISE, 0.5), ValueError, "start has the length 0, so no arc"),
        (lambda pipe: sd.slerp(NOISE, NOISE * NAN, 0.5), ValueError, "end has the length nan, so no arc"),
        (lambda pipe: sd.draw_between(NOISE, 0 * NOISE, [0, 1]), ValueError, "end has the length 0, so no arc"),
        (lambda pipe: sd.draw_bars(["a", "b"], {"MB": [1, NAN]}), ValueError, "MB has the amount nan; bars begin at 0"),
        (
            lambda pipe: sd.draw_dots({"a": [1, NAN]}),
            ValueError,
            r"numbers has \[1.0, nan\] for a; give finite numbers",
        ),
        (lambda pipe: sd.draw_dots([1, 2]), TypeError, r"numbers is \[1, 2\]; give a dictionary such as {'seed': "),
        (lambda pipe: sd.draw_dots({"a": 3}), TypeError, "numbers has 3 for 'a'; give a list of numbers"),
        (lambda pipe: sd.draw_timesteps([1, 2]), TypeError, r"plans is \[1, 2\]; give a dictionary such as {'own': "),
        (
            lambda pipe: sd.guess(pipe, PICTURE, "a cat", timestep=5, guidance_scale="7"),
            TypeError,
            "guidance_scale is '7'; give a number",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_give(pipe, call, error, words):
    with pytest.raises(error, match=words):
        call(pipe)
