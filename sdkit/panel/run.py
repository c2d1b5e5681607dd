"""One run of a function that makes pictures: its progress, previews of the picture, and a way to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sdkit.call.no_effect import without_effect
from sdkit.call.resolve import Call, resolve, schedule_argument
from sdkit.call.watching import StoppedError, watching
from sdkit.loading.pipeline import BUILT_IN
from sdkit.loading.provenance import source_of
from sdkit.words import unknown_words

if TYPE_CHECKING:
    import PIL.Image
    import torch

REPORT_INTERVAL = 0.1  # seconds between two reports: more would only fill the channel to the front end
MAX_PREVIEW_SHARE = 0.12  # of a run's time goes into previews, however slow the decoder is


class Run:
    """A call of `function` with `values` that another thread may stop at its next denoising step.

    `report(run)` is called as the run goes on, at most every tenth of a second: `picture` counts
    the pipeline's calls, `step_number` of `steps` its steps, and `preview` is the latest decoded picture
    (only if somebody watches, `live`). `scheduler` takes these steps; `steps_asked` is the call's number of them, None
    where a start picture or a list of timesteps decides. `notes` says which arguments had no effect and which words
    the built-in model does not know. `cut_short` says that a stop has reached the function. A function that does not
    use `generate` reports no steps, and a stop then waits for its end.
    """

    def __init__(
        self, function: Callable, values: dict[str, Any], report: Callable[[Run], None], *, live: bool = False
    ):
        self.function, self.values, self.live = function, values, live
        self.picture = self.step_number = self.steps = 0
        self.steps_asked: int | None = None
        self.scheduler = ""
        self.preview: PIL.Image.Image | None = None
        self.notes: list[str] = []
        self.cut_short = False
        self._report = report
        self._stop_asked = threading.Event()
        self._began = time.perf_counter()
        self._next_report = self._next_preview = 0.0

    def __call__(self) -> Any:
        """Return what the function returns; raise `StoppedError` if it was stopped, else what it raises."""
        self._began = time.perf_counter()
        self._raise_if_stopped()
        with watching(self):
            return self.function(**self.values)

    @property
    def seconds(self) -> float:
        """Return the seconds since the run began."""
        return time.perf_counter() - self._began

    def stop(self) -> None:
        """Ask the run to stop at its next step."""
        self._stop_asked.set()

    @property
    def stopping(self) -> bool:
        """Say whether the run was asked to stop."""
        return self._stop_asked.is_set()

    def _raise_if_stopped(self) -> None:
        if self.stopping:
            self.cut_short = True
            raise StoppedError("stopped")

    def begin(self, pipe, arguments: dict[str, Any]) -> None:
        """Note that a pipeline is about to be called."""
        self._raise_if_stopped()
        self.picture += 1
        self.step_number = self.steps = 0
        call = resolve(pipe, arguments)
        by_number = "strength" not in call.defaults and schedule_argument(call) == "num_inference_steps"
        self.scheduler, self.steps_asked = call.scheduler, call.get("num_inference_steps") if by_number else None
        for note in [*without_effect(call, seed_given=False), *_unknown(call)]:
            if note not in self.notes:
                self.notes.append(note)

    def step(self, pipe, index: int, latents: torch.Tensor) -> None:
        """Note that denoising step `index` is done, and report it if the last report is long enough ago.

        `latents` have the shape (pictures, channels, height, width); the first is the preview.
        """
        self._raise_if_stopped()
        self.step_number, self.steps = index + 1, pipe.num_timesteps
        now = time.perf_counter()
        # The last step is followed by the picture itself.
        if self.live and now >= self._next_preview and self.step_number < self.steps:
            self.preview = decoded(pipe, latents)
            took = time.perf_counter() - now
            self._next_preview = now + max(REPORT_INTERVAL, took / MAX_PREVIEW_SHARE)
            self._next_report = 0.0
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            self._report(self)


def _unknown(call: Call) -> Iterator[str]:
    """Yield, in a line for each prompt, what the built-in model has never read; other models know nearly all words."""
    if source_of(call.pipe).name != BUILT_IN:
        return
    for name in ("prompt", "negative_prompt"):
        texts = call.arguments.get(name)
        found = [unknown_words(text) for text in (texts if isinstance(texts, list) else [texts or ""])]
        unknown = {word: near for words in found for word, near in words.items()}
        if unknown:
            listed = ", ".join(
                f"\u201c{word}\u201d" + (f" (it knows {', '.join(near)})" if near else "")
                for word, near in unknown.items()
            )
            yield f"{name} holds what the built-in model has never read: {listed}."


def decoded(pipe, latents: torch.Tensor) -> PIL.Image.Image:
    """Return the first of the latents, shape (pictures, channels, height, width), as the PIL picture it is by now."""
    import torch

    with torch.no_grad():
        values = pipe.vae.decode(latents[:1] / pipe.vae.config.scaling_factor, return_dict=False)[0]
    return pipe.image_processor.postprocess(values, output_type="pil")[0]
