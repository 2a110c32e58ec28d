"""Packed: half of a symmetric matrix, or a triangular one, in half the memory of the whole and without loss of speed.

LAPACK's rectangular full packed format [GWDL10] cuts the lower triangle of an (N, N) matrix into

    L11         m = ceil(N / 2) rows,
    L21 L22     n = N - m rows,

and lays the transpose of L22 into the place that L11 leaves free above its diagonal. Every part is then an ordinary
matrix in Fortran's order, with which BLAS works as fast as with a whole one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.lapack import Matrix


@dataclass(frozen=True, eq=False)
class Packed:
    """The lower triangle of a matrix (N, N).

    Attributes:
        rectangle: (m, N + 1) for even N, (m, N) for odd N, in C's order; its transpose is what LAPACK describes.
    """

    rectangle: NDArray[Any]

    @classmethod
    def empty(cls, N: int, dtype: type[np.floating[Any]] = np.float64) -> "Packed":
        """Room for the lower triangle of an (N, N) matrix."""
        return cls(np.empty(((N + 1) // 2, N + 1 - N % 2), dtype))

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
        """1 where N is even, 0 where it is odd: the rows of the format above L11."""
        return int(self.rectangle.shape[1] > 2 * self.m)

    def __len__(self) -> int:
        return int(self.rectangle.shape[1]) - self.even

    @property
    def L11(self) -> Matrix:
        """(m, m), of which the lower triangle counts."""
        return self.rectangle.T[self.even : self.even + self.m]

    @property
    def L21(self) -> Matrix:
        """(n, m)."""
        return self.rectangle.T[self.even + self.m :]

    @property
    def L22_transposed(self) -> Matrix:
        """(n, n), of which the upper triangle counts."""
        n = len(self) - self.m
        return self.rectangle.T[:n, 1 - self.even :]

    @property
    def diagonal(self) -> NDArray[Any]:
        """(N,), a copy."""
        return np.concatenate([np.diagonal(self.L11), np.diagonal(self.L22_transposed)])

    def add_to_diagonal(self, value: float) -> None:
        """M <- M + value I."""
        for part in (self.L11, self.L22_transposed):
            part[np.diag_indices(len(part))] += part.dtype.type(value)

    def copy(self) -> "Packed":
        """The same numbers in memory of their own."""
        return Packed(self.rectangle.copy())

    def lower(self) -> Matrix:
        """The whole lower triangle (N, N), zeros above it."""
        N, m = len(self), self.m
        L = np.zeros((N, N), self.rectangle.dtype)
        L[:m, :m], L[m:, :m], L[m:, m:] = np.tril(self.L11), self.L21, np.tril(self.L22_transposed.T)
        return L
