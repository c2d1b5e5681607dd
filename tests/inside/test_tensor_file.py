"""Nested dictionaries of tensors go to a file and come back, and a damaged file is told."""

import pytest
import torch
from safetensors.torch import save_file

from sdkit.inside.tensor_file import read_tensors, write_tensors


def test_what_was_written_is_read(tmp_path):
    turned = torch.arange(6.0).reshape(2, 3).T
    written = write_tensors(
        tmp_path / "new" / "a.safetensors", {"net": {0: {"step": torch.tensor(3)}}, "turned": turned}
    )
    found = read_tensors(written)
    assert found["net"] == {"0": {"step": torch.tensor(3)}} and torch.equal(found["turned"], turned)
    assert [path.name for path in written.parent.iterdir()] == ["a.safetensors"]


def test_an_empty_dictionary_leaves_no_trace(tmp_path):
    assert list(read_tensors(write_tensors(tmp_path / "a", {"none": {}, "one": torch.ones(1)}))) == ["one"]


def test_only_tensors_and_plain_keys_are_written(tmp_path):
    with pytest.raises(TypeError, match="net/step is of type int"):
        write_tensors(tmp_path / "a", {"net": {"step": 3}})
    with pytest.raises(ValueError, match="without '/'"):
        write_tensors(tmp_path / "a", {"net/step": torch.ones(1)})
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_told(tmp_path):
    path = write_tensors(tmp_path / "a", {"one": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="no whole safetensors file"):
        read_tensors(path)
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "b")


def test_a_tensor_below_a_tensor_is_refused(tmp_path):
    save_file({"a": torch.ones(1), "a/b": torch.ones(1)}, tmp_path / "a")
    with pytest.raises(ValueError, match="below another tensor"):
        read_tensors(tmp_path / "a")
