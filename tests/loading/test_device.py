"""The device that is chosen, checked and compared with, whichever this machine has."""

from types import SimpleNamespace

import pytest
import torch

from sdkit import load_pipeline
from sdkit.loading.device import best_device, check_device, device_of, other_device, usable_kinds


@pytest.fixture
def machine(monkeypatch):
    """Return a function that lets torch say which graphics cards are there."""

    def has(cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return has


def test_the_fastest_device_comes_first_and_the_processor_is_always_there(machine):
    machine()
    assert usable_kinds() == ("cpu",) and best_device() == "cpu"
    machine(mps=True)
    assert usable_kinds() == ("mps", "cpu") and best_device() == "mps"
    machine(cuda=True)
    assert usable_kinds() == ("cuda", "cpu") and best_device() == "cuda"


def test_another_device_is_the_processor_or_what_is_faster(machine):
    machine()
    assert other_device("cpu") is None
    machine(mps=True)
    assert other_device("cpu") == "mps" and other_device("mps") == "cpu"
    machine(cuda=True)
    assert other_device("cpu") == "cuda" and other_device("cuda:1") == "cpu"


def test_a_device_is_checked_and_written_as_torch_writes_it(machine):
    machine(cuda=True)
    assert check_device("cuda:1") == "cuda:1"
    assert check_device(torch.device("cpu")) == "cpu"
    with pytest.raises(ValueError, match="device is 'mps', which .* usable here: cpu, cuda"):
        check_device("mps")


@pytest.mark.parametrize("device", ["gpu", "GPU:0", "cuda:2", "cuda:x", "meta", "xpu", "tpu", "", "cpu:x", None, 3.5])
def test_unknown_devices_are_told_with_the_usable_ones(machine, device):
    machine(cuda=True)
    with pytest.raises(ValueError, match=f"device is '{device}', which .* usable here: cpu, cuda"):
        check_device(device)


def test_gpu_leads_to_cuda(machine):
    machine()
    with pytest.raises(ValueError, match='did you mean "cuda"'):
        check_device("gpu")


def test_a_pipeline_computes_on_its_device(pipe):
    assert device_of(pipe) == torch.device("cpu")


@pytest.mark.parametrize("hook", ["_hf_hook", "_diffusers_hook"])
def test_a_pipeline_whose_parts_wait_elsewhere_computes_where_its_hooks_say(pipe, monkeypatch, hook):
    config = SimpleNamespace(onload_device=torch.device("meta"))
    group = SimpleNamespace(get_hook=lambda name: SimpleNamespace(config=config))
    given = {"_hf_hook": SimpleNamespace(execution_device="meta"), "_diffusers_hook": group}[hook]
    for part in (pipe.vae, pipe.text_encoder, pipe.unet):
        monkeypatch.setattr(part, hook, given, raising=False)
    assert device_of(pipe) == torch.device("meta")


@pytest.mark.parametrize("device", [0, True, b"cpu", []])
def test_what_is_no_name_of_a_device_is_refused(device):
    with pytest.raises(ValueError, match="which this machine's torch cannot use; usable here: .*cpu"):
        load_pipeline(device=device)
