"""Cores and memory: what the process has, or less where its container says so."""

import math
import os

import pytest

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.planning.resources import available_cores, available_memory, threads_for

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


@pytest.mark.parametrize(
    ("text", "cores", "threads"),
    [(None, 3, 3), ("", 3, 3), ("2", 8, 2), (" 16 ", 2, 16), (None, 0, 1)],
)
def test_threads_are_cores_unless_the_variable_says_otherwise(text, cores, threads):
    """OMP_NUM_THREADS is the user's word."""
    assert threads_for({} if text is None else {"OMP_NUM_THREADS": text}, cores) == threads


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "99999999999"])
def test_a_number_of_threads_that_is_none_is_refused(text):
    """By name."""
    with pytest.raises(ConfigurationError, match="OMP_NUM_THREADS is"):
        threads_for({"OMP_NUM_THREADS": text}, 2)


@pytest.mark.parametrize(
    ("files", "meminfo", "left"),
    [
        ({}, "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n", 4096e3),
        ({}, None, math.inf),
        (
            {
                "memory.max": "3000000",
                "memory.current": "2500000",
                "memory.stat": "anon 5\ninactive_file 600\nactive_file 100\n",
            },
            "MemAvailable: 4000 kB\n",
            500700,
        ),
        ({"memory.max": "max", "memory.current": "5", "memory.stat": ""}, "MemAvailable: 4000 kB\n", 4096e3),
        (
            {
                "memory/memory.limit_in_bytes": "3000000",
                "memory/memory.usage_in_bytes": "1000000",
                "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 20\n",
            },
            None,
            2000020,
        ),
    ],
    ids=str,
)
def test_memory_is_what_the_limit_and_the_machine_leave(tmp_path, files, meminfo, left):
    """Either version of control groups; file pages that can be given up count as free."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    if meminfo is not None:
        (tmp_path / "meminfo").write_text(meminfo)
    assert available_memory(tmp_path, tmp_path / "meminfo") == left
