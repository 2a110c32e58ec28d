"""Products: K v from strips of K, each made and forgotten on a host of its own."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from dask._task_spec import Task, TaskRef

from gaussian_processes.distributed_gp.engine import Engine, Key, label
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.matvec import strip_product, strips
from gaussian_processes.gp.solvers.covariance import Covariance

Precision: TypeAlias = type[np.floating[Any]]


def products(engine: Engine, M: Covariance) -> Callable[[Array, Precision], Array]:
    """A function of v (N,) and the precision of the entries that returns K v (N,), the same to the bit each time.

    Args:
        engine: the hosts.
        M: of whose rows K is the covariance.
    """
    held, N, parts = engine.hold(M), len(M.inputs), len(engine.hosts) * engine.threads
    cut = strips(N, parts)

    def multiply(v: Array, dtype: Precision) -> Array:
        vector, name = engine.hold(v), label("strip")
        matrix, right = TaskRef(held.key), TaskRef(vector.key)
        tasks = (Task((name, n, 0), _strip, matrix, right, strip, dtype) for n, strip in enumerate(cut))
        futures = engine.start(tasks, name, _Dealt(engine.hosts))
        total = np.zeros(N)
        for part in engine.client.gather([futures[name, n, 0] for n in range(parts)]):
            total += part
        return total

    return multiply


class _Dealt:
    """Strips to hosts in turns."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = hosts

    def __call__(self, key: Key) -> list[str]:
        return [self._hosts[key[1] % len(self._hosts)]]


def _strip(M: Covariance, v: Array, strip: slice, dtype: Precision) -> Array:
    return strip_product(M.kernel, M.inputs, v, strip, dtype)
