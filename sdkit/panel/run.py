"""One run of a function that makes pictures: its progress, previews of the picture, and a way to stop it."""

from __future__ import annotations

import threading
import time

from sdkit.call.check_together import without_effect
from sdkit.call.watching import StoppedError, watching

REFRESH = 0.1  # seconds between two reports: more would only fill the channel to the front end
PREVIEW_SHARE = 0.2  # of a run's time at most goes into previews, however slow the decoder is


class Run:
    """A call of `function` with `values` that another thread may stop at its next denoising step.

    `report(run)` is called as the run goes on, at most every tenth of a second: `picture` counts
    the pipeline's calls, `step` of `steps` its steps, and `preview` is the latest decoded picture
    (only if somebody watches, `live`). `notes` says which arguments had no effect. A function that does
    not use `generate` reports no steps, and a stop then waits for its end.
    """

    def __init__(self, function, values, report, *, live: bool = False):
        self.function, self.values, self.live = function, values, live
        self._report, self._asked = report, threading.Event()
        self.picture = self.step_number = self.steps = 0
        self.preview, self.notes, self.cut_short = None, [], False
        self.began = time.perf_counter()
        self._next_report = self._next_preview = 0.0

    def __call__(self):
        """Return what the function returns; raise `StoppedError` if it was stopped, else what it raises."""
        self.began = time.perf_counter()
        self._go_on()
        with watching(self):
            return self.function(**self.values)

    @property
    def seconds(self) -> float:
        """Return the seconds since the run began."""
        return time.perf_counter() - self.began

    def stop(self) -> None:
        """Ask the run to stop at its next step."""
        self._asked.set()

    @property
    def stopping(self) -> bool:
        """Say whether the run was asked to stop."""
        return self._asked.is_set()

    def _go_on(self):
        if self._asked.is_set():
            self.cut_short = True
            raise StoppedError("stopped")

    def begin(self, pipe, arguments):
        """Note that a pipeline is about to be called."""
        self._go_on()
        self.picture += 1
        self.step_number = self.steps = 0
        for note in without_effect(pipe, arguments, seed_given=False):
            if note not in self.notes:
                self.notes.append(note)

    def step(self, pipe, index, latents):
        """Note that a denoising step is done, and report it if the last report is long enough ago."""
        self._go_on()
        self.step_number, self.steps = index + 1, pipe.num_timesteps
        now = time.perf_counter()
        # The last step is followed by the picture itself.
        if self.live and now >= self._next_preview and self.step_number < self.steps:
            self.preview = decoded(pipe, latents)
            took = time.perf_counter() - now
            self._next_preview = now + max(REFRESH, took / PREVIEW_SHARE)
            self._next_report = 0.0
        if now >= self._next_report:
            self._next_report = now + REFRESH
            self._report(self)


def decoded(pipe, latents):
    """Return the first of the latents, shape (pictures, channels, height, width), as the PIL picture it is by now."""
    import torch

    with torch.no_grad():
        values = pipe.vae.decode(latents[:1] / pipe.vae.config.scaling_factor, return_dict=False)[0]
    return pipe.image_processor.postprocess(values, output_type="pil")[0]
