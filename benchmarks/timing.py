"""What the benchmarks share: the best of some runs, a baseline as a newcomer would write it, the process's peak."""

import os
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gaussian_processes.process.environment import prepare_libraries

prepare_libraries(os.environ)  # as `train` and `serve` do, before NumPy is imported

import numpy as np


def best_of(repeats, work, before=None):
    """The shortest of some runs, in seconds, and the last one's result; `before` is not counted."""
    times, result = [], None
    for _ in range(repeats):
        prepared = () if before is None else (before(),)
        start = time.perf_counter()
        result = work(*prepared)
        times.append(time.perf_counter() - start)
        del prepared
    return min(times), result


def rows(N, d=10, seed=0):
    """Standard normal rows and a target."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, d))
    return X, np.sin(3 * X[:, 0]) + X[:, 1] + 0.3 * generator.normal(size=N)


def plain_kernel(q, l, X, Z):
    """k_{q,l} on the sphere in plain NumPy: the formula, as it stands in the paper."""
    t = (X / np.linalg.norm(X, axis=1)[:, None]) @ (Z / np.linalg.norm(Z, axis=1)[:, None]).T
    for _ in range(l + 1):
        theta = np.arccos(np.clip(t, -1.0, 1.0))
        J, scale = np.pi - theta, np.pi
        if q >= 1:
            following = np.sin(theta) + (np.pi - theta) * np.cos(theta)
            for n in range(1, q):
                J, following = following, (2 * n + 1) * np.cos(theta) * following + n**2 * np.sin(theta) ** 2 * J
                scale *= 2 * n + 1
            J = following
        t = J / scale
    return t


def peak():
    """The process's largest memory so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
