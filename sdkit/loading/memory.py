"""Memory: how much a pipeline needs, how much is free, and what follows for device, number format and offloading."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sdkit.text_table import text_table

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
# Offloading layer by layer needs room for the largest layer. In Stable Diffusion v1 that is the token embedding,
# 38 million numbers, less than this share of the UNet.
_LAYER = 1 / 16


class FitWarning(UserWarning):
    """A pipeline was loaded in another way than asked for or usual, because of the memory there is."""


@dataclass(frozen=True)
class LoadPlan:
    """How a pipeline will be loaded, and whether it fits; true if it does.

    `parts` holds the bytes of each part's weights as `dtype`, `work` a rough upper bound of what one
    picture of `side` pixels needs besides. `free` is what the device has left, `ram` the main memory
    (None: unknown). `offload` is None, "model" (a part at a time on the GPU) or "sequential" (a layer
    at a time). `why` says how that was chosen; `problem`, what to do if it does not fit.
    """

    model: str
    device: str
    dtype: str
    offload: str | None
    parts: dict[str, int]
    work: int
    side: int
    free: int | None
    ram: int | None
    why: str
    problem: str | None = None

    @property
    def weights(self) -> int:
        """Bytes of all weights."""
        return sum(self.parts.values())

    @property
    def tight(self) -> bool:
        """True if it fits, but not whole and with room to work in."""
        return self.problem is None and (
            self.offload is not None or self.free is not None and self.weights + self.work > self.free
        )

    def __bool__(self) -> bool:
        return self.problem is None

    def __repr__(self) -> str:
        verdict = "does not fit" if self.problem else "is tight" if self.tight else "fits"
        each = ", ".join(f"{name} {gib(size)}" for name, size in self.parts.items())
        free = "unknown" if self.free is None else f"{gib(self.free)} on {self.device}"
        if self.ram is not None and self.device.startswith("cuda"):
            free += f", {gib(self.ram)} of main memory"
        how = f"{self.device}, {self.dtype}" + (f", {self.offload} offload" if self.offload else "")
        rows = [
            ("weights", f"{gib(self.weights)} as {self.dtype} ({each})"),
            ("work space", f"about {gib(self.work)} for one picture of {self.side}x{self.side}"),
            ("free", free),
            ("loaded as", f"{how}: {self.why}"),
        ]
        if self.problem:
            rows.append(("PROBLEM", self.problem))
        return f"{self.model}: {verdict}\n{text_table(rows)}"


def gib(size: int) -> str:
    """Say bytes in words: "1.99 GiB", "26 MiB"."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**29 else f"{size / 2**20:.0f} MiB"


def choose(
    model: str,
    numbers: dict[str, int],
    work: int,
    *,
    device: str,
    dtype: str | None = None,
    side: int = 512,
    ram: int | None = None,
    gpu: int | None = None,
    held: int = 0,
) -> LoadPlan:
    """Return how to load a model, from what it needs and what is free.

    `numbers` counts the numbers of each part, `work` those of the work space; `ram` and `gpu` are free
    bytes (None: unknown, taken as enough); `held` is what pipelines loaded before hold on the device.
    Nothing is measured here, so that the choice can be tested with any numbers.

    On "cuda" the format is float16, if none is given, and the first that fits is taken of: all on the
    GPU, a part at a time, a layer at a time. Elsewhere it is float32, and all stays in main memory.
    """
    on_gpu = device.startswith("cuda")
    dtype = dtype or ("float16" if on_gpu else "float32")
    parts = {name: count * BYTES[dtype] for name, count in numbers.items()}
    work *= BYTES[dtype]
    free = gpu if on_gpu else ram
    problem = None
    if free is None:
        way = _Way(None, "nothing is known of the free memory here")
    else:
        fitting = _way_on_gpu(parts, work, free) if on_gpu else _way_in_ram(parts, work, free)
        way = fitting or _Way(None, f"{gib(free)} are free")
        if fitting is None:
            problem = _problem(model, dtype, parts, work, device, free, held)
    # Everything passes through main memory, and stays there when it is offloaded.
    if problem is None and ram is not None and sum(parts.values()) > ram:
        problem = _problem(model, dtype, parts, 0, "cpu", ram, 0)
    return LoadPlan(
        model=model,
        device=device,
        dtype=dtype,
        offload=way.offload,
        parts=parts,
        work=work,
        side=side,
        free=free,
        ram=ram,
        why=way.why,
        problem=problem,
    )


class _Way(NamedTuple):
    """A way to load: `offload` and `why` of a `LoadPlan`."""

    offload: str | None
    why: str


def _way_on_gpu(parts, work, free) -> _Way | None:
    """Return the first way that fits into the free bytes of a GPU, None if none does."""
    stays = parts.get("safety_checker", 0)  # diffusers never offloads it (_exclude_from_cpu_offload)
    largest = max(size for name, size in parts.items() if name != "safety_checker")
    whole = sum(parts.values()) + work
    part_by_part = largest + stays + work
    layer_by_layer = largest * _LAYER + stays + work
    if whole <= free:
        return _Way(None, "weights and work space fit")
    if part_by_part <= free:
        return _Way(
            "model",
            f"all weights and the work space would need {gib(whole)} and {gib(free)} are free, so each part "
            "is on the GPU only while it works; pictures take somewhat longer",
        )
    if layer_by_layer <= free:
        return _Way(
            "sequential",
            f"the largest part and the work space would need {gib(part_by_part)} and {gib(free)} are free, "
            "so each layer is on the GPU only while it works; pictures take many times longer",
        )
    return None


def _way_in_ram(parts, work, free) -> _Way | None:
    """Return how all weights fit into the free bytes of main memory, None if they do not."""
    weights = sum(parts.values())
    if weights + work <= free:
        return _Way(None, "weights and work space fit")
    if weights <= free:
        need = f"the weights fit, but with the work space it needs about {gib(weights + work)}"
        return _Way(None, f"{need} and {gib(free)} are free")
    return None


def _problem(model, dtype, parts, work, device, free, held):
    """Say what does not fit, by how much, and what to do; `work` of 0 bytes is not spoken of."""
    where = device if device.startswith("cuda") else "main memory"
    need = f"{gib(sum(parts.values()))} of weights as {dtype}" + (f" and about {gib(work)} to work in" if work else "")
    remedies = "; or ".join(_remedies(dtype, parts, device, held))
    return f"{model} does not fit: {need}, and {gib(free)} of {where} are free. To help: {remedies}."


def _remedies(dtype, parts, device, held):
    """Return what makes room or needs less of it, in words, the least loss first."""
    on_gpu = device.startswith("cuda")
    remedies = []
    if held:
        remedies.append(f"delete the pipelines loaded before, which hold {gib(held)} (del pipe)")
    if BYTES[dtype] > 2:
        smaller = "float16" if on_gpu else "bfloat16"
        remedies.append(f"give dtype=torch.{smaller}, which takes {gib(sum(parts.values()) * 2 // BYTES[dtype])}")
    if "safety_checker" in parts:
        remedies.append(f"give safety_checker=None, which saves {gib(parts['safety_checker'])}")
    if on_gpu:
        remedies.append('give device="cpu"')
    remedies.append("close other programs")
    return remedies


def free_ram() -> int | None:
    """Return the bytes of main memory that can be used, a container's limit kept; None if the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return _physical_ram()
    limited = _free_in_container()
    return free if limited is None else min(free, limited)


def _free_in_container(home: Path = Path("/sys/fs/cgroup")):
    """Return what a control group leaves (Linux, version 2), its reclaimable file pages counted as free."""
    try:
        limit = (home / "memory.max").read_text(encoding="ascii").strip()
        used = int((home / "memory.current").read_text(encoding="ascii"))
        lines = (home / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    if limit == "max":
        return None
    reclaimable = next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
    return max(0, int(limit) - used + reclaimable)


def _physical_ram():
    """Return the size of main memory, an upper bound where the system does not tell what is free; None on Windows."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def free_gpu(device: str) -> int:
    """Return the bytes of a CUDA device that can be used, those that torch keeps for later among them."""
    import torch

    index = torch.device(device).index
    index = torch.cuda.current_device() if index is None else index
    free, _ = torch.cuda.mem_get_info(index)
    return free + torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)
