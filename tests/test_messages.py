"""What diffusers logs and Python warns of, read and not printed."""

import logging
import warnings

from sdkit import messages


def test_warnings_of_diffusers_are_read_and_not_printed(capfd, caplog):
    with messages() as lines:
        logging.getLogger("diffusers.pipelines").warning("one %s", "line")
        logging.getLogger("diffusers").info("too small")
        logging.getLogger("other").error("not ours")
    assert lines == ["one line"]
    assert "one line" not in "".join(capfd.readouterr())


def test_the_log_is_put_back_after_an_error(monkeypatch):
    logger = logging.getLogger("diffusers")
    monkeypatch.setattr(logger, "level", logging.ERROR)
    before = list(logger.handlers), logger.level, logger.propagate
    try:
        with messages():
            raise KeyError
    except KeyError:
        pass
    assert (list(logger.handlers), logger.level, logger.propagate) == before


def test_warnings_are_read_each_time_and_not_printed(capfd):
    def warn():
        warnings.warn("again", FutureWarning, stacklevel=1)

    with messages() as said:
        warn()
        warn()
    assert said == ["FutureWarning: again"] * 2
    assert capfd.readouterr() == ("", "")
