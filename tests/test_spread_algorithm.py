"""A stranger's algorithm over several hosts: the container needs no change for it."""

import json
import re
import subprocess
import sys

import pytest
from processes import environ_of
from reference import ROOT

ENVIRON = {"ALGORITHM": "spread_neighbours", "PYTHONPATH": str(ROOT / "tests/algorithms")}
# Names that are addresses need no resolving; those of a test process of its own, so that two can run side by side.
HOSTS = ("127.7.7.2", "127.7.7.3")


@pytest.fixture
def trained(example_job):
    """A function that runs `train` on two hosts side by side, and returns exit codes, logs and folders."""

    def run(**hyperparameters):
        folders = [example_job(f"{host} {hyperparameters}", **hyperparameters) for host in HOSTS]
        for host, paths in zip(HOSTS, folders, strict=True):
            paths.resource_config.write_text(json.dumps({"current_host": host, "hosts": HOSTS}))
        command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train")]
        jobs = [
            subprocess.Popen(
                command,
                env=environ_of(paths, ENVIRON),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for paths in folders
        ]
        try:
            logs = [job.communicate(timeout=120)[0] for job in jobs]
        finally:
            for job in jobs:
                job.kill()
        return [job.returncode for job in jobs], logs, folders

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_an_algorithm_of_ones_own_learns_over_several_hosts(trained):
    """What it submits is done, its model is the one that a single host learns, and the other host ends with the first."""
    found = []
    for distributed in ("true", "false"):
        codes, logs, folders = trained(k="9", distributed=distributed)
        assert codes == [0, 0], logs
        assert ("2 hosts are at work" in logs[0]) == (distributed == "true")
        assert "validation:RMSE" not in logs[1]
        assert not folders[1].model.exists()
        found.append(re.findall(r"the best of 9 numbers of neighbours is \d+|validation:RMSE=.*?;", logs[0]))
    assert len(found[0]) == 2
    assert found[0] == found[1]
