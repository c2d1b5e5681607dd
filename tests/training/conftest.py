"""What the tests of training share: pictures that need no installed drawings."""

from itertools import product

import numpy as np
import pytest
import torch

from training.pictures import as_bytes, as_tensor
from training.scenes import Scene, render
from training.world import BACKGROUNDS, LARGE, PLACES, SHAPES


@pytest.fixture(scope="session")
def plain_shapes() -> list[tuple[Scene, np.ndarray]]:
    """Return a plain shape in two sizes, every place and a few colours, each with its picture."""
    scenes = []
    for (number, (size, place)), shape in product(enumerate(product(("small", "medium"), PLACES)), SHAPES):
        background, colour = (list(BACKGROUNDS)[(number * step + 3) % 10] for step in (1, 7))
        if colour != background:
            scenes.append(Scene(shape, "flat", background, size, place, colour=colour))
    return [(scene, as_bytes(render(scene))) for scene in scenes]


@pytest.fixture(scope="session")
def large_shapes(plain_shapes) -> torch.Tensor:
    """Return every tenth of the plain shapes with more pixels, as floats (N, 3, LARGE, LARGE) in -1..1."""
    return as_tensor(np.stack([as_bytes(render(scene, side=LARGE)) for scene, _ in plain_shapes[::10]]))
