"""Let nbval compare the pictures in the notebooks, and understand Output widgets.

nbval compares text, but neither pictures nor what an Output widget has captured. This uses
nbval's internals, hence the pin nbval==0.11.* in pyproject.toml.
"""

import base64
import io
import sys
from pathlib import Path

import nbval.kernel
import numpy as np
from nbval.plugin import IPyNbCell, IPyNbFile
from PIL import Image

from tools import forked_kernel

# Two pictures are the same if at most this share of their values differs by more than these
# grey levels: another processor or thread count stays within it, another seed does not.
LEVELS = 3
SHARE = 0.01
# In a large picture a small mark is a small share, so no square of this side may be this many
# grey levels off on average either.
SQUARE = 8
MARK = 24

# tests/exercises/test_answers.py runs the exercises in one process: a kernel for each would take minutes. One has a
# kernel of its own, for all.
EXERCISES = "01_start.ipynb"
collect_ignore = [str(path) for path in Path(__file__).parent.glob("en/exercises/*.ipynb") if path.name != EXERCISES]

PNG_IN_BASE64 = "iVBORw0KGgo"
SHOWN = {"stream", "display_data", "execute_result", "update_display_data", "clear_output"}


class QuickKernels(nbval.kernel.NbvalKernelspecManager):
    """Start kernels that need not import PyTorch and diffusers first."""

    def get_kernel_spec(self, kernel_name):
        spec = super().get_kernel_spec(kernel_name)
        if kernel_name == nbval.kernel.CURRENT_ENV_KERNEL_NAME and sys.platform == "linux":
            spec.argv = forked_kernel.command()
        return spec


nbval.kernel.NbvalKernelspecManager = QuickKernels


class Picture(str):
    """A PNG that reads as a short description but is compared by its pixels.

    It is a str because nbval puts the values it reports into lines of text.
    """

    def __new__(cls, encoded):
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
            pixels = np.asarray(image.convert("RGB"), dtype=int)
        height, width, _ = pixels.shape
        picture = super().__new__(cls, f"picture, {width} x {height} pixels, mean {pixels.mean():.2f}")
        picture.pixels = pixels
        return picture

    def differing(self, other):
        """Return the share of values that differ, from 0 to 1."""
        if self.pixels.shape != other.pixels.shape:
            return 1.0
        return float((abs(self.pixels - other.pixels) > LEVELS).mean())

    def worst_square(self, other):
        """Return the largest mean difference of any square, in grey levels (255 for another shape)."""
        if self.pixels.shape != other.pixels.shape:
            return 255.0
        off = abs(self.pixels - other.pixels).mean(axis=2)
        height, width = (side // SQUARE * SQUARE for side in off.shape)
        squares = off[:height, :width].reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE)
        return float(squares.mean(axis=(1, 3)).max(initial=0))

    def __eq__(self, other):
        if not isinstance(other, Picture):
            return False
        return self.differing(other) <= SHARE and self.worst_square(other) <= MARK

    def __ne__(self, other):  # str has its own
        return not self == other

    __hash__ = None


def pytest_itemcollected(item):
    """Turn the pictures among a cell's outputs into Picture objects, and mark the cells of slow lessons.

    A lesson is slow if its head cell's metadata says so: `"lesson": {"slow": true}`.
    """
    if not isinstance(item, IPyNbCell):
        return
    if item.parent.nb.cells and item.parent.nb.cells[0].metadata.get("lesson", {}).get("slow"):
        item.add_marker("slow")
    sanitize_text = item.sanitize

    def sanitize(value):
        if isinstance(value, str) and value.startswith(PNG_IN_BASE64):
            return Picture(value)
        return sanitize_text(value)

    item.sanitize = sanitize


def pytest_collectstart(collector):
    """Compare PNGs, leave stderr out, and drop what Output widgets capture."""
    if not isinstance(collector, IPyNbFile):
        return
    # Progress bars and warnings on stderr hold times and file names of one run.
    collector.skip_compare = (*(key for key in collector.skip_compare if key != "image/png"), "stderr")
    drop_captured_messages(collector)


def drop_captured_messages(collector):
    """Hide messages from nbval that JupyterLab would show inside an Output widget.

    An Output widget announces in its state which request's messages it captures. Errors are
    not dropped: an error inside a widget is still an error in the lesson.
    """
    receive = collector.get_kernel_message
    captured = {}  # id of an Output widget: id of the request it captures, or ""

    def get_kernel_message(timeout=None, stream="iopub"):
        while True:
            message = receive(timeout=timeout, stream=stream)
            kind, content = message["msg_type"], message["content"]
            if kind in ("comm_open", "comm_msg"):
                state, widget = content["data"].get("state", {}), content["comm_id"]
                if widget in captured or state.get("_model_name") == "OutputModel":
                    captured[widget] = state.get("msg_id", captured.get(widget, ""))
            elif kind in SHOWN and message["parent_header"].get("msg_id") in captured.values():
                continue
            return message

    collector.get_kernel_message = get_kernel_message


def pytest_terminal_summary(terminalreporter):
    """Say how long each lesson took."""
    seconds = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            path = getattr(report, "nodeid", "").split("::")[0]
            if path.endswith(".ipynb"):
                seconds[path] = seconds.get(path, 0.0) + getattr(report, "duration", 0.0)
    if seconds:
        terminalreporter.section("seconds per lesson")
    for path in sorted(seconds):
        terminalreporter.line(f"{seconds[path]:6.1f}  {path}")


def pytest_assertrepr_compare(op, left, right):
    """Say how far two pictures are apart."""
    if not (op == "==" and isinstance(left, Picture) and isinstance(right, Picture)):
        return None
    return [
        "the stored picture is not the one made now",
        f"stored: {left}",
        f"now:    {right}",
        f"{left.differing(right):.1%} of the values differ by more than {LEVELS} grey levels; {SHARE:.0%} may",
        f"the worst {SQUARE} x {SQUARE} square is {left.worst_square(right):.0f} grey levels off; {MARK} may be",
    ]
