"""What the tests of training share: pictures that need no installed drawings."""

from itertools import product

import numpy as np
import pytest

from training.pictures import as_bytes
from training.scenes import Scene, render
from training.world import BACKGROUNDS, PLACES, SHAPES


@pytest.fixture(scope="session")
def plain_shapes() -> list[tuple[Scene, np.ndarray]]:
    """Return a plain shape in two sizes, every place and a few colours, each with its picture."""
    scenes = []
    for (number, (size, place)), shape in product(enumerate(product(("small", "medium"), PLACES)), SHAPES):
        background, colour = (list(BACKGROUNDS)[(number * step + 3) % 10] for step in (1, 7))
        if colour != background:
            scenes.append(Scene(shape, "flat", background, size, place, colour=colour))
    return [(scene, as_bytes(render(scene))) for scene in scenes]
