"""Schedulers that fit a call or do not, the noise that they draw on the way, and pictures that hold NaN."""

import re
import warnings
from operator import attrgetter

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from sdkit import generate, load_pipeline, rebuild, save_picture, sweep
from sdkit.call.generate import check_call
from sdkit.call.resolve import draws_noise_on_the_way
from sdkit.schedulers import scheduler_from


@pytest.fixture
def own(pipe):
    """Return a pipeline over the model's parts whose scheduler a test may change."""
    made = diffusers.StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


# Which fit.


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("FlowMatchEulerDiscreteScheduler", "it has no init_noise_sigma"),
        ("FlowMatchHeunDiscreteScheduler", "it has no init_noise_sigma"),
        ("RePaintScheduler", "its step does not take what the pipeline gives it .*original_image"),
        ("ScoreSdeVeScheduler", "it has no (order|step)"),
        ("VQDiffusionScheduler", "num_vec_classes"),
        ("CogVideoXDPMScheduler", "its step does not take"),
    ],
)
def test_schedulers_of_other_pipelines_are_refused_before_the_first_step(own, kind, reason):
    with pytest.raises(ValueError, match=f"{kind} does not fit .*{reason}"):
        sweep(own, "a cat", scheduler=["DDIM", kind], num_inference_steps=2)
    arguments = {"num_vec_classes": 4} if kind == "VQDiffusionScheduler" else {}
    own.scheduler = getattr(diffusers, kind)(**arguments)
    with pytest.raises(ValueError, match=f"{kind} does not fit StableDiffusionPipeline: "):
        generate(own, "a cat", num_inference_steps=2)


def test_a_scheduler_that_adds_no_noise_is_refused_for_start_pictures_only(own, img2img):
    picture = Image.new("RGB", (64, 64), "gray")
    assert len(sweep(own, "a cat", scheduler=["IPNDMScheduler"], num_inference_steps=2)) == 1
    with pytest.raises(ValueError, match="IPNDMScheduler does not fit .*it has no add_noise"):
        sweep(img2img, "a cat", image=picture, scheduler=["IPNDMScheduler"], num_inference_steps=2)


@pytest.mark.parametrize("steps", [20, 100])
def test_deis_with_the_noise_levels_of_karras_is_not_refused(own, pipe, steps):
    own.scheduler = diffusers.DEISMultistepScheduler.from_config(pipe.scheduler.config, use_karras_sigmas=True)
    check_call(own, {"prompt": "a cat", "num_inference_steps": steps})


def test_steps_that_are_one_and_the_same_are_refused(own, pipe):
    config = {**pipe.scheduler.config, "timestep_spacing": "linspace"}
    own.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(config)
    with pytest.raises(ValueError, match="num_inference_steps is 1000; .* one and the same"):
        check_call(own, {"prompt": "a cat", "num_inference_steps": 1000})


# Noise on the way.

KINDS = [
    "CMStochasticIterativeScheduler", "DDIMParallelScheduler", "DDIMScheduler", "DDPMParallelScheduler",
    "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler", "IPNDMScheduler",
    "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler", "LCMScheduler", "LMSDiscreteScheduler",
    "PNDMScheduler", "SASolverScheduler", "TCDScheduler", "UniPCMultistepScheduler",
]  # fmt: skip
SETTINGS = [(kind, {"skip_prk_steps": True} if kind == "PNDMScheduler" else {}) for kind in KINDS]
SETTINGS += [
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("DPMSolverSinglestepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
]


@pytest.mark.parametrize(("kind", "settings"), SETTINGS)
def test_noise_on_the_way_is_found_by_trying(own, pipe, kind, settings):
    own.scheduler = scheduler_from(kind, settings, pipe.scheduler)
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    small = {"prompt": "a cat", "latents": latents, "height": 32, "width": 32, "guidance_scale": 1.0}
    for steps, eta in ((1, 0.0), (3, 0.0), (3, 0.5)):
        arguments = {**small, "num_inference_steps": steps, "eta": eta}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # eta has no effect with most
            call = check_call(own, arguments)
        generator = torch.Generator().manual_seed(1)
        before = generator.get_state()
        own(**arguments, generator=generator, output_type="latent")
        assert draws_noise_on_the_way(call) == (not torch.equal(before, generator.get_state())), (steps, eta)


def test_the_seed_of_a_scheduler_that_draws_is_kept_with_given_latents(own, pipe):
    own.scheduler = diffusers.SASolverScheduler.from_config(pipe.scheduler.config)
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # such as "seed has no effect"
        first, second = (
            generate(own, "a cat", latents=latents, seed=seed, num_inference_steps=4)[0].image for seed in (1, 2)
        )
    assert np.asarray(first).tolist() != np.asarray(second).tolist()


@pytest.mark.parametrize("more", [{}, {"strength": 0.5}, {"padding_mask_crop": 8}])
def test_the_seed_of_inpainting_matters_with_given_latents_too(inpaint, tmp_path, more):
    start, mask = Image.new("RGB", (64, 64), "red"), Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    call = {"image": start, "mask_image": mask, "latents": latents, "height": 64, "width": 64, **more}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # such as "seed has no effect"
        first, second = (generate(inpaint, "a cat", seed=seed, num_inference_steps=4, **call)[0] for seed in (1, 2))
        assert first.image.tobytes() != second.image.tobytes()
        for shot in (first, second):
            assert rebuild(save_picture(shot, tmp_path / "a.png"), inpaint).max_difference == 0


# Pictures that hold NaN.


@pytest.fixture
def damaged():
    """Return a function that puts a number into a fresh model, and returns the pipeline."""

    def damage(part, number):
        loaded = load_pipeline()
        with torch.no_grad():
            attrgetter(part)(loaded).bias[0] = number
        return loaded

    return damage


@pytest.mark.parametrize("part", ["vae.decoder.conv_in", "vae.decoder.conv_out", "unet.conv_out"])
@pytest.mark.parametrize("number", [float("inf"), float("nan")])
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_numbers_that_are_not_finite_are_said(damaged, part, number):
    loaded = damaged(part, number)
    with pytest.warns(UserWarning, match="picture 1 is broken: it holds NaN or infinite numbers"):
        shots = generate(loaded, "a cat", num_inference_steps=1, num_images_per_prompt=2)
    assert all("NaN" in shot.problem and "broken" in repr(shot) for shot in shots)


def test_latents_and_arrays_that_are_not_finite_are_said(damaged):
    loaded = damaged("unet.conv_out", float("nan"))
    for kind in ("latent", "pt", "np"):
        with pytest.warns(UserWarning, match="picture 0 is broken"):
            assert generate(loaded, "a cat", num_inference_steps=1, output_type=kind)[0].problem


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_broken_pictures_are_not_kept_in_a_folder(damaged, tmp_path):
    loaded = damaged("vae.decoder.conv_in", float("inf"))
    for _ in range(2):
        with pytest.warns(UserWarning) as said:
            shots = sweep(loaded, "a cat", seed=[1, 2], num_inference_steps=1, folder=tmp_path)
        texts = [str(warning.message) for warning in said]
        assert any("the picture of seed = 2 is broken" in text for text in texts)
        assert any("not kept" in text for text in texts)
        assert all(shot.problem for shot in shots) and not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_one_broken_picture_of_several_is_told_apart(pipe, tmp_path):
    def spoil(pipe, step, timestep, tensors):
        tensors["latents"][1] = float("nan")
        return tensors

    with pytest.warns(UserWarning, match="picture 1 is broken"):
        shots = generate(pipe, "a cat", num_inference_steps=1, num_images_per_prompt=3, callback_on_step_end=spoil)
    assert [shot.problem is None for shot in shots] == [True, False, True]


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_a_scheduler_that_divides_by_zero_is_said(own, pipe):
    own.scheduler = diffusers.DDIMScheduler.from_config(
        pipe.scheduler.config, rescale_betas_zero_snr=True, timestep_spacing="trailing", prediction_type="epsilon"
    )
    with pytest.warns(UserWarning, match="is broken: it holds NaN .* try another scheduler"):
        generate(own, "a cat", num_inference_steps=2)


def test_a_whole_picture_has_no_problem_and_the_pipeline_stays(pipe, tmp_path):
    shot = generate(pipe, "a cat", num_inference_steps=1)[0]
    assert shot.problem is None and "postprocess" not in vars(pipe.image_processor)
    assert save_picture(shot, tmp_path / "a.png").is_file()


# Own timesteps and sigmas.


@pytest.mark.parametrize("name", ["timesteps", "sigmas"])
@pytest.mark.parametrize("numbers", [[900, 500, 100], [100, 500], []])
def test_schedulers_that_take_own_steps_are_named_whatever_the_numbers_are(own, pipe, name, numbers):
    own.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
    with pytest.raises(
        ValueError, match=f"{name} is given, but DDIMScheduler takes no own {name}; leave it out"
    ) as error:
        generate(own, "a cat", **{name: numbers})
    named = re.findall(r"\w+Scheduler", str(error.value).split("such as")[1])
    assert "EulerDiscreteScheduler" in named
    for kind in named:
        own.scheduler = getattr(diffusers, kind).from_config(pipe.scheduler.config)
        check_call(own, {"prompt": "a cat", name: [900, 500, 100] if name == "timesteps" else [10.0, 1.0, 0.1]})
