"""Pictures are the same in each form, and however many are made at once."""

import numpy as np
import torch

from training import pictures


def test_pictures_made_in_two_threads_are_those_made_alone(pipe, monkeypatch):
    monkeypatch.setattr(pictures, "threads_for", lambda device: 2)
    texts, seeds, cores = ["a cat", "a red car on a white background", "🍎"], [1, 2, 3], torch.get_num_threads()
    together = pictures.generate(pipe, texts, seeds, num_inference_steps=3)
    alone = [pictures.generate(pipe, [text], [seed], num_inference_steps=3) for text, seed in zip(texts, seeds)]
    assert np.abs(together - np.concatenate(alone).astype(int)).max() <= 1
    assert torch.get_num_threads() == cores


def test_large_pictures_are_halved():
    made = np.zeros((1, 128, 128, 3), np.uint8)
    made[:, ::2] = 100
    reduced = pictures.small(made)
    assert reduced.shape == (1, 64, 64, 3) and reduced.dtype == np.uint8 and np.all(reduced == 50)
    assert np.array_equal(pictures.small(reduced), reduced)


def test_bytes_survive_the_way_to_tensors_and_images():
    made = np.random.default_rng(0).integers(0, 256, (2, 8, 16, 3), np.uint8)
    tensor = pictures.as_tensor(made)
    assert tensor.shape == (2, 3, 8, 16) and -1 <= tensor.min() < tensor.max() <= 1
    assert (pictures.as_bytes(tensor.permute(0, 2, 3, 1)) == made).all()
    assert (np.stack([np.asarray(image) for image in pictures.as_images(made)]) == made).all()
