"""What a call takes of the memory, and what it makes, counted."""

import os

import pytest
import torch
from PIL import Image

from sdkit.inside import memory
from sdkit.inside.memory import MemoryTrace, draw_memory, draw_weights, trace_memory, watch_tensors, weight_bytes

MEGA = 250_000  # numbers in float32: 1 MB


def two_pieces():
    first = torch.empty(MEGA)
    second = torch.empty(3 * MEGA)
    del first, second
    return torch.empty(2 * MEGA)


def test_a_trace_follows_what_is_taken_and_given_back(capfd):
    trace = trace_memory(two_pieces)
    assert trace.peak == 4 * memory.MB and trace.in_use[0] == 0 and trace.in_use[-1] == 2 * memory.MB
    assert trace.result.numel() == 2 * MEGA
    assert repr(trace) == f"<MemoryTrace of {len(trace.in_use)} pieces, peak 4.0 MB>"
    assert capfd.readouterr() == ("", "")


def test_a_trace_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv(memory.QUIET[0], raising=False)
    trace_memory(two_pieces)
    assert memory.QUIET[0] not in os.environ
    monkeypatch.setenv(memory.QUIET[0], "3")
    trace_memory(two_pieces)
    assert os.environ[memory.QUIET[0]] == "3"


def test_a_trace_passes_arguments_and_errors():
    assert trace_memory(torch.full, (2,), fill_value=3.0).result.tolist() == [3.0, 3.0]
    with pytest.raises(ZeroDivisionError):
        trace_memory(lambda: 1 / 0)
    assert trace_memory(torch.is_grad_enabled).result is False


def test_charts_share_one_scale_and_say_their_peaks():
    traces = {"small": MemoryTrace([0, memory.MB, 0]), "large": MemoryTrace([0, 9 * memory.MB, 0])}
    figure = draw_memory(traces)
    small, large = figure.axes
    assert small.get_ylim() == large.get_ylim() and small.get_ylim()[1] > 9
    assert [plot.get_title() for plot in figure.axes] == ["small\npeak 1 MB", "large\npeak 9 MB"]
    assert "small 1 MB, large 9 MB" in figure.alt
    with pytest.raises(ValueError, match="no traces"):
        draw_memory({})


def test_bars_of_weights_share_one_scale_and_say_their_sizes():
    picture = Image.new("RGB", (8, 8), "red")
    ways = {"float32": (picture, 4 * memory.MB, 0), "autocast": (picture, 4 * memory.MB, 2 * memory.MB)}
    figure = draw_weights(ways)
    bars = figure.axes[1::2]
    assert bars[0].get_xlim() == bars[1].get_xlim() and bars[0].get_xlim()[1] > 6
    assert [plot.texts[0].get_text() for plot in bars] == ["float32: 4 MB", "autocast: 4 MB + 2 MB of copies"]
    assert [patch.get_width() for patch in bars[1].patches] == [4, 2]
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_weights({})


def test_weights_are_counted_in_a_part_and_in_a_pipeline(pipe):
    layer = torch.nn.Linear(3, 2)
    assert weight_bytes(layer) == 4 * 8 and weight_bytes(layer.half()) == 2 * 8
    parts = (pipe.unet, pipe.vae, pipe.text_encoder)
    assert weight_bytes(pipe) == sum(map(weight_bytes, parts))


def test_watching_sees_the_largest_tensor_the_tables_and_the_copies():
    weight = torch.zeros(8, 8)
    with watch_tensors([weight]) as watch:
        torch.zeros(100)
        weight.half()
        torch.zeros(8, 8).half()
        torch.baddbmm(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    torch.zeros(1000)
    assert (watch.largest, watch.tables, watch.copied) == (400, 1, 128)
