"""Seeds and generators: a fresh CPU generator for every picture."""

from __future__ import annotations

from sdkit.parameters import check_value


def generator(seed: int):
    """Return a new CPU generator set to `seed` (0 to 2**32 - 1).

    CPU generators give the same numbers on every machine; the pipeline moves the noise to its
    device. A used generator has moved on: make a new one for each picture.
    """
    import torch

    check_value("seed", seed)
    return torch.Generator("cpu").manual_seed(int(seed))


def seeds_for(seed, count: int) -> list[int]:
    """Return one seed per picture: `seed`, `seed + 1`, ... or the given list, which must have `count`."""
    if isinstance(seed, (list, tuple, range)):
        seeds = list(seed)
        if len(seeds) != count:
            raise ValueError(f"seed has {len(seeds)} numbers for {count} pictures; give one number, or {count}.")
    else:
        check_value("seed", seed)
        seeds = [int(seed) + number for number in range(count)]
    for one in seeds:
        check_value("seed", one)
    return seeds
