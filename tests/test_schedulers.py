"""Schedulers by name, in all spellings, made for the model of any other; each gives a picture."""

import inspect
import json
import os
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from diffusers.utils import DummyObject

from sdkit import generate, load_pipeline, model_path, rebuild, save_picture, sweep
from sdkit.schedulers import (
    SAMPLERS,
    SCHEDULERS,
    SPACINGS,
    Name,
    find_name,
    scheduler_named,
    try_steps,
    usual_name,
)

NAMES = [
    name if spacing is None else f"{name} {spacing}"
    for name, sampler in SAMPLERS.items()
    for spacing in (None, *(SPACINGS if sampler.is_spaced else ()))
]


def is_installed(kind):
    return not isinstance(getattr(diffusers, kind), DummyObject)


NAMES_HERE = [name for name in NAMES if is_installed(SAMPLERS[find_name(name).sampler].kind)]


# Black comes from a scheduler's own arithmetic, whatever the size and the guidance.
SMALL = {"height": 32, "width": 32, "guidance_scale": 1.0}


def brightest(image):
    return int(np.asarray(image).max())


# Names.


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("k_euler", "Euler"),
        ("Euler A", "Euler a"),
        ("euler_ancestral", "Euler a"),
        ("Euler Ancestral", "Euler a"),
        ("k_euler_a", "Euler a"),
        ("sample_euler_ancestral", "Euler a"),
        ("Euler Karras", "Euler Karras"),
        ("dpmpp_2m", "DPM++ 2M"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("k_dpmpp_2m", "DPM++ 2M"),
        ("dpmpp_2m_k", "DPM++ 2M Karras"),
        ("dpmpp_2m_sde_gpu", "DPM++ 2M SDE"),
        ("dpmpp_sde_karras", "DPM++ SDE Karras"),
        ("dpmpp_3m_sde", "DPM++ 3M SDE"),
        ("DPM++ 2M SDE Heun Karras", "DPM++ 2M SDE Heun Karras"),
        ("dpm_2_ancestral", "DPM2 a"),
        ("kdpm_2_a", "DPM2 a"),
        ("k_lms", "LMS"),
        ("ddim", "DDIM"),
        ("ddpm", "DDPM"),
        ("deis", "DEIS"),
        ("uni_pc", "UniPC"),
        ("UniPC Karras", "UniPC Karras"),
        ("uni_pc_bh2", "UniPC"),
        ("ipndm", "IPNDM"),
        ("dpmpp_2s", "DPM++ 2S"),
        ("dpmpp_3m_k", "DPM++ 3M Karras"),
        ("DPM-Solver++", "DPM++ 2M"),
        ("plms", "PLMS"),
        ("lcm", "LCM"),
        ("EulerDiscreteScheduler", "Euler"),
        ("DPMSolverMultistepScheduler", "DPM++ 2M"),
    ],
)
def test_spellings_of_other_programs_are_understood(text, name):
    found = find_name(text)
    assert found is not None and " ".join(filter(None, found)) == name


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_its_own_spelling(name):
    found = find_name(name)
    assert found is not None and " ".join(filter(None, found)) == name


@pytest.mark.parametrize("text", ["", "k", "Karras", "DPM fast", "DPM++ 2S a", "Eule", "Restart"])
def test_what_is_no_name_is_not_taken_for_one(text):
    assert find_name(text) is None


@pytest.mark.parametrize("name", [name for name, sampler in SAMPLERS.items() if is_installed(sampler.kind)])
def test_the_table_knows_whose_noise_levels_can_be_spaced(name):
    kind, config, is_spaced = SAMPLERS[name]
    settings = inspect.signature(getattr(diffusers, kind).__init__).parameters
    assert config.keys() <= settings.keys()
    assert is_spaced == ({key for spacing in SPACINGS.values() for key in spacing} <= settings.keys())


def test_names_of_the_menu_are_in_the_table():
    assert {name: SAMPLERS[name].kind for name in SCHEDULERS} == SCHEDULERS


def test_a_spacing_that_a_sampler_does_not_have_is_refused():
    assert find_name("Euler a Karras") == Name("Euler a", "Karras")
    with pytest.raises(
        ValueError, match="EulerAncestralDiscreteScheduler is taken with its own noise levels; give 'Euler a'"
    ):
        usual_name("Euler a Karras")


def test_a_library_that_is_not_installed_is_named(pipe, monkeypatch):
    class DPMSolverSDEScheduler(metaclass=DummyObject):
        _backends = ["torch", "torchsde"]

    monkeypatch.setattr(diffusers, "DPMSolverSDEScheduler", DPMSolverSDEScheduler)
    for name in ("DPM++ SDE Karras", "dpmpp_sde", "DPMSolverSDEScheduler"):
        with pytest.raises(ImportError, match="diffusers needs torchsde: pip install torchsde"):
            sweep(pipe, "a cat", scheduler=[name], num_inference_steps=1)


# Made in the place of another.

# What a folder's scheduler file may say that is not of the model.
SOLVERS = {
    "DPM++ SDE Karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True, "solver_order": 3, "euler_at_final": True},
    ),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "DEIS": ("DEISMultistepScheduler", {}),
    "DEIS Karras": ("DEISMultistepScheduler", {"use_karras_sigmas": True}),
    "Singlestep": ("DPMSolverSinglestepScheduler", {}),
    "Euler": ("EulerDiscreteScheduler", {"use_exponential_sigmas": True}),
    "LCM": ("LCMScheduler", {}),
    "DDPM": ("DDPMScheduler", {}),
}


def scheduler_of_a_file(pipe, name):
    kind, config = SOLVERS[name]
    return getattr(diffusers, kind).from_config(pipe.scheduler.config, **config)


@pytest.mark.parametrize("start", SOLVERS)
def test_only_what_belongs_to_the_model_is_handed_on(pipe, start):
    present, config = scheduler_of_a_file(pipe, start), pipe.scheduler.config
    for name in ("DPM++ 2M", "Euler", "Heun", "DDIM", "DEIS"):
        made = scheduler_named(name, present)
        for key in ("beta_start", "beta_end", "beta_schedule", "num_train_timesteps", "prediction_type"):
            assert made.config[key] == config[key], (name, key)
        assert made.config.get("clip_sample") in (None, False) and made.config.steps_offset == 1
        usual = type(made)().config
        for key in ("use_karras_sigmas", "use_exponential_sigmas", "algorithm_type", "solver_order", "euler_at_final"):
            assert made.config.get(key) == usual.get(key), (name, key)


def test_defaults_of_the_old_class_are_not_handed_on():
    made = scheduler_named("DPM++ 2M", diffusers.PNDMScheduler(beta_schedule="scaled_linear"))
    assert made.config.timestep_spacing == "linspace"  # its own, as by diffusers' from_config
    made = scheduler_named("DDIM", diffusers.LCMScheduler())
    assert (made.config.beta_schedule, made.config.beta_end) == ("scaled_linear", 0.012)


def test_a_name_with_a_spacing_is_another_picture(pipe):
    shots = sweep(pipe, "a cat", scheduler=["DPM++ 2M", "DPM++ 2M Karras", "dpmpp_2m_karras"], num_inference_steps=3)
    plain, karras, spelled = (np.asarray(shot.image, int) for shot in shots)
    assert abs(plain - karras).max() > 0 and abs(karras - spelled).max() == 0
    assert shots[1].origin.scheduler_config["use_karras_sigmas"] is True


@pytest.mark.slow  # one of seventy takes a moment, all of them half a minute
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES_HERE)
def test_no_named_scheduler_gives_a_black_picture(narrow, name):
    for shot in sweep(narrow, "a cat", scheduler=name, num_inference_steps=[1, 4], **SMALL):
        assert brightest(shot.image) > 30


def folder_with(scheduler, folder, model=None):
    """Return a folder like a model's, the built-in one's if none is given, with another scheduler file and links."""
    folder.mkdir()
    for part in Path(model or model_path()).iterdir():
        if part.name not in ("scheduler", "model_index.json"):
            os.symlink(part, folder / part.name)
    index = json.loads((model_path() / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", type(scheduler).__name__]
    (folder / "model_index.json").write_text(json.dumps(index))
    scheduler.save_pretrained(folder / "scheduler")
    return folder


FEW = {"num_inference_steps": 2, **SMALL}


def sweep_and_rebuild(loaded, names, folder):
    for shot in sweep(loaded, "a cat", scheduler=names, **FEW):
        assert brightest(shot.image) > 30, shot.label
        again = rebuild(save_picture(shot, folder / "picture.png"), loaded)
        assert again.max_difference == 0 and not again.state, shot.label


@pytest.mark.slow
@pytest.mark.parametrize("start", ["DPM++ SDE Karras", "Singlestep"])
def test_a_folder_with_another_scheduler_file_sweeps_to_others(pipe, tmp_path, start):
    loaded = load_pipeline(folder_with(scheduler_of_a_file(pipe, start), tmp_path / "model"))
    sweep_and_rebuild(loaded, ["PNDM", "DDIM", "Heun", "DEIS", "DPM++ 2M Karras"], tmp_path)


SPACED = ("DPM++ 2M Karras", "DPM++ 2M SDE Karras", "DEIS Karras", "UniPC Karras", "Euler Exponential")
TARGETS = [*(name for name in NAMES_HERE if name in SAMPLERS), *SPACED, "DPMSolverSinglestepScheduler"]


@pytest.mark.slow  # each of 16 files with 24 names
@pytest.mark.parametrize("start", [*SOLVERS, *(name for name in SCHEDULERS if name not in SOLVERS)])
def test_a_folder_with_any_scheduler_file_sweeps_to_all_others(narrow, tmp_path, start):
    made = scheduler_of_a_file(narrow, start) if start in SOLVERS else scheduler_named(start, narrow.scheduler)
    loaded = load_pipeline(folder_with(made, tmp_path / "model", narrow.name_or_path))
    for shot in sweep(loaded, "a cat", scheduler=TARGETS, **FEW):
        assert brightest(shot.image) > 30, shot.label


@pytest.mark.slow
def test_generate_takes_what_diffusers_own_exchange_leaves_behind(pipe, own_parts):
    for start in ("DPM++ SDE Karras", "UniPC", "DEIS"):
        for kind in ("PNDM", "DDIM", "HeunDiscrete"):
            config = scheduler_of_a_file(pipe, start).config  # it keeps the settings of classes before it
            own_parts.scheduler = getattr(diffusers, f"{kind}Scheduler").from_config(config)
            expected = own_parts("a cat", num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images[0]
            assert brightest(expected) > 30
            made = generate(own_parts, "a cat", num_inference_steps=2)[0].image
            assert made.tobytes() == expected.tobytes()


@pytest.fixture
def own_parts(pipe):
    """Return a pipeline over the model's parts whose scheduler a test may change."""
    made = diffusers.StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


def test_a_scheduler_that_the_pipeline_would_change_stays_as_it_is(pipe, own_parts, tmp_path):
    own_parts.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, steps_offset=0)
    shot = generate(own_parts, "a cat", num_inference_steps=2)[0]
    again = rebuild(save_picture(shot, tmp_path / "a.png"), pipe)
    assert again.max_difference == 0 and again.shot.origin.scheduler_config["steps_offset"] == 0


# Steps tried on a tiny tensor.


def test_trying_steps_leaves_torchs_generator(pipe):
    before = torch.get_rng_state()
    scheduler = scheduler_named("Euler a", pipe.scheduler)
    scheduler.set_timesteps(3)
    assert try_steps(scheduler, scheduler.timesteps).drew_noise
    assert torch.equal(before, torch.get_rng_state())


def test_numbers_that_do_not_stay_finite_are_seen(pipe):
    config = {**pipe.scheduler.config, "solver_type": "bh1", "final_sigmas_type": "zero"}
    scheduler = diffusers.UniPCMultistepScheduler.from_config(config)
    scheduler.set_timesteps(3)
    assert not try_steps(scheduler, scheduler.timesteps).is_finite
