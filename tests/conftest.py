"""What several test modules share."""

import pytest

import sdkit


@pytest.fixture(scope="session")
def pipe():
    """Load the built-in model once for all tests."""
    return sdkit.load_pipeline()
