"""What tests of the mathematics share."""

from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits


def pytest_collection_modifyitems(items):
    """They all compare what is computed here, but for the library's, which compile and compute in other processes."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.path.name != "test_library.py":
            item.add_marker("last_digits")


@pytest.fixture
def one_thread():
    """For small matrices, which more threads only hold up where others are at work too."""
    with threadpool_limits(1):
        yield
