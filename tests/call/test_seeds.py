"""Seeds: fresh generators, one per picture."""

import numpy as np
import pytest
import torch

from sdkit import generator
from sdkit.call.generate import seeds_for


def test_each_generator_is_fresh():
    assert torch.equal(torch.randn(5, generator=generator(3)), torch.randn(5, generator=generator(3)))
    assert generator(3).device.type == "cpu"


def test_global_randomness_is_left_alone():
    torch.manual_seed(1)
    first = torch.randn(3)
    torch.manual_seed(1)
    generator(99)
    assert torch.equal(torch.randn(3), first)


def test_one_seed_per_picture():
    assert seeds_for(7, 3) == [7, 8, 9]
    assert seeds_for([4, 4], 2) == [4, 4]


@pytest.mark.parametrize("seeds", [np.arange(2), np.array([0, 1], np.uint64), torch.arange(2)])
def test_an_array_is_a_list_of_seeds(seeds):
    assert seeds_for(seeds, 2) == [0, 1] and all(type(seed) is int for seed in seeds_for(seeds, 2))
    with pytest.raises(ValueError, match="seed has 2 numbers for 3 pictures"):
        seeds_for(seeds, 3)


@pytest.mark.parametrize(
    ("seed", "count", "error"),
    [
        (np.zeros(1), 1, TypeError),
        (np.zeros((1, 1), int), 1, TypeError),
        (-1, 1, ValueError),
        (2**64 - 1, 2, ValueError),
        ("a", 1, TypeError),
        ([1], 2, ValueError),
    ],
)
def test_bad_seeds(seed, count, error):
    with pytest.raises(error, match="seed"):
        seeds_for(seed, count)
