"""The VAE of 128 px: where it starts, and how its pictures are measured."""

import pytest
import torch

from training import vae, vae128


@torch.no_grad()
def test_the_large_vae_starts_where_the_first_one_ended(large_shapes):
    torch.manual_seed(0)
    first = vae.build().requires_grad_(False)
    latents = vae128.encode(first, large_shapes)
    wanted = vae128.doubled(vae128.Decoding(first)(latents))

    def errors(large):
        """Return how far latents and pictures lie from the first VAE's, of their spread."""
        made = vae128.Decoding(large)(latents)
        picture = ((made - wanted).square().mean() / wanted.var()).sqrt()
        return vae128.compare(large, first, large_shapes)["encoder_error"], float(picture)

    encoder, decoder = errors(vae128.enlarged(first))
    assert encoder < 0.15 and decoder < 0.5
    assert min(errors(vae128.build())) > 0.8


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
