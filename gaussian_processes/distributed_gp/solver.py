"""Solvers on several hosts: `Tiled`, which factors M in tiles, and `products` with M for `Iterative`."""

from dataclasses import dataclass

import numpy as np
from dask._task_spec import Task, TaskRef

from gaussian_processes.distributed_gp.engine import Engine, Key, label
from gaussian_processes.distributed_gp.tiled_cholesky import TiledCholesky
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.matvec import strips
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.base import Solution, require_finite
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.iterative import Dtype, Product


@dataclass(frozen=True, eq=False)
class Tiled:
    """Solve by a Cholesky factor in tiles, in double precision; the phase is "Cholesky".

    Attributes:
        engine: the hosts. The solution's factor is usable for as long as they run.
        size: the largest number of rows of a tile; None fits it to the hosts.
    """

    engine: Engine
    size: int | None = None

    def solve(self, M: Covariance, y: Array, progress: Progress = no_progress) -> Solution:
        """See `solvers.base.Solver`."""
        factor = TiledCholesky.of(M, self.engine, progress, self.size)
        T, hosts = len(factor.grid), len(self.engine.hosts)
        message = f"Factored in {T} by {T} tiles of {-(-len(y) // T)} rows on {hosts} hosts."
        return Solution(require_finite(factor.solve(y)), factor, message)


def products(engine: Engine, M: Covariance) -> Product:
    """A function that multiplies by M in strips of K, each computed and forgotten on a host of its own.

    Its results are the same to the bit each time.
    """
    held, N, parts = engine.hold(M), len(M), len(engine.hosts) * engine.threads
    cut = strips(N, parts)

    def product(v: Array, dtype: Dtype) -> Array:
        vector, name = engine.hold(v), label("strip")
        matrix, right = TaskRef(held.key), TaskRef(vector.key)
        tasks = (
            Task((name, n, 0), Covariance.strip_product, matrix, right, strip, dtype) for n, strip in enumerate(cut)
        )
        futures = engine.start(tasks, name, _Dealt(engine.hosts))
        total = np.zeros(N)
        for part in engine.client.gather([futures[name, n, 0] for n in range(parts)]):
            total += part
        return np.asarray(M.sigma2 * v + total)

    return product


@dataclass(frozen=True)
class _Dealt:
    """Strips to hosts in turns."""

    hosts: tuple[str, ...]

    def __call__(self, key: Key) -> list[str]:
        return [self.hosts[key[1] % len(self.hosts)]]
