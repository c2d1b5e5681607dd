"""The row of random numbers of a generator, drawn."""

import pytest
import torch

from sdkit import draw_noise
from sdkit.inside.noise import _calls_of
from sdkit.inside.unet_calls import for_one_picture

PROMPT = "a big rocket"
SHORT = {"num_inference_steps": 2}


def calls_of(pipe, seed, calls, **more):
    return _calls_of(pipe, for_one_picture(pipe, PROMPT, {**SHORT, **more}, seed), calls)


def test_each_call_takes_the_next_part_of_the_row(pipe):
    row = calls_of(pipe, 4, 2)
    noises = [noise for noise, _ in row]
    drawn = torch.Generator("cpu").manual_seed(4)
    assert torch.equal(torch.cat(noises).flatten(), torch.randn(2, *noises[0].shape, generator=drawn).flatten())
    for noise, picture in row:
        assert pipe(PROMPT, latents=noise[None], **SHORT).images[0] == picture
    assert row[0][1] != row[1][1]


def test_the_noise_has_the_size_of_the_picture(pipe):
    side = pipe.unet.config.sample_size
    high = side * pipe.vae_scale_factor
    ((noise, picture),) = calls_of(pipe, 4, 1, height=high, width=2 * high)
    assert noise.shape == (pipe.unet.config.in_channels, side, 2 * side)
    assert picture.width == 2 * picture.height


def test_the_drawing_has_a_band_and_a_picture_for_each_call(pipe):
    drawing = draw_noise(pipe, PROMPT, seed=[4, 5], calls=2, **SHORT)
    assert len(drawing.pictures) == 2 * (1 + 2)
    assert all(right <= drawing.size[0] and bottom <= drawing.size[1] for _, (_, _, right, bottom) in drawing.pictures)
    texts = [word.text for word in drawing.words]
    assert {"seed 4", "seed 5", "1st call", "2nd call"} <= set(texts)
    noise = calls_of(pipe, 5, 1)[0][0].flatten()
    assert f"{noise[0]:.2f}, {noise[1]:.2f}, ..." in texts
    assert "seeds 4 and 5" in drawing.alt


def test_one_seed_needs_no_list(pipe):
    assert repr(draw_noise(pipe, PROMPT, seed=4, calls=1, **SHORT)) == repr(
        draw_noise(pipe, PROMPT, seed=[4], calls=1, **SHORT)
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seed": []}, "seed is empty"),
        ({"seed": [4], "calls": 0}, "calls is 0; give 1 to 6"),
        ({"seed": [4], "calls": 7}, "calls is 7"),
        ({"seed": [4], "num_images_per_prompt": 2}, "makes 2 pictures"),
    ],
)
def test_what_cannot_be_drawn_is_refused(pipe, given, words):
    with pytest.raises(ValueError, match=words):
        draw_noise(pipe, PROMPT, **SHORT, **given)
