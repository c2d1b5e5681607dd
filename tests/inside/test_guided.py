"""A guider of diffusers in the pipeline makes what it says, and is gone afterwards."""

import diffusers.guiders
import pytest
import torch

from sdkit import generate, generator, messages, rebuild, save_picture, sweep
from sdkit.inside.guided import Guided, guided, guider

STEPS = 4


def latents(pipe, **more):
    call = {"num_inference_steps": STEPS, "output_type": "latent", "generator": generator(1)}
    return pipe("a big owl on a blue background", **call, **more).images


def by(pipe, name="ClassifierFreeGuidance", **settings):
    with guided(pipe, guider(name, **settings)):
        return latents(pipe)


@pytest.mark.parametrize("rescale", [0.0, 0.7])
def test_classifier_free_guidance_is_the_pipelines_own(pipe, rescale):
    settings = {"guidance_scale": 5.0, "guidance_rescale": rescale}
    assert torch.equal(by(pipe, **settings), latents(pipe, **settings))


def test_no_step_guided_is_a_scale_of_1(pipe):
    assert torch.allclose(by(pipe, stop=0.0), latents(pipe, guidance_scale=1), atol=1e-4)


def test_it_tells_of_the_last_call_which_steps_were_guided(pipe):
    with guided(pipe, guider(guidance_scale=5.0, start=0.25, stop=0.5)) as told:
        latents(pipe)
        first = list(told.apart)
        latents(pipe)
    assert told.guided == [False, True, False, False]
    assert told.apart == first and told.timesteps == pipe.scheduler.timesteps.tolist()
    (axes,) = told.draw().axes
    assert len(axes.patches) == STEPS and axes.patches[1].get_facecolor() != axes.patches[0].get_facecolor()


def test_afterwards_the_pipeline_is_as_before(pipe):
    before = latents(pipe)
    by(pipe, guidance_scale=15.0)
    assert torch.equal(latents(pipe), before)


def test_a_guider_that_averages_begins_anew_with_each_call(pipe):
    settings = {"eta": 0.0, "adaptive_projected_guidance_momentum": -0.5}
    with guided(pipe, guider("AdaptiveProjectedGuidance", **settings)):
        assert torch.equal(latents(pipe), latents(pipe))


def test_a_call_after_one_that_broke_off_begins_at_the_first_step(pipe):
    def stop(pipe, step, timestep, tensors):
        raise KeyboardInterrupt

    with guided(pipe, guider(start=0.25, stop=0.5)) as told:
        with pytest.raises(KeyboardInterrupt):
            latents(pipe, callback_on_step_end=stop)
        latents(pipe)
    assert told.guided == [False, True, False, False]


def test_pictures_cannot_be_rebuilt_nor_swept_into_a_folder_as_the_docstring_says(pipe, tmp_path):
    call = {"prompt": "a cat", "seed": 1, "num_inference_steps": 1}
    with guided(pipe, guider(guidance_scale=2.0)):
        path = save_picture(generate(pipe, **call)[0], tmp_path / "a.png")
        with pytest.raises(ValueError, match="leave out folder"):
            sweep(pipe, folder=tmp_path / "swept", **{**call, "seed": [1, 2]})
    assert "then: unet has a hook" in repr(rebuild(path, pipe))
    assert "`rebuild`" in guided.__doc__ and "`folder=`" in guided.__doc__


def test_what_cannot_guide_here_is_refused(pipe):
    third = guider("PerturbedAttentionGuidance", perturbed_guidance_layers=[0])
    with pytest.raises(TypeError, match="needs pred_cond_skip"), guided(pipe, third):
        pass
    with pytest.raises(ValueError, match="guidance_scale above 1"), guided(pipe, guider()):
        latents(pipe, guidance_scale=1)
    with pytest.raises(ValueError, match="give one of AdaptiveProjectedGuidance"):
        guider("CFG")
    with pytest.raises(ValueError, match="nothing was guided"):
        Guided().draw()


def test_a_guider_is_made_without_the_warning_of_its_class():
    with messages() as heard:
        guider()
        assert heard == []
        diffusers.guiders.ClassifierFreeGuidance()
    assert "experimental" in heard[0]
