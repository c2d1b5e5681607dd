"""The training loop: its optimiser, its threads, and going on where it stopped."""

import os
import signal
from copy import deepcopy
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from training import loop, vae128


def small_network():
    """Return a convolution and a matrix, the same ones after the same torch.manual_seed."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8, 4))
    return network.to(memory_format=torch.channels_last)


def test_muon_steps_matrices_and_kernels_and_resumes():
    torch.manual_seed(0)

    def run(network, optimizer, steps):
        for _ in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 0.02
            loss = (network(pictures) - 1).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return float(loss.detach())

    pictures, network, resumed = torch.randn(16, 3, 3, 3), small_network(), small_network()
    optimizer = loop.Muon(network)
    assert len(optimizer.pairs) == 2  # the kernel and the matrix; the biases are AdamW's
    first = run(network, optimizer, 1)
    assert run(network, optimizer, 30) < first / 3
    resumed.load_state_dict(network.state_dict())
    resumed_optimizer = loop.Muon(resumed)
    resumed_optimizer.load_state_dict(deepcopy(optimizer.state_dict()))
    run(network, optimizer, 2)
    run(resumed, resumed_optimizer, 2)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), resumed.parameters()))


def test_two_threads_train_as_one_does_and_resume(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    cores, pictures = torch.get_num_threads(), torch.randn(16, 3, 3, 3)
    ends = []
    for name, threads, runs in (("one thread", 1, (6,)), ("two threads", 2, (6,)), ("resumed", 2, (3, 6))):
        for steps in runs:
            torch.manual_seed(0)
            network = small_network()

            def loss(step, network=network):
                return (network(pictures).float() - 1).square().mean(), {"step": float(step)}

            arguments = SimpleNamespace(seed=0, device="cpu", steps=steps, minutes=0, batch=16)
            optimizer = partial(loop.Muon, threads=threads)
            loop.train(name, network, loop.Ema(network, 0.9), loss, dict, arguments, rate=lambda done: 0.02,
                       optimizer=optimizer, threads=threads)  # fmt: skip
        assert torch.get_num_threads() == cores
        ends.append([weight.detach() for weight in network.parameters()])
    for other in ends[1:]:
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ends[0], other))


def test_a_step_that_fails_leaves_torch_its_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    cores, network = torch.get_num_threads(), torch.nn.Linear(2, 2)

    def loss(step):
        raise ZeroDivisionError

    arguments = SimpleNamespace(seed=0, device="cpu", steps=1, minutes=0, batch=1)
    with pytest.raises(ZeroDivisionError):
        loop.train("fails", network, loop.Ema(network, 0.9), loss, dict, arguments, rate=lambda done: 0.1, threads=2)
    assert torch.get_num_threads() == cores


def test_a_training_that_is_stopped_goes_on_from_its_last_step(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    steps, before = [], signal.getsignal(signal.SIGTERM)

    def run():
        network = torch.nn.Linear(2, 1)

        def loss(step):
            steps.append(step)
            if len(steps) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            return network(torch.ones(4, 2)).square().mean().float(), {}

        arguments = SimpleNamespace(seed=0, device="cpu", steps=5, minutes=0, batch=4)
        loop.train("stopped", network, loop.Ema(network, 0.9), loss, dict, arguments, rate=lambda done: 0.1)

    with pytest.raises(SystemExit, match="stopped after step"):
        run()
    reached = torch.load(tmp_path / "stopped.pt", weights_only=True)["step"]
    assert 3 <= reached < 5 and signal.getsignal(signal.SIGTERM) == before
    run()
    assert steps == [0, 1, 2, 3, 4] and torch.load(tmp_path / "stopped.pt", weights_only=True)["step"] == 5


def test_a_training_that_is_stopped_in_its_last_check_ends_there(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    network, checks = torch.nn.Linear(2, 1), []

    def loss(step):
        return network(torch.ones(4, 2)).square().mean().float(), {}

    def check():
        checks.append(True)
        os.kill(os.getpid(), signal.SIGTERM)
        return {}

    arguments = SimpleNamespace(seed=0, device="cpu", steps=2, minutes=0, batch=4)
    train = partial(loop.train, "last", network, loop.Ema(network, 0.9), loss, check, arguments, lambda done: 0.1)
    with pytest.raises(SystemExit, match="stopped after step 2"):
        train()
    train()  # there is nothing left to do
    assert len(checks) == 1 and torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 2


def test_weights_are_written_and_the_model_stays_as_it_is(tmp_path):
    vae = vae128.build().to(memory_format=torch.channels_last)
    loop.write_safetensors(vae, tmp_path / "vae")
    again = type(vae).from_pretrained(tmp_path / "vae", low_cpu_mem_usage=False)
    assert all(torch.equal(a, b) for a, b in zip(vae.parameters(), again.parameters()))
    assert vae.decoder.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    assert [path.name for path in tmp_path.iterdir()] == ["vae"]  # what was written beside it is gone
