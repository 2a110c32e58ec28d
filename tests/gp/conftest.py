"""What tests of the mathematics share."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def one_thread():
    """For small matrices, which more threads only hold up where others are at work too."""
    with threadpool_limits(1):
        yield
