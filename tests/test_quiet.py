"""Other libraries are silent inside a block, and as they were after the last of them."""

import logging
import subprocess
import sys
import threading
import warnings

import pytest

from sdkit.quiet import messages, quiet


def state():
    """Return what `quiet` changes: log levels, warning filters, standard error, progress bars."""
    import diffusers.utils.logging as bars

    levels = [logging.getLogger(name).level for name in ("diffusers", "transformers", "huggingface_hub")]
    return levels, list(warnings.filters), sys.stderr, bars.is_progress_bar_enabled()


def test_all_is_put_back_after_blocks_in_each_other():
    with quiet():
        pass  # imports the libraries, which set their levels
    before = state()
    with quiet():
        with quiet():
            warnings.warn("not seen", stacklevel=1)
        assert state() != before and sys.stderr is before[2]
    assert state() == before


def test_all_is_put_back_after_blocks_that_overlap_in_threads():
    with quiet():
        pass
    before, rounds, turn = state(), 50, threading.Barrier(2)

    def first_in_first_out():
        for _ in range(rounds):
            with quiet():
                turn.wait()
                turn.wait()

    def second_out_last():
        for _ in range(rounds):
            turn.wait()
            with quiet():
                turn.wait()

    threads = [threading.Thread(target=target) for target in (first_in_first_out, second_out_last)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads) and state() == before


@pytest.mark.slow
def test_standard_error_is_left_alone_once_the_libraries_are_there_and_they_are_heard_again():
    code = "import sys; from sdkit.quiet import quiet\nwith quiet(): pass\nwith quiet(): print('told', file=sys.stderr)"
    code += "\nimport logging; logging.getLogger('diffusers').warning('heard')"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stderr == "told\nheard\n"


def test_messages_are_collected_and_all_is_put_back(capfd, caplog, monkeypatch):
    with quiet():
        pass
    loggers = [logging.getLogger(name) for name in ("diffusers", "transformers", "huggingface_hub")]
    monkeypatch.setattr(loggers[0], "propagate", True)  # as some programs have it
    before = state(), [(logger.handlers, logger.propagate) for logger in loggers], warnings.showwarning
    with pytest.raises(KeyError), messages() as heard:
        logging.getLogger("diffusers.pipelines").warning("first %s", "line")
        logging.getLogger("other").error("not theirs")
        logging.getLogger("diffusers.pipelines").info("too quiet")
        for _ in range(2):
            warnings.warn("each time", FutureWarning, stacklevel=1)
        raise KeyError
    assert heard == ["first line", *["FutureWarning: each time"] * 2]
    assert capfd.readouterr() == ("", "") and [record.name for record in caplog.records] == ["other"]
    assert (state(), [(logger.handlers, logger.propagate) for logger in loggers], warnings.showwarning) == before
