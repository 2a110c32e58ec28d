"""Dataset: rows and targets that still know which file they came from."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NUMBER = 8  # bytes of each


@dataclass(frozen=True)
class Source:
    """A file of a channel.

    Attributes:
        name: that messages give it.
        rows: their number.
        header: whether a header line stands above them.
    """

    name: str
    rows: int
    header: bool = False


@dataclass(frozen=True, eq=False)
class Dataset:
    """A channel, read.

    Attributes:
        features: (N, d), finite.
        target: (N,), finite.
        sources: the files, in the order of their rows.
        columns: the names of the target and the features, where a file has them.
    """

    features: Array
    target: Array
    sources: tuple[Source, ...]
    columns: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of shape and numbers: the same for the same rows in the same order, however they were written."""
        digest = hashlib.sha256(repr(self.features.shape).encode())
        for numbers in (self.target, self.features):
            digest.update(np.ascontiguousarray(numbers, "<f8").data)
        return f"sha256:{digest.hexdigest()}"

    def origin(self, row: int) -> str:
        """Where row `row` (from 0) stands, in words: its file and its number there, from 1, header line left out."""
        for source in self.sources:
            if row < source.rows:
                return f"{source.name}, row {row + 1}" + (" below its header line" if source.header else "")
            row -= source.rows
        raise IndexError(f"row {row} lies beyond the last file")
