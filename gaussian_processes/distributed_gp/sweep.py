"""Sweep: substitution with a factor in tiles, forward or back, for right-hand sides that lie as rows in tiles (m, n)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dask._task_spec import Task, TaskRef

from gaussian_processes.distributed_gp import tile
from gaussian_processes.distributed_gp.engine import Engine, Future, Key, label
from gaussian_processes.distributed_gp.grid import Grid

# How a tile of the right-hand side is made: a function and what it is given.
Start = tuple[Any, ...]


@dataclass(frozen=True)
class Placed:
    """Where tasks belong: at the tile of L that their keys name."""

    grid: Grid

    def __call__(self, key: Key) -> list[str]:
        """The address of one host."""
        return [self.grid.owner(key[1], key[2])]


@dataclass(frozen=True, eq=False)
class Triangle:
    """A lower triangle L in tiles.

    Attributes:
        engine: where they are.
        grid: which they are.
        tiles: L_ij for i >= j, on the hosts; of those on the diagonal the lower triangle counts.
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

    Each product with a tile of L is made where that tile is: what travels are the tiles of the right-hand side.

    Args:
        L: the triangle.
        starts: how the tiles of B are made, by their columns; what comes before all of them in the sweep is zero.
        transposed: whether to go back instead.
        then: what to keep of each tile of the result, instead of itself.
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
