"""The image, built once for all tests of it, and the folders of a job in it."""

import fcntl

import pytest
from processes import docker, require_engine
from reference import ROOT


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The image, built; tests that need it are skipped where no engine answers."""
    require_engine()
    name = "gaussian-processes:test"
    # Another process of the tests may be at it, and then leaves nothing to do here.
    with (tmp_path_factory.getbasetemp().parent / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = docker("build", "--build-arg", "COMMIT=abc123", "--tag", name, str(ROOT), check=False)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    return name


@pytest.fixture
def opt_ml(example_job):
    """The example, with the folders that SageMaker makes before it starts a job."""
    paths = example_job()
    paths.model.mkdir()
    (paths.root / "output").mkdir()
    return paths
