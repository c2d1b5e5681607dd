"""Other schedulers, number formats and models, without changing the given pipeline."""

from shutil import copytree

import diffusers
import pytest
import torch

from sdkit import model_path
from sdkit.loading.provenance import source_of
from sdkit.schedulers import SCHEDULERS
from sdkit.sweeping.variants import Parts, Variants, check_parts


@pytest.mark.parametrize("name", SCHEDULERS)
def test_short_names_are_schedulers_that_can_take_the_models_place(pipe, name):
    made = Variants(pipe)[Parts(scheduler=name)].scheduler
    assert type(made).__name__ == SCHEDULERS[name] and type(made) in pipe.scheduler.compatibles
    assert check_parts(Parts(scheduler=SCHEDULERS[name])).scheduler == name


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        (Parts(scheduler="Eule"), ValueError, "did you mean 'Euler'"),
        (Parts(scheduler="StableDiffusionPipeline"), ValueError, "class names of diffusers"),
        (Parts(scheduler=7), TypeError, "scheduler is a int, and the pipeline's call takes none; give names"),
        (Parts(dtype="auto"), ValueError, "dtype is 'auto'; give one of float32"),
        (Parts(dtype=torch.int8), ValueError, "dtype is 'int8'"),
        (Parts(model=3), TypeError, "model is a int"),
    ],
)
def test_unknown_parts_are_refused(parts, error, words):
    with pytest.raises(error, match=words):
        check_parts(parts)


def test_dtypes_are_spelled_one_way():
    assert check_parts(Parts(dtype=torch.bfloat16)) == check_parts(Parts(dtype="bfloat16")) == Parts(dtype="bfloat16")


def test_another_scheduler_shares_the_weights_and_leaves_the_pipeline(pipe):
    before = pipe.scheduler
    made = Variants(pipe)[Parts(scheduler="PNDM")]
    assert type(made.scheduler) is diffusers.PNDMScheduler and made.unet is pipe.unet
    assert made.scheduler.config.beta_end == before.config.beta_end
    assert pipe.scheduler is before and pipe.config.scheduler == ("diffusers", "DDIMScheduler")


def test_latents_are_not_clipped_where_the_configuration_does_not_say(pipe):
    before = pipe.scheduler
    try:
        pipe.scheduler = diffusers.EulerDiscreteScheduler()
        assert "clip_sample" not in pipe.scheduler.config
        assert Variants(pipe)[Parts(scheduler="DDIM")].scheduler.config.clip_sample is False
    finally:
        pipe.scheduler = before


def test_another_dtype_is_a_copy_of_the_same_model(pipe):
    made = Variants(pipe)[Parts(dtype="bfloat16")]
    assert {made.unet.dtype, made.vae.dtype, made.text_encoder.dtype} == {torch.bfloat16}
    assert {pipe.unet.dtype, pipe.vae.dtype, pipe.text_encoder.dtype} == {torch.float32}
    assert source_of(made).name == source_of(pipe).name


def test_the_given_parts_need_no_copy(pipe):
    variants = Variants(pipe)
    assert variants[Parts()] is pipe
    assert variants[Parts(model="built-in", dtype="float32")] is pipe


def test_another_model_comes_as_the_same_kind_of_pipeline(pipe, img2img, tmp_path):
    copytree(model_path(), tmp_path / "copy")
    made = Variants(img2img)[Parts(model=str(tmp_path / "copy"))]
    assert type(made) is type(img2img) and made.unet is not pipe.unet
    assert made.unet.dtype == pipe.unet.dtype and made.device == pipe.device


def test_only_the_last_weights_are_kept(pipe):
    variants = Variants(pipe)
    first = variants[Parts(dtype="bfloat16")]
    assert variants[Parts(dtype="bfloat16", scheduler="DDIM")].unet is first.unet
    assert variants[Parts(dtype="float16")].unet is not first.unet
    assert variants[Parts(dtype="bfloat16")].unet is not first.unet
