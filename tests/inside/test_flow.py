"""A call drawn with its parts: what was handed on and how often, and the picture as it was."""

import pytest

import sdkit
from sdkit.inside.flow import CODE, NETWORK, draw_flow, recorded

PROMPT = "an owl on a blue background"


@pytest.fixture(scope="module")
def record(pipe):
    return recorded(pipe, PROMPT, seed=3, num_inference_steps=4)


def test_calls_and_shapes_are_those_of_the_call(pipe, record):
    assert record.calls == {"text encoder": 2, "UNet": 4, "VAE decoder": 1}
    assert record.shapes["text encoder"] == (1, 77, pipe.text_encoder.config.hidden_size)
    assert record.shapes["UNet"] == (2, 4, 16, 16) and record.shapes["VAE decoder"] == (1, 3, 128, 128)


def test_the_picture_is_that_of_the_call(pipe, record):
    plain = pipe(PROMPT, generator=sdkit.generator(3), num_inference_steps=4).images[0]
    assert sdkit.distance(record.image, plain) == 0
    assert not any(part._forward_hooks for part in (pipe.text_encoder, pipe.unet, pipe.vae.decoder))


def test_without_guidance_the_text_encoder_is_asked_once(pipe):
    calls = recorded(pipe, PROMPT, guidance_scale=1, num_inference_steps=2).calls
    assert calls == {"text encoder": 1, "UNet": 2, "VAE decoder": 1}


def test_the_drawing_says_what_was_counted(pipe):
    drawing = draw_flow(pipe, PROMPT, num_inference_steps=2)
    boxes = {box.lines[0]: box for box in drawing.boxes}
    assert list(boxes) == ["prompt", "tokenizer", "text encoder", "seed", "UNet", "scheduler", "VAE decoder"]
    assert boxes["UNet"].lines[1:] == ["answer 4 x 16 x 16", "asked 2 times"]
    assert boxes["tokenizer"].lines[1:] == ["77 numbers"] and boxes["VAE decoder"].lines[-1] == "asked once"
    assert {name for name, box in boxes.items() if box.fill == NETWORK} == {"text encoder", "UNet", "VAE decoder"}
    assert {name for name, box in boxes.items() if box.fill == CODE} == {"tokenizer", "scheduler"}
    assert len(drawing.pictures) == 2 and "UNet: answer 4 x 16 x 16" in drawing.alt
    assert len(drawing._repr_png_()) < 200_000


@pytest.mark.parametrize("sides", [(128, 128), (256, 128), (128, 256)])
def test_all_lies_within_the_drawing(pipe, sides):
    height, width = sides
    drawing = draw_flow(pipe, f"{PROMPT}, {PROMPT}, {PROMPT}", height=height, width=width, num_inference_steps=2)
    width, height = drawing.size
    places = [(box.left, box.top, box.right, box.bottom) for box in drawing.boxes]
    for left, top, right, bottom in [*places, *(placed.box for placed in drawing.pictures)]:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert all(0 <= x <= width and 0 <= y <= height for arrow in drawing.arrows for x, y in arrow)
    assert all(0 <= words.x and words.y <= height for words in drawing.words)


def test_one_picture_only(pipe):
    with pytest.raises(ValueError, match="makes 2 pictures; one is shown"):
        draw_flow(pipe, PROMPT, num_images_per_prompt=2)
    with pytest.raises(TypeError, match="num_inference_steps"):
        draw_flow(pipe, PROMPT, steps=2)
