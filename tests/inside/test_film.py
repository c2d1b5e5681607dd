"""A call as a film: the guesses are those that the scheduler itself makes, and the last one is the picture."""

import diffusers
import pytest
import torch

from sdkit import decode, distance, draw_flow, draw_guidance, draw_noise, film, generate, generator, word_maps
from sdkit.inside.film import predicted

PROMPT = "a big owl on a blue background"


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_a_guess_is_the_schedulers_predicted_original_sample(pipe, kind):
    scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, prediction_type=kind, clip_sample=False)
    scheduler.set_timesteps(4)
    sample, answer = (torch.randn(1, 4, 8, 8, generator=generator(seed)) for seed in (0, 1))
    for time in scheduler.timesteps[:-1]:
        known = scheduler.step(answer, time, sample).pred_original_sample
        assert torch.allclose(predicted(scheduler, sample, answer, float(time)), known, atol=1e-5)


def test_another_prediction_type_is_refused(pipe):
    scheduler = diffusers.EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    scheduler.register_to_config(prediction_type="flow")
    with pytest.raises(ValueError, match="flow"):
        predicted(scheduler, torch.zeros(1), torch.zeros(1), 1)


@pytest.mark.parametrize("name", ["DDIMScheduler", "EulerDiscreteScheduler"])
def test_the_last_guess_is_nearly_the_picture(pipe, monkeypatch, name):
    monkeypatch.setattr(pipe, "scheduler", getattr(diffusers, name).from_config(pipe.scheduler.config))
    made = film(pipe, PROMPT, seed=3, num_inference_steps=6)
    first, last = decode(pipe, torch.cat([made.predicted[0], made.predicted[-1]]))
    assert distance(last, made.image) < 12 < distance(first, made.image)
    assert made.timesteps == sorted(made.timesteps, reverse=True) and len(made) == 6
    assert made.image.tobytes() == generate(pipe, PROMPT, seed=3, num_inference_steps=6)[0].image.tobytes()
    assert not pipe.unet._forward_hooks


def test_a_film_shows_its_first_and_last_step(pipe):
    made = film(pipe, PROMPT, num_inference_steps=5, guidance_scale=1)
    drawing = made.draw(3)
    assert len(drawing.pictures) == 6 and "3 of 5 steps" in drawing.name
    assert all(f"{made.timesteps[number]:.0f}" in {line.text for line in drawing.words} for number in (0, 2, 4))
    assert repr(made) == "<Film of 5 steps>" and "image/png" in made._repr_mimebundle_()[0]
    with pytest.raises(ValueError, match="columns is 1"):
        made.draw(1)


def test_a_film_is_of_one_picture_and_of_known_arguments(pipe):
    with pytest.raises(ValueError, match="makes 2 pictures; one is shown"):
        film(pipe, [PROMPT, PROMPT])
    with pytest.raises(TypeError, match="guidance"):
        film(pipe, PROMPT, guidance=3)


@pytest.mark.parametrize("draw", [film, word_maps, draw_flow, draw_guidance, draw_noise])
def test_what_is_made_for_one_seed_takes_no_generator_and_no_other_output(pipe, draw):
    for seed in ({"seed": 3}, {} if draw is not draw_noise else {"seed": [3, 4]}):
        with pytest.raises(ValueError, match="generator is given, .* drawn from seed; give that instead"):
            draw(pipe, PROMPT, generator=generator(5), num_inference_steps=1, **seed)
    with pytest.raises(ValueError, match="output_type is 'np'; here it must be 'pil'"):
        draw(pipe, PROMPT, seed=3, output_type="np", num_inference_steps=1)
