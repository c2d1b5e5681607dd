"""Measure number formats, batches and options on one device: `python -m benchmarks.device --model FOLDER`.

Each row is the median of some calls after a first one, in pictures per second, and what share that is of the
rate at which this device multiplies matrices in the same format (measured here, 4096 x 4096): arithmetic
of UNet and VAE as torch counts it, against the seconds. Needs a model on disk, such as one
written by tools/checkpoints.py; `--device cuda` is what it is for, and it runs on a CPU too.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.record import median_seconds, options, report
from sdkit import load_pipeline

FORMATS = ("float32", "float16", "bfloat16")
BATCHES = (1, 2, 4, 8)
PROMPT = "a cat on a blue background"


def wait(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(function: Callable, device: torch.device, times: int) -> float:
    """Return the median seconds of a function, until the device has done what it was given."""

    def whole():
        function()
        wait(device)

    return median_seconds(whole, times)


def matrix_rate(dtype: torch.dtype, device: torch.device, times: int, side: int = 4096) -> float:
    """Return how many operations per second a plain product of matrices reaches."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / timed(lambda: left @ right, device, times)


def work_of(call: Callable) -> int:
    """Return the operations of one call as torch counts them (a multiplication with its addition is two)."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def set_attention(pipe, name: str) -> None:
    """Let the UNet's attention be computed in a named way; SDPA, torch's fused kernels, is diffusers' default."""
    from diffusers.models.attention_processor import AttnProcessor

    pipe.disable_attention_slicing()
    if name == "plain attention":
        pipe.unet.set_attn_processor(AttnProcessor())
    elif name == "attention slicing":
        pipe.enable_attention_slicing()


def rows_of(arguments: Namespace, format_: str) -> Iterator[list]:
    """Yield [format, batch, what is changed, pictures per second, share of the matrix rate, peak GB] of a format."""
    dtype = getattr(torch, format_)
    pipe = load_pipeline(arguments.model, dtype=dtype, device=arguments.device)
    device = pipe.device
    side = {"height": arguments.side, "width": arguments.side} if arguments.side else {}

    def call(batch):
        return pipe([PROMPT] * batch, num_inference_steps=arguments.steps, **side)

    rate = matrix_rate(dtype, device, arguments.times)
    set_attention(pipe, "plain attention")  # whose products are all counted
    work = work_of(lambda: call(1))
    set_attention(pipe, "SDPA")

    def row(batch, changed, cast=None):
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        with torch.autocast(device.type, cast, enabled=cast is not None):
            seconds = timed(lambda: call(batch), device, arguments.times)
        peak = round(torch.cuda.max_memory_allocated(device) / 1e9, 2) if device.type == "cuda" else None
        return [format_, batch, changed, round(batch / seconds, 3), f"{work * batch / seconds / rate:.0%}", peak]

    for batch in map(int, arguments.batches.split(",")):
        yield row(batch, "SDPA")
    for name in ("plain attention", "attention slicing"):
        set_attention(pipe, name)
        yield row(1, name)
    set_attention(pipe, "SDPA")
    if format_ == "float32":
        for cast in (torch.float16, torch.bfloat16) if device.type == "cuda" else (torch.bfloat16,):
            yield row(1, f"autocast to {str(cast).removeprefix('torch.')}", cast)
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    yield row(1, "channels_last")
    if arguments.compile == "yes":
        pipe.unet.compile()
        yield row(1, "channels_last and torch.compile of the UNet")


def main(given: list[str] | None = None) -> None:
    """Measure each number format and print the table."""
    arguments = options("device", __doc__, given, model="built-in", side=0, steps=25, times=3, device="cpu",
                        formats=",".join(FORMATS), batches=",".join(map(str, BATCHES)), compile="yes")  # fmt: skip
    rows = []
    for format_ in arguments.formats.split(","):
        for row in rows_of(arguments, format_):
            rows.append(row)
            print(row, flush=True)
    columns = ["format", "pictures in a call", "changed", "pictures per second", "of the matrix rate", "peak GB"]
    report(arguments, columns, rows, arguments.device, steps=arguments.steps, pixels=arguments.side or "usual",
           runs=arguments.times)  # fmt: skip


if __name__ == "__main__":
    main()
