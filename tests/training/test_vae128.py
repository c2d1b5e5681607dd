"""The VAE of 128 px: where it starts, and how its pictures are measured."""

import pytest
import torch

from training import vae128


def test_the_large_vae_starts_where_the_first_one_ended(pipe, large_shapes):
    found = vae128.compare(vae128.enlarged(pipe.vae), pipe.vae, large_shapes)
    assert found["encoder_error"] < 0.08
    assert found["decoder"]["mean_psnr"] > found["first_enlarged"]["mean_psnr"] - 3


def test_the_quality_of_pictures_has_known_values():
    real = torch.zeros(2, 3, 128, 128)
    made = real + 0.02
    found = vae128.quality(made, real)
    assert found["psnr"] == found["mean_psnr"] == found["edge_psnr"] == pytest.approx(40, abs=0.01)
    made[..., 4:-4, 4:-4] = 1  # the edge is 4 pixels wide
    assert vae128.quality(made, real)["edge_psnr"] == pytest.approx(40, abs=0.01)
    assert vae128.quality(made, real)["psnr"] < 8


def test_a_vae_that_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("training.judge.CHECKPOINTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="no VAE in .* Run training.vae first"):
        vae128.load()
