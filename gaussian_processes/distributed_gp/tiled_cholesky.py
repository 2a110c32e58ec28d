"""Tiled Cholesky: M = L L^T in tiles that never leave their hosts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from dask._task_spec import Task, TaskRef

from gaussian_processes.distributed_gp import tile
from gaussian_processes.distributed_gp.engine import Engine, Future, Key, given, label
from gaussian_processes.distributed_gp.grid import Grid
from gaussian_processes.distributed_gp.sweep import Placed, Start, Triangle, sweep
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.base import Inputs
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance

# Panels that one task subtracts from a tile, at most: however short it is, a task costs the hosts some milliseconds.
PANELS = 3


@dataclass(frozen=True, eq=False)
class TiledCholesky:
    """M = L L^T in double precision, a `gp.solvers.base.Factor`.

    Attributes:
        L: the factor, on the hosts.
        M: the matrix as a function of its entries, on the hosts.
    """

    L: Triangle
    M: Future

    @classmethod
    def of(
        cls, M: Covariance, engine: Engine, progress: Progress = no_progress, size: int | None = None
    ) -> "TiledCholesky":
        """Make M and factor it, tile by tile. Reports progress of the phase "Cholesky".

        Args:
            M: the matrix; each tile is computed where it belongs.
            engine: the hosts.
            progress: see above.
            size: the largest number of rows of a tile; None fits it to the hosts.

        Raises:
            NotPositiveDefiniteError: as on one machine.
        """
        grid = Grid.of(len(M), engine.hosts, engine.threads, size)
        held, factor = engine.hold(M), label("factor")
        tasks = _factorisation(grid, TaskRef(held.key), factor, label("update"))
        futures = engine.start(tasks, factor, Placed(grid), _Urgency(factor))
        work = Work("Cholesky", sum(_operations(grid, i, j) for _, i, j in futures), progress)
        for _, i, j in engine.completed(futures):
            work.advance(_operations(grid, i, j))
        return cls(Triangle(engine, grid, {(i, j): future for (_, i, j), future in futures.items()}), held)

    @property
    def grid(self) -> Grid:
        """The tiles."""
        return self.L.grid

    def __len__(self) -> int:
        """N."""
        return self.grid.rows

    def log_det(self) -> float:
        """log det M."""
        diagonal = [self.L.tiles[j, j] for j in range(len(self.grid))]
        parts = self.L.engine.client.map(tile.log_det, diagonal, pure=False)
        return float(sum(self.L.engine.client.gather(parts)))

    def solve(self, y: Array) -> Array:
        """M^-1 y (N,) for y (N,)."""
        half = sweep(self.L, {j: (given, y[None, span]) for j, span in enumerate(self.grid.spans)})
        whole = sweep(self.L, {j: (given, TaskRef(part.key)) for j, part in half.items()}, transposed=True)
        return np.concatenate([row for (row,) in self._gathered(whole)])

    def mean_and_reduction(
        self, M: Covariance, others: Inputs, alpha: Array, progress: Progress = no_progress
    ) -> tuple[Array, Array]:
        """See `Factor`; the means are computed here, the reductions on the hosts."""
        mean, reduction = M.cross_times(others, alpha), np.empty(len(others))
        work = Work("prediction", len(others), progress)
        # As long as two tiles: their products are as fast, and on a host they take little beside the tiles.
        step = 2 * max(span.stop - span.start for span in self.grid.spans)
        for begin in range(0, len(others), step):
            some = others[begin : begin + step]
            held = self.L.engine.hold(some)
            matrix, rows = TaskRef(self.M.key), TaskRef(held.key)
            starts = {j: (Covariance.cross, matrix, rows, span) for j, span in enumerate(self.grid.spans)}
            reduction[begin : begin + len(some)] = self._squares(starts)
            work.advance(len(some))
        return mean, reduction

    def inverse_diagonal(self, progress: Progress = no_progress) -> Array:
        """The diagonal (N,) of M^-1, at the cost of another factorisation, in the phase "leave-one-out"."""
        N = self.grid.rows
        diagonal, work = np.empty(N), Work("leave-one-out", N**3, progress)
        for j, span in enumerate(self.grid.spans):
            diagonal[span] = self._squares({j: (np.eye, span.stop - span.start)})
            work.advance((N - span.start) ** 3 - (N - span.stop) ** 3)
        return diagonal

    def write_into(self, packed: Packed, report: Callable[[float], None]) -> None:
        """See `Factor`; one tile is here at a time."""
        spans = self.grid.spans
        for count, ((i, j), future) in enumerate(self.L.tiles.items(), 1):
            part, place = future.result(), packed[spans[i], spans[j]]
            if i == j:
                lower = np.tril_indices(len(part))
                place[lower] = part[lower]  # beyond the diagonal is another half
            else:
                place[:] = part
            report(count / len(self.L.tiles))

    def _squares(self, starts: Mapping[int, Start]) -> Array:
        """The sums of squares (m,) of the rows of B L^-T."""
        return np.asarray(sum(self._gathered(sweep(self.L, starts, then=tile.squares))))

    def _gathered(self, parts: Mapping[int, Future]) -> list[Array]:
        """In order, so that their sum is the same whichever comes first."""
        gathered: list[Array] = self.L.engine.client.gather([parts[j] for j in sorted(parts)])
        return gathered


@dataclass(frozen=True)
class _Urgency:
    """A task's priority: the sooner the last panel of L that it needs, the higher; tiles of L before updates.

    Late tasks would leave copies of panels waiting for them.
    """

    factor: str

    def __call__(self, key: Key) -> int:
        name, _, j, *panel = key
        return 1 - 2 * (j - 1) if name == self.factor else -2 * int(panel[0])


def _factorisation(grid: Grid, M: TaskRef, factor: str, update: str) -> Iterator[Task]:
    """Right-looking Cholesky [GVL13, 4.2.9]: the first panels make tile (i, j), the next update it as they come."""
    T, spans = len(grid), grid.spans
    for j in range(T):
        for i in range(j, T):
            key: Key
            before: TaskRef | None = None
            # The factorisation, or the division, makes the last update.
            for first in range(0, j - 1, PANELS):
                panels = range(first, min(first + PANELS, j - 1))
                key = (update, i, j, panels[-1])
                yield Task(key, tile.updated, M, spans[i], spans[j], before, *_panels(factor, i, j, panels))
                before = TaskRef(key)
            last = _panels(factor, i, j, range(max(j - 1, 0), j))
            key = (factor, i, j)
            if i == j:
                yield Task(key, tile.factored, M, spans[j], before, *last)
            else:
                yield Task(key, tile.divided, M, spans[i], spans[j], TaskRef((factor, j, j)), before, *last)


def _panels(factor: str, i: int, j: int, panels: range) -> tuple[TaskRef, ...]:
    """The arguments of `tile.updated` for some panels."""
    return tuple(TaskRef((factor, row, k)) for k in panels for row in dict.fromkeys((i, j)))


def _operations(grid: Grid, i: int, j: int) -> int:
    """The work for tile (i, j), in thirds of a multiplication with its addition."""
    rows, columns = (int(span.stop - span.start) for span in (grid.spans[i], grid.spans[j]))
    half = 1 if i == j else 2
    return rows * columns * (3 * half * int(grid.spans[j].start) // 2 + columns * half)
