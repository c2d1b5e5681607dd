"""The same sweep again in one process: it finds its pictures, whatever calls have left in the scheduler."""

import diffusers
import pytest
from PIL import Image

from sdkit import film, generate, rebuild, save_picture, sweep
from sdkit.schedulers import scheduler_from

KINDS = [
    "CMStochasticIterativeScheduler", "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler",
    "LCMScheduler", "LMSDiscreteScheduler", "PNDMScheduler", "SASolverScheduler", "TCDScheduler",
    "UniPCMultistepScheduler",
]  # fmt: skip
SETTINGS = {"PNDMScheduler": {"skip_prk_steps": True}}
SIDE = 32  # pixels
PIPELINES = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
START = Image.new("RGB", (SIDE, SIDE), (200, 30, 30))
MASK = Image.new("L", (SIDE, SIDE), 255)
CALLS = {
    "StableDiffusionPipeline": {"height": SIDE, "width": SIDE},
    "StableDiffusionImg2ImgPipeline": {"image": START, "strength": 0.7},
    "StableDiffusionInpaintPipeline": {
        "image": START, "mask_image": MASK, "strength": 0.7, "height": SIDE, "width": SIDE,
    },
}  # fmt: skip


def pipelines(narrow, scheduler):
    """Return the three pipelines over one model's parts and one scheduler, by the names of their classes."""
    made = {}
    for name in PIPELINES:
        parts = {**narrow.components, "scheduler": scheduler}
        made[name] = getattr(diffusers, name)(**parts, requires_safety_checker=False)
        made[name].set_progress_bar_config(disable=True)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_sweep_again_finds_its_pictures(narrow, tmp_path, kind):
    sharing = pipelines(narrow, scheduler_from(kind, SETTINGS.get(kind, {}), narrow.scheduler))
    there = []
    for _ in range(2):  # the second time each pipeline comes after the other two
        for name, pipe in sharing.items():
            sweep(pipe, "a cat", seed=[1, 2], num_inference_steps=3, folder=tmp_path, **CALLS[name])
            there.append(len(list(tmp_path.iterdir())))
    assert there == [2, 4, 6, 6, 6, 6]


@pytest.mark.parametrize("kind", ["DPMSolverSinglestepScheduler", "EulerDiscreteScheduler"])
def test_nothing_false_is_said_of_a_picture_that_is_made_again(narrow, tmp_path, kind):
    scheduler = scheduler_from(kind, {}, narrow.scheduler)
    for name, pipe in pipelines(narrow, scheduler).items():
        for steps in (3, 4):
            shot = generate(pipe, "a cat", num_inference_steps=steps, **CALLS[name])[0]
            rebuilt = rebuild(save_picture(shot, tmp_path / "a.png"), pipe)
            assert (rebuilt.max_difference, rebuilt.state) == (0, ()), (name, steps)


def test_a_call_does_not_depend_on_the_number_of_steps_of_the_one_before(narrow):
    settings = {"solver_order": 3, "final_sigmas_type": "sigma_min"}
    scheduler = scheduler_from("DPMSolverSinglestepScheduler", settings, narrow.scheduler)
    pipe = pipelines(narrow, scheduler)["StableDiffusionPipeline"]
    before, small = dict(scheduler.config), CALLS["StableDiffusionPipeline"]
    first = generate(pipe, "a cat", num_inference_steps=6, **small)[0].image
    for call in (generate, film):  # with so many steps diffusers changes lower_order_final
        call(pipe, "a cat", num_inference_steps=5, **small)
        assert dict(scheduler.config) == before
    assert generate(pipe, "a cat", num_inference_steps=6, **small)[0].image == first
