"""Training examples that are made while training goes on, each used a few times only."""

from collections.abc import Callable

import torch


class Pool:
    """Up to `size` examples; fresh ones keep taking the place of the oldest.

    `make()` returns some more of them: a tuple of tensors, the examples along the first axis of each. An example is
    drawn `reused` times on average; the first draw waits until `first` are there.
    """

    def __init__(self, size: int, make: Callable, reused: float = 4, first: int = 1024):
        self.size, self.make, self.reused, self.first = size, make, reused, min(first, size)
        self.parts, self.made, self.drawn = None, 0, 0

    def add(self) -> None:
        """Make some examples and put them in."""
        fresh = self.make()
        if self.parts is None:
            self.parts = [torch.empty(self.size, *part.shape[1:], dtype=part.dtype) for part in fresh]
        place = torch.arange(self.made, self.made + len(fresh[0])) % self.size
        for part, values in zip(self.parts, fresh):
            part[place] = values
        self.made += len(place)

    def draw(self, count: int) -> list[torch.Tensor]:
        """Return `count` examples at random."""
        self.drawn += count
        while self.made < max(self.first, self.drawn / self.reused):
            self.add()
        index = torch.randint(min(self.made, self.size), (count,))
        return [part[index] for part in self.parts]
