"""The bits of number formats, and their drawing."""

import pytest
import torch

from sdkit.inside.formats import Bits, bits_of, draw_formats, watch_layers


def test_bits_are_those_of_the_standards():
    assert bits_of(torch.float32) == Bits(1, 8, 23)
    assert bits_of(torch.float64) == Bits(1, 11, 52)
    assert bits_of(torch.float16) == Bits(1, 5, 10)
    assert bits_of(torch.bfloat16) == Bits(1, 8, 7)
    with pytest.raises(TypeError, match="int8"):
        bits_of(torch.int8)


def test_each_bit_is_a_box_and_each_format_says_its_reach():
    figure = draw_formats(torch.float32, torch.float16)
    (plot,) = figure.axes
    assert sum(patch.get_width() > 0 for patch in plot.patches) == 32 + 16
    texts = [text.get_text() for text in plot.texts]
    assert texts == [
        "4 bytes, 7.2 digits, up to 3.4 x 10^38", "float32", "2 bytes, 3.3 digits, up to 65504", "float16",
    ]  # fmt: skip


def test_those_of_stable_diffusion_are_drawn_without_arguments():
    assert draw_formats().alt == "Bits of the number formats float32, bfloat16, float16"


def test_layers_are_seen_with_their_formats_inside_the_block_only():
    linear, norm, x = torch.nn.Linear(2, 2), torch.nn.LayerNorm(2), torch.zeros(1, 2)
    with watch_layers(torch.nn.Linear) as seen:
        norm(linear(x))
        with torch.autocast("cpu"):
            linear(x)
    linear.double()(x.double())
    assert seen == {("Linear", "float32", "float32"), ("Linear", "float32", "bfloat16")}
