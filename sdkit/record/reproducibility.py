"""A reproducibility card: what stays equal on this machine, and how nearly the rest does.

Measured on the final latents of one short call, so that neither rounding to grey levels nor the
VAE hides a difference. Whatever would change the state of this process (threads, dtype, device)
is done in another one.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdkit.call.generate import check_call, generate
from sdkit.errors import plain_errors
from sdkit.loading.device import device_of
from sdkit.loading.pipeline import load_pipeline
from sdkit.loading.provenance import origin_of
from sdkit.parameters import known_names
from sdkit.quiet import quiet
from sdkit.shot import Origin
from sdkit.show.html import element, join, table
from sdkit.show.progress import shown_progress
from sdkit.text_table import text_table

_BATCH = 3
_CHILD = "from sdkit.record.reproducibility import write_rows_of_other_process; write_rows_of_other_process()"


@dataclass(frozen=True)
class Row:
    """One comparison: `largest` is the largest absolute difference of latents, None if not measured (`why` says it)."""

    what: str
    compared: str
    largest: float | None
    why: str = ""

    @property
    def equal(self) -> bool | None:
        """Say whether the two are equal to the bit; None if not measured."""
        return None if self.largest is None else self.largest == 0

    @property
    def result(self) -> str:
        """Return the finding in words."""
        if self.largest is None:
            return f"not measured: {self.why}"
        if math.isnan(self.largest):
            return "NaN"
        return "equal to the bit" if self.equal else f"within {self.largest:.2g}"


@dataclass(frozen=True)
class Card:
    """What stays equal and what within which tolerance, as `rows`; `spread` is the latents' standard deviation.

    The last row compares two seeds: the size of a difference that makes another picture. `origin`
    and `call` say what was measured where. Shows itself as text or as an HTML table; `markdown()`
    is the same for a file.
    """

    rows: tuple[Row, ...]
    spread: float
    origin: Origin
    call: dict

    def __getitem__(self, what: str) -> Row:
        for row in self.rows:
            if row.what == what:
                return row
        raise KeyError(f"{what!r} was not compared; there are {', '.join(row.what for row in self.rows)}.")

    @property
    def title(self) -> str:
        """Return in one line what was measured."""
        origin, machine = self.origin, self.origin.machine
        return (
            f"{origin.model or origin.pipeline}, {origin.scheduler}, "
            f"{self.call['num_inference_steps']} steps, {origin.device}, {origin.dtype.removeprefix('torch.')}, "
            f"threads: {machine['threads']}, {machine['card'] or machine['processor']}, "
            f"torch {origin.versions['torch']}, diffusers {origin.versions['diffusers']}"
        )

    @property
    def note(self) -> str:
        """Return what the numbers are."""
        return f"Largest difference between two pictures' latents, whose standard deviation is {self.spread:.2g}."

    def __repr__(self):
        rows = text_table([(row.what, row.compared, row.result) for row in self.rows])
        return "\n".join([self.title, rows, self.note])

    def markdown(self) -> str:
        """Return the card as a Markdown table."""
        lines = [f"| {row.what} | {row.compared} | {row.result} |" for row in self.rows]
        return "\n".join([f"**{self.title}**", "", "| | compared | result |", "|---|---|---|", *lines, "", self.note])

    def _repr_markdown_(self):
        return self.markdown()

    def _repr_html_(self):
        rows = [(row.what, row.compared, row.result) for row in self.rows]
        return join([table(("", "compared", "result"), rows, caption=self.title), element("p", self.note)])


@plain_errors
def reproducibility(
    pipe, prompt: str = "a cat", *, seed: int = 0, num_inference_steps: int = 4, **arguments: Any
) -> Card:
    """Measure on this machine what stays equal to the bit, and what within which tolerance.

    Compares a call of a text-to-image pipeline run to run, process to process, alone and in a
    batch, with other numbers of threads, in other dtypes and on another device where there is one.
    Makes about 12 pictures without decoding them, and writes a copy of the weights into a
    temporary folder for the second process. `arguments` are those of the call.

    Raises TypeError for other pipelines, and what `generate` raises.
    """
    import torch

    if "image" in known_names(pipe):
        raise TypeError(f"pipe is a {type(pipe).__name__}; give a text-to-image pipeline.")
    call = {"prompt": prompt, "num_inference_steps": num_inference_steps, **arguments, "output_type": "latent"}
    check_call(pipe, call)
    first = _latents(pipe, call, seed)
    rows = [Row("run to run", "the same call again", _largest(first, _latents(pipe, call, seed)))]
    several = generate(pipe, **call, num_images_per_prompt=_BATCH, seed=[seed, seed + 1, seed + 2])
    batch = torch.stack([shot.image for shot in several]).float().cpu()
    rows.append(Row("batch size", f"alone and first of {_BATCH}", _largest(first, batch[0])))
    other = Row("another seed", "for comparison: another picture", _largest(batch[0], batch[1]))
    with tempfile.TemporaryDirectory() as folder:
        _pack(pipe, call, seed, first, Path(folder))
        with shown_progress(0, "reproducibility: in another process") as advance:
            for row in _measured_elsewhere(folder):
                rows.append(Row(**row))
                advance(1, f"reproducibility: {row['compared']}")
    order = ["run to run", "process to process", "batch size", "threads", "dtype", "device"]
    rows.sort(key=lambda row: order.index(row.what))
    return Card((*rows, other), float(first.std()), origin_of(pipe), {**call, "seed": seed})


def _latents(pipe, call, seed):
    return generate(pipe, **call, seed=seed)[0].image.float().cpu()


def _largest(a, b):
    return float((a - b).abs().max())


def _pack(pipe, call, seed, first, folder):
    """Write what the other process needs: the pipeline, the call, the latents made here."""
    import torch

    unused = dict.fromkeys(("safety_checker", "feature_extractor", "image_encoder"))  # latents need none of them
    with quiet():
        type(pipe)(**{**pipe.components, **unused}, requires_safety_checker=False).save_pretrained(folder / "model")
    machine = {"device": str(device_of(pipe)), "dtype": str(pipe.unet.dtype), "threads": torch.get_num_threads()}
    torch.save({"call": call, "seed": seed, "first": first, **machine}, folder / "call.pt")


def _measured_elsewhere(folder):
    """Run `write_rows_of_other_process` in another Python process and yield its rows as they come."""
    package = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", _CHILD, folder]
    with (
        tempfile.TemporaryFile("w+") as messages,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True, env=environment) as process,
    ):
        assert process.stdout is not None  # asked for as a pipe
        try:
            for line in process.stdout:
                yield json.loads(line)
        except BaseException:  # an interrupt, above all
            process.kill()
            raise
        if process.wait():
            messages.seek(0)
            raise RuntimeError(f"the other process failed: {messages.read().strip()[-2000:]}")


def write_rows_of_other_process() -> None:
    """Write the rows that need a process of their own to standard output (run by `reproducibility` there)."""
    import torch

    folder = Path(sys.argv[1])
    given = torch.load(folder / "call.pt", weights_only=True)
    call, seed, threads = given["call"], given["seed"], given["threads"]
    dtype = getattr(torch, given["dtype"].removeprefix("torch."))

    def tell(what, compared, largest, why=""):
        sys.stdout.write(json.dumps({"what": what, "compared": compared, "largest": largest, "why": why}) + "\n")
        sys.stdout.flush()

    def made(device, dtype, threads):
        torch.set_num_threads(threads)
        return _latents(load_pipeline(folder / "model", device=device, dtype=dtype), call, seed)

    device = given["device"]
    here = made(device, dtype, threads)
    tell("process to process", "another Python process", _largest(given["first"], here))
    for number in sorted({1, 2, os.cpu_count() or 1} - {threads}):
        tell("threads", f"{number} instead of {threads}", _largest(here, made(device, dtype, number)))
    for other in _other_dtypes(torch, device, dtype):
        compared = f"{_name(other)} instead of {_name(dtype)}"
        tell("dtype", compared, _largest(here, made(device, other, threads)))
    elsewhere = _other_device(torch, device)
    if elsewhere is None:
        tell("device", "another device", None, "there is only the processor")
    else:
        single = torch.float32
        largest = _largest(made(device, single, threads), made(elsewhere, single, threads))
        tell("device", f"{elsewhere} instead of {device}, both float32", largest)


def _name(dtype):
    return str(dtype).removeprefix("torch.")


def _other_dtypes(torch, device, dtype):
    # float16 on a processor is hundreds of times slower, and no one uses it there
    usual = [torch.float32, torch.bfloat16] if device == "cpu" else [torch.float32, torch.float16, torch.bfloat16]
    return [other for other in usual if other != dtype]


def _other_device(torch, device):
    if device != "cpu":
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
