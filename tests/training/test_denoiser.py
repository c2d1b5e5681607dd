"""The arithmetic of the denoiser's training."""

import pytest
import torch

from training import denoiser


def test_the_clean_latents_follow_from_noisy_ones_and_the_target():
    clean, noise, kept = torch.randn(3, 4, 2, 2), torch.randn(3, 4, 2, 2), torch.tensor([0.1, 0.5, 0.9])
    noisy, target = denoiser.noised(clean, noise, kept)
    signal, spread = (variance.sqrt()[:, None, None, None] for variance in (kept, 1 - kept))
    assert torch.allclose(signal * noisy - spread * target, clean, atol=1e-6)


def test_the_weights_agree_up_to_the_clip():
    snr = torch.tensor([0.1, 5.0, 20.0])
    clipped, plain, min_snr, raised = (weight(snr) for weight in denoiser.WEIGHTS.values())
    assert torch.allclose(clipped, torch.tensor([1.0, 1.0, 6 / 21])) and torch.equal(plain, torch.ones(3))
    assert torch.allclose(min_snr, torch.tensor([0.1 / 1.1, 5 / 6, 5 / 21])) and torch.allclose(raised, min_snr + 0.15)


def test_timesteps_come_late_as_often_as_asked():
    torch.manual_seed(0)
    drawn = denoiser.timesteps(12800, 0.3)
    assert 0 <= drawn.min() < 20 and 980 < drawn.max() < 1000
    assert (drawn >= 600).float().mean() == pytest.approx(0.3 + 0.7 * 0.4, abs=0.02)
    assert (drawn[drawn < 600] < 300).float().mean() == pytest.approx(0.5, abs=0.03)
