"""What the tests of exercises share."""

import pytest

from sdkit.exercises import session


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Begin and end without answers that were checked."""
    session.forget()
    yield
    session.forget()
