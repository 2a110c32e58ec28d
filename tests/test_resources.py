"""Cores: the affinity, or fewer where the container's quota says so."""

import os

import pytest

from gaussian_processes.job.resources import available_cores

MANY = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, MANY),
        ({"cpu.max": "max 100000"}, MANY),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "101000 100000"}, min(2, MANY)),
        ({"cpu.max": "6400000 100000"}, min(64, MANY)),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, MANY),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000"}, MANY),
        ({"cpu.max": "nonsense"}, MANY),
    ],
    ids=str,
)
def test_the_quota_of_either_version_of_control_groups_counts(tmp_path, files, cores):
    """Part of a core is a core; no limit, and what cannot be read, is none."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert available_cores(tmp_path) == cores
