"""Sweep: forward or back substitution with a factor in tiles, for right-hand sides that lie as rows in tiles (m, n)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dask._task_spec import Task, TaskRef

from gaussian_processes.distributed_gp import tile
from gaussian_processes.distributed_gp.engine import Engine, Future, Key, label
from gaussian_processes.distributed_gp.grid import Grid

# The task of a tile of the right-hand side: a function and its arguments.
Start = tuple[Any, ...]


@dataclass(frozen=True)
class Placed:
    """The place of a task: at the tile of L that its key names."""

    grid: Grid

    def __call__(self, key: Key) -> list[str]:
        """The address of one host."""
        return [self.grid.owner(key[1], key[2])]


@dataclass(frozen=True, eq=False)
class Triangle:
    """A lower triangle L in tiles.

    Attributes:
        engine: the hosts.
        grid: the tiles' rows, columns and hosts.
        tiles: L_ij for i >= j, on the hosts; on the diagonal only the lower triangle counts.
    """

    engine: Engine
    grid: Grid
    tiles: Mapping[tuple[int, int], Future]


def sweep(
    L: Triangle,
    starts: Mapping[int, Start],
    *,
    transposed: bool = False,
    then: Callable[[Any], Any] | None = None,
) -> dict[int, Future]:
    """B L^-T, or B L^-1 where transposed, in tiles.

    Each product with a tile of L is computed at that tile: only tiles of the right-hand side travel.

    Args:
        L: the triangle.
        starts: the tasks of the tiles of B, by their columns; tiles before all of them in the sweep are zero.
        transposed: whether to go back instead.
        then: replaces each tile of the result by something smaller.
    """
    right, swept, solved, kept = label("right"), label("swept"), label("solved"), label("kept")
    tiles = {place: TaskRef(future.key) for place, future in L.tiles.items()}
    order = range(max(starts), -1, -1) if transposed else range(min(starts), len(L.grid))

    def tasks() -> Iterator[Task]:
        for n, j in enumerate(order):
            before: TaskRef | None = None
            if j in starts:
                yield Task((right, j, j), *starts[j])
                before = TaskRef((right, j, j))
            for k in order[:n]:
                place = (k, j) if transposed else (j, k)
                key = (swept, *place)
                yield Task(key, tile.swept, before, TaskRef((solved, k, k)), tiles[place], transposed)
                before = TaskRef(key)
            yield Task((solved, j, j), tile.solved, before, tiles[j, j], transposed)
            if then:
                yield Task((kept, j, j), then, TaskRef((solved, j, j)))

    futures = L.engine.start(tasks(), kept if then else solved, Placed(L.grid))
    return {key[1]: future for key, future in futures.items()}
