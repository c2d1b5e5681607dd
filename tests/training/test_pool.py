"""The pool of training examples."""

import torch

from training.pool import Pool


def test_a_pool_uses_each_example_a_few_times():
    made = []

    def make():
        made.append(len(made))
        return torch.full((4,), len(made)), torch.zeros(4, 2)

    pool = Pool(8, make, reused=2, first=8)
    numbers, zeros = pool.draw(6)
    assert len(made) == 2 and set(numbers.tolist()) <= {1, 2} and zeros.shape == (6, 2)
    for _ in range(4):
        numbers, _ = pool.draw(6)
    assert len(made) == 4 and set(numbers.tolist()) <= {3, 4}  # 30 drawn, 16 made; the oldest are gone
