"""The training loop shared by all parts: time budget, schedule, EMA, checkpoints, metrics.

A checkpoint holds everything a run needs to go on; files are written whole or not at all.
"""

import argparse
import contextlib
import json
import math
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F

from sdkit.files import whole

CHECKPOINTS = Path(".cache/checkpoints")


def options(description: str, **defaults) -> argparse.Namespace:
    """Read the command line options that every training script shares, and its own, `defaults`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="time budget, resumed runs included")
    parser.add_argument("--steps", type=int, default=0, help="budget in steps instead; 0 is none")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the model; NOT on a CPU: torch 2.13 gives zero gradients for most layers there",
    )
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser.parse_args()


def cosine(done: float, peak: float, floor: float, warm_up: float = 0.02) -> float:
    """Return the learning rate at the fraction `done` of the budget: linear warm-up, then cosine."""
    if done < warm_up:
        return peak * (done + 1e-3) / (warm_up + 1e-3)
    share = min(1.0, (done - warm_up) / (1 - warm_up))
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * share))


def trapezoid(done: float, peak: float, floor: float, warm_up: float = 0.02, decay: float = 0.35) -> float:
    """Return the learning rate at the fraction `done`: linear warm-up, constant, linear decay at the end."""
    if done < warm_up:
        return peak * (done + 1e-3) / (warm_up + 1e-3)
    if done < 1 - decay:
        return peak
    return max(floor, peak * (1 - done) / decay)


class Ema:
    """An exponential moving average of a module's parameters, warmed up as in diffusers' EMAModel."""

    def __init__(self, module, decay):
        self.decay, self.steps = decay, 0
        self.values = [p.detach().clone() for p in module.parameters()]

    @torch.no_grad()
    def update(self, module) -> None:
        """Move the average towards the module's present parameters."""
        self.steps += 1
        decay = min(self.decay, 1 - (1 + self.steps) ** -0.75)
        torch._foreach_lerp_(self.values, [p.detach() for p in module.parameters()], 1 - decay)

    @contextlib.contextmanager
    def swapped_in(self, module):
        """Let the module hold the averaged parameters inside the block."""
        parameters = list(module.parameters())
        own = [p.detach().clone() for p in parameters]
        with torch.no_grad():
            for p, value in zip(parameters, self.values):
                p.copy_(value)
        try:
            yield module
        finally:
            with torch.no_grad():
                for p, value in zip(parameters, own):
                    p.copy_(value)


def write_safetensors(model, folder: Path) -> None:
    """Save a diffusers or transformers model's weights to a folder, each file whole; the model stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as new:
        deepcopy(model).to(memory_format=torch.contiguous_format).save_pretrained(new)
        for file in Path(new).iterdir():
            file.replace(folder / file.name)


def _groups(named):
    """Split named parameters into those with weight decay (matrices) and those without."""
    decay: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for name, p in named:
        (decay if p.ndim > 1 and "embedding" not in name else plain).append(p)
    return [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]


def adamw(module) -> torch.optim.AdamW:
    """Return the AdamW that all trainings use; the learning rate is set in each step."""
    return torch.optim.AdamW(_groups(module.named_parameters()), lr=1e-4, betas=(0.9, 0.99), fused=True)


class Muon:
    """torch's Muon (orthogonalised momentum, arXiv 2502.16982) for inner matrices and kernels, AdamW for the rest.

    Muon takes matrices only, so a kernel is stepped as the matrix (out, inputs x height x width) that shares
    its memory. Updates are scaled to AdamW's size, so both take the same learning rate. `threads` share the work.
    """

    def __init__(self, module, threads=1):
        named = list(module.named_parameters())
        outer = ("embedding", "conv_in", "conv_out")
        inner = [p for name, p in named if p.ndim > 1 and not any(part in name for part in outer)]
        chosen = {id(p) for p in inner}
        self.pairs = [(p, torch.nn.Parameter(_as_matrix(p.detach()))) for p in inner]
        assert all(p.data_ptr() == matrix.data_ptr() for p, matrix in self.pairs)
        matrices = sorted((matrix for _, matrix in self.pairs), key=torch.numel)
        self.pool = workers(threads)
        self.parts = [
            *(torch.optim.Muon(matrices[first::threads], lr=1e-4, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
              for first in range(threads)),
            torch.optim.AdamW(_groups((name, p) for name, p in named if id(p) not in chosen), lr=1e-4,
                              betas=(0.9, 0.99), fused=True),
        ]  # fmt: skip
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self) -> None:
        """Take a step with the gradients that the module's parameters hold."""
        for p, matrix in self.pairs:
            matrix.grad = _as_matrix(p.grad)
        list(self.pool.map(lambda part: part.step(), self.parts))

    def zero_grad(self, set_to_none=True) -> None:
        """Drop all gradients."""
        for p, matrix in self.pairs:
            p.grad = matrix.grad = None
        self.parts[-1].zero_grad(set_to_none)

    def state_dict(self) -> dict:
        """Return the state of all parts."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state) -> None:
        """Take over the state of all parts."""
        for part, own in zip(self.parts, state["parts"]):
            part.load_state_dict(own)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def _as_matrix(kernel):
    """Return a matrix (out, rest) of a weight; of a kernel in channels-last order one that shares its memory."""
    if kernel.ndim == 4:
        kernel = kernel.permute(0, 2, 3, 1)
    return kernel.reshape(len(kernel), -1)


def normalise_in_float32(model) -> None:
    """Let GroupNorm compute in float32: in bfloat16 with channels last it is 4x slower on a CPU."""

    def forward(norm, x):
        return F.group_norm(x.float(), norm.num_groups, norm.weight, norm.bias, norm.eps).to(x.dtype)

    for module in model.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = partial(forward, module)


def threads_for(device: str) -> int:
    """Return how many threads share a step: two on a CPU (more were not tried), one elsewhere."""
    return min(2, torch.get_num_threads()) if device == "cpu" else 1


def workers(threads: int) -> ThreadPoolExecutor:
    """Return a pool of threads in which numbers too small for the normal format count as 0: they cost much time."""
    return ThreadPoolExecutor(threads, initializer=torch.set_flush_denormal, initargs=(True,))


@contextlib.contextmanager
def cores(count: int) -> Iterator[None]:
    """Let torch compute on `count` cores while the block runs, in threads that start meanwhile, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[list[bool]]:
    """Yield a list that is empty until the process gets a SIGTERM, which does not end it meanwhile."""
    asked: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def train(name, module, ema, loss, check, arguments, rate, every=300.0, watch=(), optimizer=adamw, threads=1):
    """Train `module` until the budget of time or steps is used up, resuming from the checkpoint if there is one.

    On a CPU the time is what it worked for this process, shared by the cores it may use: pauses do not count.
    A SIGTERM (`kill`) ends the process after the step it is in, with a checkpoint.

    `loss(step)` returns the loss and a dict of numbers; `check()` returns a dict that is logged
    with them every `every` seconds, when a checkpoint is written too. `watch` lists further Emas.
    In each step `threads` threads call `loss` at once, each computing on one core, and the gradients
    of their means add up: small layers leave a second core idle half of the time otherwise.
    """
    torch.manual_seed(arguments.seed)
    torch.set_flush_denormal(True)
    optimizer = optimizer(module)
    file, log = CHECKPOINTS / f"{name}.pt", CHECKPOINTS / f"{name}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    emas = [ema, *watch]
    step, used = 0, 0.0
    if file.exists():
        state = torch.load(file, map_location=arguments.device, weights_only=True)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        for average, values in zip(emas, state["emas"]):
            average.steps = state["step"]
            for own, value in zip(average.values, values):
                own.copy_(value)
        step, used = state["step"], state["used"]
        torch.manual_seed(arguments.seed + step)
        print(f"{name}: going on from step {step}, {used / 60:.1f} minutes used", flush=True)
    since_check, half = 0.0, arguments.device == "cpu" or torch.cuda.is_bf16_supported()

    def save():
        state = {
            "module": module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "emas": [average.values for average in emas],
            "step": step,
            "used": used,
        }
        with whole(file) as path:
            torch.save(state, path)

    def done():
        return step / arguments.steps if arguments.steps else used / (60 * arguments.minutes)

    def share(_):
        with torch.autocast(arguments.device.split(":")[0], torch.bfloat16, enabled=half):
            value, numbers = loss(step)
        (value / threads).backward()
        return {"loss": float(value.detach()), **numbers}

    pool, every_core = workers(threads), torch.get_num_threads()

    def clock():  # on a CPU the time that it worked for this process, so that a pause costs nothing
        return time.process_time() / every_core if arguments.device == "cpu" else time.time()

    last, sums, counted = clock(), {}, 0
    with cores(max(1, every_core // threads)), asked_to_stop() as stop:
        while done() < 1:
            for group in optimizer.param_groups:
                group["lr"] = rate(done())
            shares = list(pool.map(share, range(threads)))
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            for average in emas:
                average.update(module)
            step += 1
            counted += 1
            for key in shares[0]:
                sums[key] = sums.get(key, 0.0) + sum(numbers[key] for numbers in shares) / threads
            now = clock()
            if step > 3:  # the first steps compile; they are not training time
                used += now - last
                since_check += now - last
            last = now
            if stop and done() < 1:  # after the last step the check comes first: it writes what was learnt
                save()
                break
            if since_check >= every or done() >= 1:
                with cores(every_core):
                    row = {
                        "step": step,
                        "minutes": round(used / 60, 1),
                        "lr": round(rate(done()), 6),
                        "per_second": round(counted * arguments.batch / max(since_check, 1e-9), 1),
                        **{key: round(total / counted, 4) for key, total in sums.items()},
                        **check(),
                    }
                    with log.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(row) + "\n")
                    print(name, row, flush=True)
                    save()
                since_check, sums, counted, last = 0.0, {}, 0, clock()
    if stop:
        raise SystemExit(f"{name}: stopped after step {step}; the same command goes on from there")
