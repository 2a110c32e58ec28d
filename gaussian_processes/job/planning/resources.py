"""Resources: how many cores this process may use, and how much memory."""

import math
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from gaussian_processes.errors import ConfigurationError

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
THREADS_KEY = "OMP_NUM_THREADS"


def available_cores(cgroup: Path = CGROUP) -> int:
    """The cores of the process's affinity, or fewer where the container's CPU quota says so; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(affinity, _quota(cgroup))))


def threads_for(environ: Mapping[str, str], cores: int) -> int:
    """How many threads to compute in: OMP_NUM_THREADS, or one for each core when that is not set.

    Raises:
        ConfigurationError: the variable is no whole number from 1.
    """
    text = environ.get(THREADS_KEY, "").strip()
    if not text:
        return max(1, cores)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= 10**4):
        raise ConfigurationError(f"The environment variable {THREADS_KEY} is {text[:40]!r}; a whole number is wanted.")
    return int(text)


def available_memory(cgroup: Path = CGROUP, meminfo: Path = MEMINFO) -> float:
    """Bytes that this process may still take: what the container's limit and the machine leave; infinite if unknown."""
    return max(0.0, min([*_left_by_limits(cgroup), _left_by_machine(meminfo)]))


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _left_by_limits(cgroup: Path) -> Iterator[float]:
    for folder, limit, usage in (
        (cgroup, "memory.max", "memory.current"),  # version 2
        (cgroup / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),  # version 1
    ):
        try:
            allowed, used = float((folder / limit).read_text()), float((folder / usage).read_text())
            statistics = (folder / "memory.stat").read_text()
        except (OSError, ValueError):  # no such limit, or "max"
            continue
        # Pages of files are counted as used, and given up when memory is wanted: those that were read once, and those
        # that are in use, such as a mapped model's. `total_` is version 1's word for what the groups below have, too.
        pages = ("inactive_file", "active_file")
        files = sum(max(_number(statistics, name), _number(statistics, f"total_{name}")) for name in pages)
        yield allowed - used + files


def _left_by_machine(meminfo: Path) -> float:
    try:
        kilobytes = _number(meminfo.read_text(), "MemAvailable:")
    except OSError:
        return math.inf
    return 1024 * kilobytes or math.inf


def _number(text: str, name: str) -> float:
    """What follows the name at the beginning of a line; 0 where there is none."""
    found = (line.split() for line in text.splitlines())
    return next((float(words[1]) for words in found if len(words) > 1 and words[0] == name), 0.0)


def _quota(cgroup: Path) -> float:
    """Cores' worth of time that the control group allows; infinite where it sets no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:
            quota, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return math.inf
    try:
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return math.inf
    return cores if cores > 0 else math.inf  # version 1 writes -1 for no limit
