"""A training that is read from its file goes on as if it had never stopped."""

from copy import deepcopy

import pytest
import torch

from sdkit.inside.training_file import load_training, save_training


def new():
    """Return a network, and the parts of its training by name."""
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    return network, {
        "network": network,
        "average": deepcopy(network),
        "optimizer": torch.optim.AdamW(network.parameters()),
    }


def steps(network, parts, count):
    """Take `count` steps, each with numbers of its own, and return the losses."""
    losses = []
    for step in range(count):
        loss = (network(torch.full((1, 3), float(step + 1))) - 1).square().mean()
        loss.backward()
        parts["optimizer"].step()
        parts["optimizer"].zero_grad()
        losses.append(loss.item())
    return losses


def test_it_goes_on_with_the_same_numbers(tmp_path):
    network, parts = new()
    first = steps(network, parts, 4)
    save_training(tmp_path / "a", losses=first, **parts)
    second = steps(network, parts, 4)
    other, its_parts = new()
    assert load_training(tmp_path / "a", **its_parts) == first
    assert steps(other, its_parts, 4) == second
    assert torch.equal(network.weight, other.weight)
    assert torch.equal(its_parts["average"].weight, parts["average"].weight)


def test_without_a_file_it_begins(tmp_path):
    network, parts = new()
    before = network.weight.clone()
    assert load_training(tmp_path / "a", **parts) == [] and torch.equal(network.weight, before)


def test_a_training_of_no_steps_can_be_kept(tmp_path):
    _, parts = new()
    save_training(tmp_path / "a", losses=[], **parts)
    assert load_training(tmp_path / "a", **new()[1]) == []


def test_another_training_is_refused(tmp_path):
    network, parts = new()
    save_training(tmp_path / "a", losses=steps(network, parts, 2), **parts)
    with pytest.raises(ValueError, match="holds average, losses, network, optimizer and not losses, unet"):
        load_training(tmp_path / "a", unet=network, optimizer=parts["optimizer"])
    wider = torch.nn.Linear(4, 2)
    with pytest.raises(ValueError, match="of another network"):
        load_training(tmp_path / "a", **{**parts, "network": wider})
