"""A picture under noise and what the model guesses: little noise keeps the picture, much makes the words win."""

import pytest

import sdkit
from sdkit.inside.guess import guess

PROMPT = "a big owl on a blue background, flat style"
LIE = "a big fish on a red background, flat style"


@pytest.fixture(scope="module")
def owl(pipe):
    return sdkit.generate(pipe, PROMPT, seed=3, num_inference_steps=8)[0].image


def test_little_noise_keeps_the_picture(pipe, owl):
    noised, guessed = (placed.picture for placed in guess(pipe, owl, PROMPT, timestep=100).pictures)
    assert sdkit.distance(guessed, owl) < sdkit.distance(noised, owl)
    assert sdkit.distance(guess(pipe, owl, PROMPT, timestep=0).pictures[0].picture, owl) < 20


def test_more_noise_is_further_away_and_the_words_win(pipe, owl):
    drawing = guess(pipe, owl, LIE, timestep=[200, 600, 900])
    noised, guessed = drawing.pictures[:3], drawing.pictures[3:]
    away = [sdkit.distance(placed.picture, owl) for placed in noised]
    assert away == sorted(away)
    assert sdkit.named([guessed[0].picture, guessed[2].picture], "background") == ["blue", "red"]


def test_the_seed_decides_the_noise(pipe, owl):
    one, again, other = (guess(pipe, owl, PROMPT, timestep=500, seed=seed).pictures for seed in (0, 0, 1))
    assert sdkit.distance(one[0].picture, again[0].picture) == 0 < sdkit.distance(one[0].picture, other[0].picture)


def test_the_scheduler_of_the_pipeline_is_left_alone(pipe, owl):
    before = dict(vars(pipe.scheduler))
    drawing = guess(pipe, owl, PROMPT, timestep=500)
    assert vars(pipe.scheduler) == before
    assert repr(drawing) == "<Guesses at timesteps 500>"


@pytest.mark.parametrize("timestep", [-1, 1000, 0.5, [200, 1000]])
def test_timesteps_are_those_of_training(pipe, owl, timestep):
    with pytest.raises(ValueError, match="from 0 to 999"):
        guess(pipe, owl, PROMPT, timestep=timestep)


def test_there_is_a_timestep(pipe, owl):
    with pytest.raises(ValueError, match="at least one"):
        guess(pipe, owl, PROMPT, timestep=[])


def test_shots_and_pictures_with_alpha_are_taken(pipe, owl):
    (plain, _), (alpha, _) = (
        [placed.picture.tobytes() for placed in guess(pipe, one, PROMPT, timestep=100).pictures]
        for one in (owl, owl.convert("RGBA"))
    )
    assert plain == alpha
    shot = sdkit.generate(pipe, PROMPT, seed=3, num_inference_steps=8)[0]
    assert guess(pipe, shot, PROMPT, timestep=100).pictures[0].picture.tobytes() == plain
    with pytest.raises(TypeError, match="a str"):
        guess(pipe, "owl.png", PROMPT, timestep=100)
