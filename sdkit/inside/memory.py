"""Where a call's memory goes: every piece that it takes and gives back, the tensors that it makes, a chart of both."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors
from sdkit.parameters import short
from sdkit.show.drawing import as_picture
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    import torch

    from sdkit.show.figure import ShownFigure

MB = 10**6
QUIET = ("KINETO_LOG_LEVEL", "99")  # PyTorch's profiler writes to the terminal at any lower level
COPY, TABLE = "aten._to_copy.default", "aten.baddbmm.default"  # how PyTorch names these operations


@dataclass(frozen=True)
class MemoryTrace:
    """What a call took of the main memory: `in_use` holds the bytes after each piece taken or given back.

    It begins at 0, what was there before the call is not counted. `result` is what the call returned.
    """

    in_use: list[int]
    result: Any = None

    @property
    def peak(self) -> int:
        """The most bytes that were in use at one time."""
        return max(self.in_use)

    def __repr__(self):
        return f"<MemoryTrace of {len(self.in_use)} pieces, peak {self.peak / MB:.1f} MB>"


@plain_errors
def trace_memory(call: Callable, *args: Any, **kwargs: Any) -> MemoryTrace:
    """Call a function and return what it took of the main memory, working memory inside operations included.

    It sees what PyTorch takes on the CPU; a graphics card has its own count, `torch.cuda.max_memory_allocated`.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile

    with _quiet_profiler(), torch.no_grad():
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
            result = call(*args, **kwargs)
    in_use = [0]
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]" and event.device_type() == torch.profiler.DeviceType.CPU:
            in_use.append(in_use[-1] + event.nbytes())
    return MemoryTrace(in_use, result)


@contextlib.contextmanager
def _quiet_profiler() -> Iterator[None]:
    """Keep PyTorch's profiler from writing lines of its own to the terminal; it asks the environment."""
    name, level = QUIET
    before = os.environ.get(name)
    os.environ[name] = before or level
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


@plain_errors
def draw_memory(traces: Mapping[str, MemoryTrace]) -> ShownFigure:
    """Draw the memory in use from the beginning to the end of each call, side by side on one scale, in MB.

    Raises ValueError for no traces.
    """
    if not traces:
        raise ValueError("there are no traces; give some as {name: trace_memory(...)}.")
    peaks = ", ".join(f"{name} {trace.peak / MB:.0f} MB" for name, trace in traces.items())
    figure = new_figure((9.2, 2.7), f"Memory in use during a call, peaks: {peaks}")
    top = max(trace.peak for trace in traces.values()) / MB
    plots = figure.subplots(1, len(traces), sharey=True, squeeze=False)[0]
    for plot, (name, trace) in zip(plots, traces.items()):
        heights = [size / MB for size in trace.in_use]
        plot.fill_between(range(len(heights)), heights, step="post", color="tab:blue", alpha=0.35)
        plot.step(range(len(heights)), heights, where="post", color="tab:blue")
        plot.axhline(trace.peak / MB, color="tab:red", linestyle=":")
        plot.set_title(f"{name}\npeak {trace.peak / MB:.0f} MB", fontsize=11)
        plot.set_xticks([0, len(heights) - 1], ["start", "end"])
        plot.set_ylim(0, 1.08 * top)
        plot.spines[["top", "right"]].set_visible(False)
    plots[0].set_ylabel("memory in use, MB")
    return figure


@plain_errors
def draw_weights(ways: Mapping[str, tuple[Any, int, int]]) -> ShownFigure:
    """Draw what weights take beside the picture that they made.

    `ways` are {name: (picture, bytes of the weights, bytes of copies in another format)}; the bars share one scale, in
    MB. Raises ValueError for no ways.
    """
    if not ways:
        raise ValueError("there is nothing to draw; give {name: (picture, bytes, bytes of copies)}.")
    sums = {name: (own + copies) / MB for name, (_, own, copies) in ways.items()}
    told = ", ".join(f"{name} {total:.0f} MB" for name, total in sums.items())
    figure = new_figure((9.2, 1.25 * len(ways)), f"Weights in memory: {told}")
    top = max(sums.values())
    plots = figure.subplots(len(ways), 2, width_ratios=(1, 7), squeeze=False)
    for row, (name, (picture, own, copies)) in zip(plots, ways.items()):
        row[0].imshow(as_picture(getattr(picture, "image", picture)))
        row[1].barh([0], own / MB, color="tab:blue")
        row[1].barh([0], copies / MB, left=own / MB, color="tab:orange")
        copied = f" + {copies / MB:.0f} MB of copies" if copies else ""
        row[1].text(0, 0.55, f"{name}: {own / MB:.0f} MB{copied}", va="bottom", fontsize=11)
        row[1].set_xlim(0, 1.02 * top)
        row[1].set_ylim(-0.6, 1.1)
        for plot in row:
            plot.set_axis_off()
    return figure


@plain_errors
def weight_bytes(model) -> int:
    """Return the bytes of all weights of a part, or of all parts of a pipeline together.

    Raises TypeError for what is neither.
    """
    import torch

    parts = getattr(model, "components", None)
    if parts is None and not isinstance(model, torch.nn.Module):
        raise TypeError(f"model is {short(model)}; give a pipeline, or a part of one such as pipe.unet.")
    modules = [model] if parts is None else [part for part in parts.values() if isinstance(part, torch.nn.Module)]
    return sum(weight.nbytes for module in modules for weight in module.parameters())


@contextlib.contextmanager
def watch_tensors(weights: Iterable[torch.Tensor] = ()) -> Iterator[Any]:
    """Watch PyTorch's operations inside the block; gives an object that counts.

    `largest` is the bytes of the largest tensor that was made. `tables` says how often plain and sliced attention
    made tables of who looks at whom. `copied` adds up the bytes of copies in another number format of `weights`.
    """
    with _watch_class()(weights) as watch:
        yield watch


@cache
def _watch_class() -> type:
    """Return the class of what watches; torch is imported only when something is watched."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Watch(TorchDispatchMode):
        """See `watch_tensors`."""

        def __init__(self, weights):
            super().__init__()
            self.largest = self.tables = self.copied = 0
            self._places = {weight.data_ptr() for weight in weights}

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            made = function(*args, **(kwargs or {}))
            name = str(function)
            self.tables += name == TABLE
            if name == COPY and args[0].data_ptr() in self._places:
                self.copied += made.nbytes
            sizes = [leaf.nbytes for leaf in tree_leaves(made) if isinstance(leaf, torch.Tensor)]
            self.largest = max([self.largest, *sizes])
            return made

    return Watch
