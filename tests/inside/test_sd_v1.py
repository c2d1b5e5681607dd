"""What the structure of Stable Diffusion v1 decides, against known numbers and arithmetic."""

import pytest
import torch

from sdkit.inside.sd_v1 import sd_v1_attention, sd_v1_weights, sd_v1_work, trace_attention


def test_weights_are_those_of_the_real_checkpoint():
    # The counts of the files of CompVis/stable-diffusion-v1-4, as everybody reports them.
    assert sd_v1_weights() == {"text_encoder": 123_060_480, "unet": 859_520_964, "vae": 83_653_863}


def test_work_grows_faster_than_the_pixels():
    small, large = sd_v1_work(256), sd_v1_work(512)
    assert 4 < large.operations / small.operations < 16
    assert large.tables == 16 * small.tables == 2 * 8 * 4096**2
    assert 0 < small.attention_share < large.attention_share < 1
    # 0.8 million million multiplications, each with an addition, for two pictures of 512 x 512
    assert large.operations == pytest.approx(1.6e12, rel=0.02)


def test_work_refuses_sides_that_the_unet_cannot_halve():
    with pytest.raises(ValueError, match="multiple of 64"):
        sd_v1_work(100)


def test_the_layer_is_the_same_each_time():
    (layer, places), (again, others) = sd_v1_attention(64), sd_v1_attention(64)
    assert places.shape == (2, 64, 320) and torch.equal(places, others)
    assert torch.equal(layer(places), again(others))
    with pytest.raises(ValueError, match="multiple of 8"):
        sd_v1_attention(60)


def test_traces_follow_the_slices():
    plain, auto, most, default = (trace_attention(128, way).peak for way in ("plain", "auto", "max", None))
    assert plain > auto > most > default / 2
    assert trace_attention(128, 4).peak == auto
    assert plain > 2 * 16 * 256**2 * 4  # two sets of tables: who looks at whom, and the shares of it
    for wrong in (0, 9, "half"):
        with pytest.raises(ValueError, match="slice_size"):
            trace_attention(64, wrong)


def test_traces_are_the_same_on_any_number_of_threads():
    before = torch.get_num_threads()
    alone = trace_attention(128).in_use
    try:
        torch.set_num_threads(3)
        assert trace_attention(128).in_use == alone and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
