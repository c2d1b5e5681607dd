"""Silence for the messages of other libraries, put back as it was afterwards."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

_LOGGERS = ("diffusers", "transformers", "huggingface_hub")
# Log levels and warnings belong to the whole process: the first block that begins changes them, the last that ends
# puts them back, whichever threads these are in.
_lock = threading.Lock()
_blocks = 0
_undo = contextlib.ExitStack()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide log lines below ERROR, warnings and progress bars of diffusers and transformers inside the block.

    Blocks may be nested and may overlap in several threads; the silence ends with the last of them.
    """
    _begin()
    try:
        yield
    finally:
        _end()


@contextlib.contextmanager
def messages() -> Iterator[list[str]]:
    """Collect what diffusers and transformers log and warn of inside the block, in place of showing it.

    Gives a list that fills with the texts, from log level WARNING on; those of Python's warnings begin with their
    category, such as "FutureWarning: ...". Progress bars are off. Log handlers and warnings belong to the whole
    process: use it in one thread at a time.
    """
    heard: list[str] = []
    collect = logging.Handler(logging.WARNING)
    collect.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    with contextlib.ExitStack() as undo:
        _stop_progress_bars(undo)
        for logger in map(logging.getLogger, _LOGGERS):
            usual = {"handlers": logger.handlers, "propagate": logger.propagate}
            undo.callback(logger.setLevel, logger.level)
            undo.callback(logger.__dict__.update, usual)
            logger.handlers, logger.propagate = [collect], False
            logger.setLevel(logging.WARNING)
        undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, category, *_, **__: heard.append(f"{category.__name__}: {message}")
        yield heard


def _begin():
    global _blocks, _undo
    with _lock:
        if not _blocks:
            with contextlib.ExitStack() as undo:
                _silence(undo)
                _undo = undo.pop_all()
        _blocks += 1


def _end():
    global _blocks
    with _lock:
        _blocks -= 1
        if not _blocks:
            _undo.close()


def _silence(undo: contextlib.ExitStack):
    """Silence the libraries; `undo` puts back what was there."""
    _stop_progress_bars(undo)
    for logger in map(logging.getLogger, _LOGGERS):
        undo.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.ERROR)
    undo.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")


def _stop_progress_bars(undo: contextlib.ExitStack):
    """Turn the progress bars off; first of all, as it imports the libraries, which set their log levels by that."""
    for module in _progress_bar_switches():
        if module.is_progress_bar_enabled():
            module.disable_progress_bar()
            undo.callback(module.enable_progress_bar)


def _progress_bar_switches():
    """Return the modules of diffusers and transformers that turn their progress bars on and off."""
    if "transformers" in sys.modules and "diffusers" in sys.modules:
        import diffusers.utils.logging as diffusers_logging
        import transformers.utils.logging as transformers_logging
    else:
        # transformers reports missing optional packages on stderr while it is being imported
        with contextlib.redirect_stderr(io.StringIO()) as unseen:
            import diffusers.utils.logging as diffusers_logging
            import transformers.utils.logging as transformers_logging
        for handler in (handler for name in _LOGGERS for handler in logging.getLogger(name).handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream is unseen:
                handler.setStream(sys.stderr)  # it was made during the import
    return diffusers_logging, transformers_logging
