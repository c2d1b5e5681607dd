"""Lesson 29's own cells train: the loss falls, and a training that was stopped goes on with the same numbers."""

import pytest
import torch

from sdkit import example, pixels
from sdkit.inside.tensor_file import read_tensors
from training import from_nothing

FEW = 32  # drawings instead of the lesson's 320: the VAE takes time


def fewer(source: str) -> str:
    """Return a cell of the lesson that draws only a few pictures."""
    return source.replace("every[40:]", f"every[40 : {40 + FEW}]")


@pytest.fixture(scope="module")
def space():
    """Return the names that the lesson's cells define."""
    return from_nothing.trainer(fewer)


@pytest.mark.slow
def test_the_lessons_cells_train_and_resume(space, tmp_path):
    assert len(space["latents"]) == FEW
    begun, _ = space["train"](tmp_path / "whole", 0)
    whole, losses = space["train"](tmp_path / "whole", 40)
    assert sum(losses[-10:]) < 0.97 * sum(losses[:10])
    space["train"](tmp_path / "parts", 20)
    parts, again = space["train"](tmp_path / "parts", 40)
    assert again == losses
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters()))
    before, after = (space["sample"](unet, space["held_out"][:1])[0] for unet in (begun, whole))
    assert before.size == after.size and pixels(before).mean() != pixels(after).mean()
    undropped, _ = space["train"](tmp_path / "undropped", 4, 0.0)
    dropped, _ = space["train"](tmp_path / "dropped", 4)
    assert any(not torch.equal(a, b) for a, b in zip(undropped.parameters(), dropped.parameters()))


@pytest.mark.slow
def test_the_shipped_weights_draw_what_was_held_out(space):
    """They were trained by the lesson's cells, whose cell `count` checks the background of all 40 prompts."""
    unet = space["new_unet"]()
    unet.load_state_dict(read_tensors(example("four_shapes.safetensors"))["unet"])
    found = from_nothing.counted({**space, "held_out": space["held_out"][:8]}, unet)
    assert found["background"] >= 7 and found["colour"] >= 7 and found["shape"] >= 5
