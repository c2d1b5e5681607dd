"""The shares that places give to words are those of diffusers, and can be changed word by word."""

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from sdkit import generate, generator
from sdkit.inside.attention import WordMaps, WordProcessor, _shape, word_maps

PROMPT = "a big owl on a blue background"


@pytest.fixture(scope="module")
def maps(pipe):
    return word_maps(pipe, PROMPT, seed=3, num_inference_steps=2)


@pytest.fixture
def told(pipe):
    """Return a function that calls with a WordProcessor in place and returns latents."""
    before = pipe.unet.attn_processors
    pipe.unet.set_attn_processor(WordProcessor())

    def call(prompt=PROMPT, **given):
        more = {"num_inference_steps": 2, "output_type": "latent", "cross_attention_kwargs": given}
        return pipe(prompt, generator=generator(3), **more).images

    yield call
    pipe.unet.set_attn_processor(before)


def test_looking_changes_neither_the_picture_nor_the_pipeline(pipe, maps):
    assert maps.picture == generate(pipe, PROMPT, seed=3, num_inference_steps=2)[0].image
    assert {type(one) for one in pipe.unet.attn_processors.values()} == {AttnProcessor2_0}


def test_each_place_gives_away_all_it_has(maps):
    assert torch.allclose(maps.shares.sum(0), torch.ones(maps.shares.shape[1:]), atol=1e-4)
    assert maps.words == ["begin", "a", "big", "owl", "on", "a", "blue", "background", "end"]
    assert torch.equal(maps.map_of("owl"), maps.map_of(3))


def test_a_word_that_is_not_there_is_refused(maps):
    with pytest.raises(ValueError, match="'cat'; give one of begin, a, big"):
        maps.map_of("cat")
    with pytest.raises(ValueError, match="word is 9; give one of begin"):
        maps.draw(9)


@pytest.mark.parametrize("places", [{}, {"left of it": (-0.1, 0.5)}, {"below": (0.5, 1.1)}])
def test_places_lie_in_the_picture(maps, places):
    with pytest.raises(ValueError, match="each number from 0 to 1"):
        maps.draw_shares(places)


@pytest.mark.parametrize("place", [-1, 77, 2368, 1.5, "owl"])
def test_weights_are_of_places_in_the_prompt(told, place):
    with pytest.raises(
        ValueError, match=f"weights has the place {place!r}; give whole numbers from 0, .* to 76: a token"
    ):
        told(weights={place: 0})


def test_the_last_place_has_a_weight(told):
    assert told(weights={76: 0.5, 0: 1}).isfinite().all()


def test_a_picture_is_lit_where_a_word_is_looked_at():
    from PIL import Image

    shares = torch.zeros(3, 2, 2)
    shares[1, 0, 0] = 1
    lit = WordMaps(Image.new("RGB", (64, 64), "white"), ["begin", "owl", "end"], shares).lit("owl")
    assert lit.getpixel((2, 2))[0] > 200 > 60 > lit.getpixel((61, 61))[0]


def test_drawings_name_the_words_and_what_goes_to_none(maps):
    drawn = maps.draw("owl", "blue")
    assert [words.text.split()[0] for words in drawn.words] == ["picture", "owl", "blue"]
    (axes,) = maps.draw_shares({"corner": (0, 0), "end": (1, 1)}).axes
    assert len(axes.patches) == 2 * 7 and "of corner" in axes.get_xlabel()


def test_without_names_it_is_diffusers_own_processor(pipe, told):
    own = told()
    pipe.unet.set_attn_processor(AttnProcessor2_0())
    more = {"num_inference_steps": 2, "output_type": "latent"}
    assert torch.equal(own, pipe(PROMPT, generator=generator(3), **more).images)


def test_weights_of_one_change_no_more_than_rounding_and_0_silences(told):
    assert torch.allclose(told(), told(weights={3: 1.0}), atol=1e-4)
    assert not torch.allclose(told(), told(weights={3: 0.0}), atol=1e-2)
    silent = dict.fromkeys(range(77), 0)
    assert torch.equal(told("a cat", weights=silent), told("a dog", weights=silent))


def test_at_factor_0_no_word_counts(told):
    assert torch.equal(told("a cat", factor=0), told("a dog", factor=0))


@pytest.mark.parametrize(
    ("sides", "places", "shape"), [((16, 16), 64, (8, 8)), ((16, 24), 96, (8, 12)), ((9, 5), 15, (5, 3))]
)
def test_the_shape_of_a_layer_follows_from_its_places(sides, places, shape):
    assert _shape(sides, places) == shape


def test_other_names_for_the_processors_are_handed_on(pipe):
    before = pipe.unet.attn_processors
    pipe.unet.set_attn_processor(WordProcessor())
    try:
        call = {"seed": 3, "num_inference_steps": 1}
        silent = [word_maps(pipe, words, cross_attention_kwargs={"factor": 0}, **call) for words in ("a cat", "a dog")]
        assert silent[0].picture == silent[1].picture
    finally:
        pipe.unet.set_attn_processor(before)


def test_several_pictures_are_refused(pipe):
    with pytest.raises(ValueError, match="2 pictures"):
        word_maps(pipe, PROMPT, num_images_per_prompt=2, num_inference_steps=2)
