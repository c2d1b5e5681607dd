"""What makes the batches of a sweep: one small interface, and the executor that works in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from sdkit.shot import Shot
from sdkit.sweeping.batches import Texts, make
from sdkit.sweeping.plan import Cell
from sdkit.sweeping.variants import Parts, Variants


@dataclass(frozen=True)
class Result:
    """What became of a batch: one shot for each of its cells, or the error that kept them from being made.

    `warnings` are texts that the caller is to be warned of, where they were said in another process.
    """

    batch: list[Cell]
    shots: list[Shot] = field(default_factory=list)
    error: Exception | None = None
    warnings: list[str] = field(default_factory=list)


class Executor(Protocol):
    """Makes batches of cells, in this process or elsewhere.

    `workers` is the number of batches that are made at the same time, `capacity` the number that it takes before
    the next result is fetched. Both may change with time.
    """

    workers: int

    @property
    def capacity(self) -> int:
        """The number of batches that may be submitted and not fetched."""

    def submit(self, batch: list[Cell]) -> None:
        """Take a batch to be made; its cells have equal parts."""

    def next_result(self) -> Result:
        """Wait for the batch that is finished next; at least one must have been submitted."""

    def close(self) -> None:
        """Give up what is not finished, and end what was started for it."""


class LocalExecutor:
    """Makes batches in this process, one after the other."""

    workers = capacity = 1

    def __init__(self, variants: Variants):
        self._variants = variants
        self._batch: list[Cell] = []
        self._current: tuple[Parts, Any, Texts] | None = None

    def submit(self, batch: list[Cell]) -> None:
        """Take a batch; it is made when its result is fetched."""
        self._batch = batch

    def next_result(self) -> Result:
        """Make the batch that was submitted."""
        batch, self._batch = self._batch, []
        try:
            pipe, texts = self.pipeline(batch[0].parts)
            return Result(batch, make(pipe, batch, texts))
        except Exception as error:  # the sweep decides which errors end it
            return Result(batch, error=error)

    def pipeline(self, parts: Parts) -> tuple[Any, Texts]:
        """Return the pipeline with these parts, and the texts it has encoded; both stay until others are wanted."""
        if self._current is None or self._current[0] != parts:
            self._current = None  # frees the weights of the last variant before others are loaded
            pipe = self._variants[parts]
            self._current = parts, pipe, Texts(pipe)
        return self._current[1:]

    def close(self) -> None:
        """Let go of the pipeline."""
        self._current = None
