"""Plan: what a job will take, compared with what there is, before it starts."""

import math
import os
import shutil
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from gaussian_processes.algorithm import Algorithm, Size
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.planning.strategy import Way, ways

# Rows and columns of the matrices whose product is timed.
PROBE = 768
UNITS_OF_TIME = (("s", 1), ("min", 60), ("h", 3600))
UNITS_OF_MEMORY = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


@dataclass(frozen=True)
class Machine:
    """What a job can use.

    Attributes:
        threads: that it computes in.
        memory: bytes that it may still take; infinite if unknown.
        disk: bytes free for the model; infinite if unknown.
        hosts: how many machines there are of this kind.
    """

    threads: int
    memory: float
    disk: float
    hosts: int = 1


def free_disk(folder: Path) -> float:
    """Bytes free where `folder` is or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def require_writable(folder: Path) -> None:
    """Refuse, before the model is paid for, a folder that it could not be written into.

    Raises:
        PlatformError: it is no folder, or may not be written to.
    """
    there = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise PlatformError(
            f"{folder} cannot be written to: {there} is {'not writable' if there.is_dir() else 'no folder'}. Mount a folder "
            "there that this user may write to."
        )


def preferred(algorithm: Algorithm[Any, Any], size: Size, hyperparameters: BaseModel, machine: Machine) -> Way:
    """The first way for which there is memory; where there is none, the one that gets along with the least."""
    possible = list(ways(algorithm, hyperparameters, machine.hosts))
    fitting = (way for way in possible if _memory(algorithm, size, way) <= machine.memory)
    return next(fitting, None) or min(possible, key=lambda way: _memory(algorithm, size, way))


def settle(
    algorithm: Algorithm[Any, Any], size: Size, hyperparameters: BaseModel, machine: Machine, doubt: int = 1
) -> Way:
    """The first way for which there is memory.

    A job that would be killed for the memory that it takes, or could not save its model, is refused before it starts.

    Args:
        algorithm: which says what it needs.
        size: of the job's data.
        hyperparameters: of the algorithm.
        machine: what there is.
        doubt: by how much the rows may have been overestimated: a job is only refused that does not fit even so.

    Raises:
        PlatformError: with what is needed, what there is, and the number of rows that would fit.
    """
    least = replace(size, rows=size.rows // doubt)
    way = preferred(algorithm, least, hyperparameters, machine)
    needed, needed_least = way.needs(algorithm, size), way.needs(algorithm, least)
    if needed is None or needed_least is None:
        return way
    rows = f"{size.rows} rows" if doubt == 1 else f"about {size.rows} rows"
    if needed_least.memory > machine.memory:
        each, more = (f" on each of {way.hosts} hosts", ", or more of them") if way.hosts > 1 else ("", "")
        fitting = bisect_right(
            range(size.rows + 1), machine.memory, key=lambda rows: _memory(algorithm, replace(size, rows=rows), way)
        )
        raise PlatformError(
            f"Training on {rows} of {size.features} features needs {amount(needed.memory)} of memory{each}, and "
            f"{amount(machine.memory)} are free: {max(fitting - 1, 0)} rows would fit. Use an instance with more "
            f"memory{more}, or fewer rows."
        )
    if needed_least.disk > machine.disk:
        raise PlatformError(
            f"The model of {rows} takes {amount(needed.disk)} on disk, and {amount(machine.disk)} are free "
            "where it goes. Give the job a larger volume (VolumeSizeInGB), or train on fewer rows."
        )
    return way


def _memory(algorithm: Algorithm[Any, Any], size: Size, way: Way) -> int:
    needs = way.needs(algorithm, size)
    return needs.memory if needs else 0


def duration(seconds: float) -> str:
    """How long a job will compute, in words."""
    if seconds < 1:
        return "less than 1 s"
    unit, length = next((unit for unit in UNITS_OF_TIME if seconds < 600 * unit[1]), ("days", 86400))
    return f"about {seconds / length:.0f} {unit}"


def measured_rate(clock: Callable[[], float] = time.perf_counter) -> float:
    """Floating-point operations a second of a matrix product here and now, in as many threads as BLAS has.

    Takes a few hundredths of a second: the best of three, since the first one wakes the threads.
    """
    A = np.full((PROBE, PROBE), 0.5)
    best = math.inf
    for _ in range(3):
        start = clock()
        A @ A
        best = min(best, clock() - start)
    return 2.0 * PROBE**3 / best


def amount(count: float) -> str:
    """Bytes, for people: small ones in small units."""
    if math.isinf(count):
        return "unknown"
    unit, size = next((unit for unit in UNITS_OF_MEMORY if count >= unit[1] / 10), ("B", 1))
    return f"{count / size:.2f} {unit}" if size > 1 else f"{count:.0f} B"
