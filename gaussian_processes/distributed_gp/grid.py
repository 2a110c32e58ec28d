"""Grid: a matrix cut into tiles, and the host of each."""

import math
from dataclasses import dataclass

from gaussian_processes.gp.linalg.packed import tiles

# Tiles along a side: few, as Dask spends milliseconds on each task; but enough for all hosts, and all their threads, to have
# work until near the end.
MOST = 64
FOR_EACH_HOST = 4
# Tiles along a side for each row and each column of the grid of hosts: a host then holds less of other hosts' panels than of
# its own tiles, in the ratio of the rows and the columns of that grid to the tiles along a side.
FOR_EACH_LINE = 4.5
# Tiles of a host for each of its threads.
FOR_EACH_THREAD = 4
# Rows of a tile, at least: smaller ones are not worth a task.
SMALLEST = 128


@dataclass(frozen=True)
class Grid:
    """Tiles of the lower triangle of a matrix (N, N), dealt to hosts by rows and by columns in turns.

    This is the block-cyclic distribution of ScaLAPACK [BL97]: all hosts have work until the end, and only the hosts of one
    row and of one column of their own grid need a tile.

    Attributes:
        spans: the rows, and the columns, of the tiles, in order.
        hosts: the addresses, in the order of dealing.
    """

    spans: tuple[slice, ...]
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, N: int, hosts: tuple[str, ...], threads: int = 1, tile: int | None = None) -> "Grid":
        """Tiles of at most `tile` rows, or a number of them that suits the hosts.

        No tile crosses the middle of the matrix, so that each is a part of a `Packed`.
        """
        if tile is None:
            wanted = max(
                FOR_EACH_HOST * len(hosts),
                math.ceil(FOR_EACH_LINE * sum(shape(len(hosts)))),
                math.isqrt(2 * FOR_EACH_THREAD * threads * len(hosts)),
            )
            tile = max(SMALLEST, -(-N // min(wanted, MOST)))
        return cls(tuple(tiles(N, tile)), hosts)

    def __len__(self) -> int:
        """Tiles along a side."""
        return len(self.spans)

    @property
    def rows(self) -> int:
        """N."""
        return int(self.spans[-1].stop)

    def owner(self, i: int, j: int) -> str:
        """The address of the host of tile (i, j)."""
        P, Q = shape(len(self.hosts))
        return self.hosts[(i % P) * Q + j % Q]


def shape(hosts: int) -> tuple[int, int]:
    """Rows and columns of a grid of hosts, as near to a square as their number allows."""
    Q = next(q for q in range(math.isqrt(hosts), 0, -1) if hosts % q == 0)
    return hosts // Q, Q
