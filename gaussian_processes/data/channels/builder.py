"""Builder: features and target, filled piece by piece, so that a channel is in memory once and not twice."""

import numpy as np

from gaussian_processes.data.dataset import Array, Dataset, Source
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError


class Rows:
    """What was read of a channel so far.

    Args:
        capacity: how many rows are expected. Memory that is not written to costs nothing; beyond it, rows are moved.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._features: Array = np.empty((0, 0))
        self._target: Array = np.empty(0)
        self._count = 0
        self._sources: list[Source] = []
        self._columns: tuple[str, ...] | None = None
        self._named_by = ""

    def __len__(self) -> int:
        return self._count

    def add(self, source: str, table: Table) -> None:
        """Append a piece of a file, the target in its first column.

        Raises:
            DataError: it has one column, or others than the pieces before it.
        """
        self._require_columns(source, table)
        end = self._count + len(table.values)
        if end > len(self._target):
            self._features.resize((end, self._features.shape[1]), refcheck=False)
            self._target.resize(end, refcheck=False)
        self._features[self._count : end] = table.values[:, 1:]
        self._target[self._count : end] = table.values[:, 0]
        self._count = end
        rows = len(table.values)
        if self._sources and self._sources[-1].name == source:
            rows += self._sources.pop().rows
        self._sources.append(Source(source, rows, table.header))

    def dataset(self) -> Dataset:
        """All that was added; nothing can be added afterwards."""
        self._features.resize((self._count, self._features.shape[1]), refcheck=False)
        self._target.resize(self._count, refcheck=False)
        return Dataset(self._features, self._target, tuple(self._sources), self._columns)

    def _require_columns(self, source: str, table: Table) -> None:
        width = table.values.shape[1]
        if width < 2:
            raise DataError(f"{source} has one column; the target and then at least one feature are wanted.")
        if not self._sources:
            self._features = np.empty((self._capacity, width - 1))
            self._target = np.empty(self._capacity)
        else:
            require_same_width(source, width, self._sources[0].name, self._features.shape[1] + 1)
        if table.columns is not None and self._columns is None:
            self._columns, self._named_by = table.columns, source
        require_same_names(source, table.columns, self._named_by, self._columns)


def require_same_width(source: str, width: int, reference: str, wanted: int) -> None:
    """Refuse another number of columns.

    Raises:
        DataError: with both files.
    """
    if width != wanted:
        raise DataError(
            f"{source} has {width} columns where {reference} has {wanted}; all files of a channel need the same columns."
        )


def require_same_names(
    source: str, columns: tuple[str, ...] | None, reference: str, wanted: tuple[str, ...] | None
) -> None:
    """Refuse columns of other names, or in another order; where there are no names there is nothing to compare.

    Raises:
        DataError: the first column that differs, in words.
    """
    for number, (found, name) in enumerate(zip(columns or (), wanted or (), strict=False), start=1):
        if found != name:
            raise DataError(
                f"{source}: column {number} is named {found[:40]!r} where it is {name[:40]!r} in {reference}; the same "
                "columns in the same order are wanted."
            )
