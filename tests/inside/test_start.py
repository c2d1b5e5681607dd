"""The noised starts of image to image are drawn above their results, and hold more noise the higher the strength."""

import pytest

import sdkit

CALL = {"seed": 3, "num_inference_steps": 4}


@pytest.fixture(scope="module")
def start(pipe):
    return pipe("a cat", generator=sdkit.generator(1), num_inference_steps=2).images[0]


def test_each_strength_has_its_start_above_its_result(img2img, start):
    drawing = sdkit.draw_starts(img2img, "a dog", image=start, strength=[0.25, 1], **CALL)
    assert "strengths 0.25, 1" in drawing.name and drawing.alt
    first, weak, strong, *results = (place.picture for place in drawing.pictures)
    gaps = [sdkit.distance(first, picture) for picture in (start, weak, strong)]
    assert gaps[0] == 0 and 10 < gaps[1] < gaps[2] - 10
    alone = [sdkit.generate(img2img, "a dog", image=start, strength=one, **CALL)[0] for one in (0.25, 1)]
    assert [sdkit.distance(*pair) for pair in zip(results, alone)] == [0, 0]


def test_a_result_stands_below_its_start(img2img, start):
    drawing = sdkit.draw_starts(img2img, "a dog", image=start, strength=[0.5], **CALL)
    _, above, below = (place.box for place in drawing.pictures)
    assert above[0] == below[0] and above[3] < below[1]


def test_noise_is_drawn_with_few_colours(img2img, start):
    from sdkit.inside.start import NOISE_COLOURS

    drawing = sdkit.draw_starts(img2img, "a dog", image=start, strength=[0.5], **CALL)
    assert len(drawing.pictures[1].picture.getcolors(2**24)) <= NOISE_COLOURS


@pytest.mark.parametrize("strength", [0.5, []])
def test_strengths_are_a_list(img2img, start, strength):
    with pytest.raises(TypeError, match="give a list of numbers"):
        sdkit.draw_starts(img2img, "a dog", image=start, strength=strength, **CALL)


def test_films_are_made_of_images_and_masks(inpaint, start):
    mask = start.convert("L").point(lambda level: 255)
    call = {"image": start, "mask_image": mask, **CALL}
    film = sdkit.film(inpaint, "a dog", **call)
    assert len(film) == CALL["num_inference_steps"]
    assert sdkit.distance(film.image, sdkit.generate(inpaint, "a dog", **call)[0]) == 0
