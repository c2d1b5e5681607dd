"""A place to run a lesson's cells in this process, where they leave nothing behind."""

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Work in a temporary folder, without what is printed or warned of; afterwards in the folder of before."""
    before = os.getcwd()
    with (
        tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()),
    ):  # fmt: skip
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
