"""A pipeline written as one file is read by diffusers and by load_pipeline, with the same weights."""

import pytest
import torch

import sdkit


def weights(pipe):
    return [value for part in (pipe.unet, pipe.vae, pipe.text_encoder) for value in part.state_dict().values()]


@pytest.fixture(scope="module")
def file(pipe, tmp_path_factory):
    return sdkit.save_single_file(pipe, tmp_path_factory.mktemp("one") / "model.safetensors")


def test_diffusers_reads_it_to_the_same_weights(pipe, file):
    from diffusers import StableDiffusionPipeline

    with sdkit.messages():
        read = StableDiffusionPipeline.from_single_file(str(file), config=str(sdkit.model_path()))
    assert all(map(torch.equal, weights(read), weights(pipe)))


def test_load_pipeline_reads_it(pipe, file):
    read = sdkit.load_pipeline(file, config=sdkit.model_path())
    assert all(map(torch.equal, weights(read), weights(pipe)))


def test_a_stopped_run_leaves_no_file(pipe, tmp_path, monkeypatch):
    def stops(tensors, path, metadata):
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.torch.save_file", stops)
    with pytest.raises(KeyboardInterrupt):
        sdkit.save_single_file(pipe, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_another_ending_is_refused_and_nothing_is_written(pipe, tmp_path):
    with pytest.raises(ValueError, match="ends in .safetensors"):
        sdkit.save_single_file(pipe, tmp_path / "model.ckpt")
    assert not list(tmp_path.iterdir())
