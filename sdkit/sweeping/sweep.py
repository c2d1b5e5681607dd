"""One to three things varied, everything else held: planned first, made in batches, resumed from a folder."""

from __future__ import annotations

from contextlib import closing
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors, warn_user
from sdkit.loading.present import check_present
from sdkit.shots import Shots
from sdkit.show.progress import shown_progress
from sdkit.sweeping.cost import Plan, memory_of
from sdkit.sweeping.executor import Executor, LocalExecutor
from sdkit.sweeping.job import ConsentError, Job
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.store import Store
from sdkit.sweeping.variants import Variants

if TYPE_CHECKING:
    from distributed import Client

MAX_SECONDS = 900  # seconds a sweep may take without being asked for
MAX_SINGLE_PICTURES = 16  # up to so many, each is made alone and equals the single call to the bit
BATCH_SIZE = 8  # pictures in one call beyond that, memory allowing


class SweepError(RuntimeError):
    """A sweep failed on its way; `shots` holds every finished picture (in a notebook: `sys.last_value.shots`)."""

    shots: Shots


@plain_errors
def sweep(
    pipe,
    prompt: str | list[str] | None = None,
    *,
    seed: Any = 0,
    replace: dict[str, list[str]] | None = None,
    folder: str | Path | None = None,
    impossible: str = "raise",
    batch_size: int | None = None,
    max_seconds: float = MAX_SECONDS,
    workers: int | str | Client | None = None,
    **arguments: Any,
) -> Shots:
    """Make one picture for each combination of the values of one to three arguments given as lists.

    `sweep(pipe, "a cat", guidance_scale=[1, 4, 8], seed=7)` varies guidance_scale and holds the
    rest, the seed first of all; every picture starts from the same noise. Two lists make a table,
    the first its rows, the second its columns; of three the first makes pages. `prompt` counts as
    first and `seed` as last. Lists, ranges and one-dimensional arrays are lists of values;
    arguments that are lists by nature (timesteps, sigmas) are varied by a list of lists.

    Besides the call's arguments, three parts of the pipeline can be given or varied by name:
    scheduler ("DDIM", "Euler a", ... or a class name), dtype ("float32", "bfloat16", ...), and
    model (as `load_pipeline` takes it). `replace={"cat": ["cat", "dog"]}` puts other texts in the
    place of a part of the prompt. `pipe` itself stays as it is.

    With `folder` each picture is written the moment it exists, and those already there are not
    made again. Up to 16 pictures are made one by one and equal single calls to the bit; more are
    made in batches of up to 8 (`batch_size` says otherwise), halved when memory runs out.

    A combination that `generate` would refuse is a ValueError before the first picture. With
    `impossible="skip"` it is left out instead: `skipped` of what is returned says why, and so does
    its place in the grid.

    The picture with the most work is made first and measured. If the rest will take more than
    `max_seconds`, that is said in a ValueError before it begins: a larger number, such as
    `math.inf`, agrees to it (`plan_sweep` tells it beforehand). A sweep that has begun goes on,
    and warns once if it takes much longer than predicted. An interrupt (KeyboardInterrupt)
    returns what is finished, with a warning.

    `workers` lets other processes make the pictures, by Dask (the extra `cluster`): a number starts
    so many on this machine, on a GPU one for each card; an address such as
    "tcp://192.168.1.5:8786", or a `distributed.Client`, means the workers of that scheduler. They
    load the model as `load_pipeline` loaded `pipe`, on the same kind of device; a `pipe` that was
    changed since, such as by a hook, is refused. Names, records, prediction and interrupts are the
    same, and a batch whose worker dies is made by another one. docs/cluster.md says more.

    Returns `Shots` whose `axes` name what was varied. Raises what `generate` raises and ValueError
    for no list, more than three, or an empty one, all before the first picture; `SweepError`
    with the finished pictures if something fails later. With workers also ImportError without Dask,
    OSError or TimeoutError if no scheduler answers or has workers, ValueError for what cannot be
    sent to them, and RuntimeError if one of them would make other pictures.
    """
    if isinstance(max_seconds, bool) or not isinstance(max_seconds, Real) or not max_seconds >= 0:
        raise ValueError(f"max_seconds is {max_seconds!r}; give a number of seconds, or math.inf for no limit.")
    variants = Variants(pipe)
    call = {"prompt": prompt, **arguments, "seed": seed}
    job = _prepare(pipe, variants, call, replace, folder, batch_size, workers, impossible)
    if job.is_finished():
        return job.shots()
    with (
        closing(_executor(workers, pipe, variants, job)) as executor,
        shown_progress(len(job.missing()), job.progress(executor.workers)) as advance,
    ):
        try:
            while not job.is_finished():
                job.check_time(executor.workers, max_seconds)
                count = job.advance(executor)
                advance(count, job.progress(executor.workers))
        except ConsentError:
            raise
        except KeyboardInterrupt:
            if not job.finished:
                raise
            warn_user(f"interrupted: {job.state()}.")
        except Exception as error:
            if not job.finished:
                raise
            stopped = SweepError(f"the sweep stopped: {error}; {job.state()}.")
            stopped.shots = job.shots()
            raise stopped from error
    return job.shots()


@plain_errors
def plan_sweep(
    pipe,
    prompt: str | list[str] | None = None,
    *,
    seed: Any = 0,
    replace: dict[str, list[str]] | None = None,
    folder: str | Path | None = None,
    impossible: str = "raise",
    workers: int | str | Client | None = None,
    **arguments: Any,
) -> Plan:
    """Say what a `sweep` with these arguments costs, after making at most one of its pictures.

    The seconds follow from the pictures already in `folder`, else from the one with the most work,
    which is made now (and kept in the folder, where one is given); `workers` share them. The memory
    is that of one process. Raises what `sweep` raises before its first picture.
    """
    variants = Variants(pipe)
    call = {"prompt": prompt, **arguments, "seed": seed}
    job = _prepare(pipe, variants, call, replace, folder, 1, workers, impossible)
    there, seconds = len(job.finished), job.seconds_left(workers=1)
    if not job.is_finished():
        with closing(_executor(workers, pipe, variants, job)) as executor:
            if not job.finished:
                job.advance(executor)
            seconds = job.seconds_left(executor.workers)
    return Plan(len(job.cells), there, seconds, memory_of(pipe, job.cells))


def _prepare(pipe, variants, arguments, replace, folder, batch_size, workers, impossible) -> Job:
    """Check all that can be checked before the first picture; return the job, with the pictures that the folder has."""
    check_present(pipe)
    if batch_size is not None and (not isinstance(batch_size, Integral) or batch_size is True or batch_size < 1):
        raise ValueError(f"batch_size is {batch_size!r}; give a whole number of 1 or more.")
    if impossible not in ("raise", "skip"):
        raise ValueError(f'impossible is {impossible!r}; give "raise" or "skip".')
    if workers is not None:
        from sdkit.sweeping.cluster import check_workers

        check_workers(workers)
    axes, cells, skipped = plan_cells(pipe, variants, arguments, replace, skip=impossible == "skip")
    store = None
    if folder is not None:
        if any(cell.settings["output_type"] != "pil" for cell in cells):
            raise ValueError('a folder keeps pictures as PNG; give output_type="pil", or no folder.')
        store = Store(folder)
        unknown = sorted({reason for cell in cells for reason in cell.origin.unknown})
        if unknown:
            raise ValueError(
                f"the pipeline cannot be described whole: {'; '.join(unknown)}. A folder could not tell its pictures "
                "from others; take that out, or leave out folder."
            )
    usual = 1 if len(cells) <= MAX_SINGLE_PICTURES else BATCH_SIZE
    return Job(axes, cells, store, usual if batch_size is None else int(batch_size), skipped)


def _executor(workers, pipe, variants, job) -> Executor:
    """Return what makes the batches: this process, or workers where they are asked for."""
    if workers is None:
        return LocalExecutor(variants)
    from sdkit.sweeping.cluster import connect

    return connect(workers, pipe, job.missing())
