"""Data that many tests share."""

import os
import signal

import numpy as np
import pytest
from hypothesis import settings
from processes import write_opt_ml
from reference import DATA
from unnamed import has_unnamed_files, refuse_unnamed

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The first example pays for imports, and the machine may be busy: time decides no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def example():
    """The example data: X, y, X_star, y_star."""
    training = np.loadtxt(DATA / "example_train.csv", delimiter=",")
    validation = np.loadtxt(DATA / "example_validation.csv", delimiter=",")
    return training[:, 1:], training[:, 0], validation[:, 1:], validation[:, 0]


@pytest.fixture
def example_job(tmp_path):
    """A function that lays the example data out as a job with the given hyperparameters."""

    def make(name="job", **hyperparameters):
        channels = {
            "training/train.csv": (DATA / "example_train.csv").read_bytes(),
            "validation/validation.csv": (DATA / "example_validation.csv").read_bytes(),
        }
        return write_opt_ml(tmp_path / name, channels, hyperparameters)

    return make


@pytest.fixture(params=["unnamed", "named"])
def way(request, monkeypatch, tmp_path):
    """Both ways to write: without a name where that can be tested, and with one."""
    if request.param == "named":
        monkeypatch.setattr(os, "open", refuse_unnamed)
    elif not has_unnamed_files(tmp_path):
        pytest.skip(f"the file system of {tmp_path} has no files without a name")
    return request.param
