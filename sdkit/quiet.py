"""Silence for the messages of other libraries, put back as it was afterwards."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide log lines below ERROR, warnings and progress bars of diffusers and transformers inside the block."""
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    with contextlib.ExitStack() as undo:
        for logger, level in zip(loggers, levels):
            undo.callback(logger.setLevel, level)
            logger.setLevel(logging.ERROR)
        undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        # transformers reports missing optional packages on stderr while it is being imported
        undo.enter_context(contextlib.redirect_stderr(io.StringIO()))
        for module in _bar_switches():
            if module.is_progress_bar_enabled():
                module.disable_progress_bar()
                undo.callback(module.enable_progress_bar)
        yield


def _bar_switches():
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    return diffusers_logging, transformers_logging
