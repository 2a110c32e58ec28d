"""Dataset: rows and targets that still know which file they came from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """A file of a channel, by the name that messages give it, and its number of rows."""

    name: str
    rows: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """A channel, read.

    Attributes:
        features: (N, d), finite.
        target: (N,), finite.
        sources: the files, in the order of their rows.
    """

    features: Array
    target: Array
    sources: tuple[Source, ...]

    def __len__(self) -> int:
        return len(self.target)

    def origin(self, row: int) -> str:
        """Where row `row` (from 0) stands, in words: its file and its number there, from 1."""
        for source in self.sources:
            if row < source.rows:
                return f"{source.name}, row {row + 1}"
            row -= source.rows
        raise IndexError(f"row {row} lies beyond the last file")
