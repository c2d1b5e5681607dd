"""The arc between two noises keeps their strength; the drawing says so."""

import pytest
import torch

from sdkit import draw_between, slerp


def noise(seed):
    return torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_the_arc_keeps_the_strength_and_the_ends():
    a, b = noise(1), noise(2)
    assert torch.allclose(slerp(a, b, 0), a, atol=1e-6) and torch.allclose(slerp(a, b, 1), b, atol=1e-6)
    assert float(slerp(a, b, 0.5).std()) == pytest.approx(1, abs=0.05)
    assert float(torch.lerp(a, b, 0.5).std()) == pytest.approx(0.7, abs=0.05)
    assert torch.allclose(slerp(a, a, 0.3), a)


def test_what_has_no_arc_is_refused():
    with pytest.raises(ValueError, match="of one shape"):
        slerp(noise(1), noise(1)[:, :2], 0.5)
    with pytest.raises(ValueError, match="opposite"):
        slerp(noise(1), -noise(1), 0.5)
    with pytest.raises(ValueError, match="no weights"):
        draw_between(noise(1), noise(2), [])


def test_the_drawing_names_both_strengths():
    figure = draw_between(noise(1), noise(2), [0, 0.5, 1])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any(text.startswith("slerp: std 1.0") or text.startswith("slerp: std 0.9") for text in texts)
    assert any(text.startswith("lerp: std 0.7") or text.startswith("lerp: std 0.6") for text in texts)
