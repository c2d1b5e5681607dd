"""The arithmetic of a UNet and the memory of a VAE are counted from their configurations alone."""

import pytest

from sdkit.inside.arithmetic import largest_result, unet_flops

SMALL = {
    "sample_size": 8, "block_out_channels": (32, 32), "layers_per_block": 1, "cross_attention_dim": 16,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    "attention_head_dim": 4,
}  # fmt: skip


def test_attention_grows_with_the_square_of_the_area():
    small, large = unet_flops(SMALL, 64), unet_flops(SMALL, 128)

    def looks(places):  # each place looks at all places and at 77 words; three layers, and one at half the side
        return 3 * places * (places + 77) + places // 4 * (places // 4 + 77)

    assert large.attention / small.attention == pytest.approx(looks(256) / looks(64))
    assert 3.5 < (large.total - large.attention) / (small.total - small.attention) <= 4


def test_a_model_counts_as_its_configuration():
    import torch
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        model = UNet2DConditionModel(**SMALL)
    assert unet_flops(model, 64, 128) == unet_flops(SMALL, 64, 128) == unet_flops(SMALL, 128, 64)


def test_a_convolution_counts_two_operations_for_each_weight_and_place():
    wider = unet_flops({**SMALL, "out_channels": 5}, 64).total - unet_flops(SMALL, 64).total
    assert wider == 2 * 9 * 32 * 8 * 8  # one more channel of the last convolution, 3 x 3 over 32 channels


def test_odd_sizes_are_refused():
    with pytest.raises(ValueError, match="60 x 64; give multiples of 8"):
        unet_flops(SMALL, 60, 64)


SMALL_VAE = {
    "block_out_channels": (32, 32), "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2, "latent_channels": 4,
}  # fmt: skip


def test_a_vae_needs_as_much_more_as_there_are_pictures_unless_it_slices():
    one = largest_result(SMALL_VAE, 1, 64)
    assert one == 32 * 64 * 64 * 4  # channels, pixels, bytes of a float32
    assert largest_result(SMALL_VAE, 3, 64) == 3 * one
    assert largest_result(SMALL_VAE, 3, 64, slicing=True) == one
    assert largest_result(SMALL_VAE, 1, 64, 32) == one // 2


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="there are 0 pictures of 64 x 64"):
        largest_result(SMALL_VAE, 0, 64)
