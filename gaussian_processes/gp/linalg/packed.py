"""Packed: the lower triangle of a symmetric or triangular matrix, in half the memory and at BLAS's full speed.

LAPACK's rectangular full packed format [GWDL10] divides the lower triangle of an (N, N) matrix into

    L11         m = ceil(N / 2) rows,
    L21 L22     n = N - m rows,

and stores the transpose of L22 in the unused half of L11, above its diagonal. Each block is then an ordinary matrix for
BLAS, and [L11; L21] is one of m columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Matrix
from gaussian_processes.gp.compiled.span import Span


@dataclass(frozen=True, eq=False)
class Packed:
    """The lower triangle of a matrix (N, N).

    Attributes:
        rectangle: (m, N + 1) for even N, (m, N) for odd N, in C's order: the transpose of LAPACK's array.
    """

    rectangle: NDArray[Any]

    def __post_init__(self) -> None:
        R = self.rectangle
        half = isinstance(R, np.ndarray) and R.ndim == 2 and R.shape == self.shape(len(self)) and R.flags.c_contiguous
        if not half or R.dtype not in (np.float64, np.float32):
            raise ValueError(f"{type(R).__name__} of shape {np.shape(R)} is no half of a matrix in C's order")

    @classmethod
    def empty(cls, N: int, dtype: type[np.floating[Any]] = np.float64) -> "Packed":
        """An uninitialised (N, N) matrix."""
        return cls(np.empty(cls.shape(N), dtype))

    @staticmethod
    def shape(N: int) -> tuple[int, int]:
        """The shape of the rectangle of an (N, N) matrix."""
        return (N + 1) // 2, N + 1 - N % 2

    @classmethod
    def zeros(cls, N: int) -> "Packed":
        """The zero matrix (N, N), in double precision."""
        return cls(np.zeros_like(cls.empty(N).rectangle))

    @classmethod
    def of(cls, M: Matrix) -> "Packed":
        """The lower triangle of M (N, N)."""
        packed = cls.empty(len(M), M.dtype.type)
        m, even = packed.m, packed.even
        for j in range(m):
            packed.rectangle[j, j + even :] = M[j:, j]
            if j + even:
                packed.rectangle[j, : j + even] = M[m + j - 1 + even, m : m + j + even]
        return packed

    @property
    def m(self) -> int:
        """Rows of L11."""
        return int(self.rectangle.shape[0])

    @property
    def even(self) -> int:
        """1 if N is even, 0 if it is odd: the number of rows above L11 in LAPACK's array."""
        return int(self.rectangle.shape[1] > 2 * self.m)

    def __len__(self) -> int:
        return int(self.rectangle.shape[1]) - self.even

    def __getitem__(self, block: tuple[slice, slice]) -> Matrix:
        """A view of a block; only its entries on and below the diagonal are defined.

        The view is stored by columns in the first half, by rows in the second. The columns lie within one half; the rows
        begin with the columns or below.
        """
        rows, columns = block
        if columns.start < self.m:
            return self.rectangle.T[self.even + rows.start : self.even + rows.stop, columns]
        first, m = 1 - self.even, self.m
        return self.rectangle[first + rows.start - m : first + rows.stop - m, columns.start - m : columns.stop - m]

    def tiles(self, size: int, start: int = 0) -> list[slice]:
        """`tiles` of this matrix."""
        return tiles(len(self), size, start)

    def spans(self, panel: slice) -> Iterator[tuple[slice, Span, Matrix]]:
        """The parts of some rows of the rectangle that a compiled pass can fill: rows of the matrix, columns, memory.

        Row j of the rectangle holds row m + j - 1 + even of the matrix from column m to the diagonal, then row j of the
        upper triangle.
        """
        N, m, even = len(self), self.m, self.even
        yield panel, (panel.start, 1, N, 0, -even), self.rectangle[panel]
        upper = m + even - 1
        if panel.stop + upper > m:
            first = max(panel.start, 1 - even)
            lower = slice(first + upper, panel.stop + upper)
            yield lower, (m, 0, lower.start + 1, 1, m), self.rectangle[first : panel.stop]

    @property
    def diagonal(self) -> NDArray[Any]:
        """A copy of the diagonal (N,)."""
        return np.concatenate([np.diagonal(self[half, half]) for half in self.halves])

    def add_to_diagonal(self, value: float) -> None:
        """M <- M + value I."""
        for half in self.halves:
            part = self[half, half]
            part[np.diag_indices(len(part))] += part.dtype.type(value)

    def lower(self) -> Matrix:
        """The matrix (N, N) with zeros above its diagonal."""
        L = np.zeros((len(self), len(self)), self.rectangle.dtype)
        for half in self.halves:
            below = slice(half.start, len(self))
            L[below, half] = np.tril(self[below, half])
        return L

    @property
    def halves(self) -> tuple[slice, slice]:
        """`halves` of this matrix."""
        return halves(len(self))

    @property
    def blocks(self) -> tuple[Matrix, Matrix, Matrix]:
        """Views of L11 and L21, stored by columns, and L22, stored by rows."""
        first, last = self.halves
        return self[first, first], self[last, first], self[last, last]


def halves(N: int) -> tuple[slice, slice]:
    """The rows of L11 and the rows of L22 of an (N, N) matrix."""
    m = (N + 1) // 2
    return slice(0, m), slice(m, N)


def tiles(N: int, size: int, start: int = 0) -> list[slice]:
    """Slices of at most `size` that cover the rows of an (N, N) matrix from `start` on, each within one half."""
    found = []
    for half in halves(N):
        first = max(half.start, start)
        count = -(-(half.stop - first) // size)
        cuts = [first + (half.stop - first) * i // count for i in range(count)]
        found += [slice(*ends) for ends in zip(cuts, [*cuts[1:], half.stop], strict=True)] if cuts else []
    return found
