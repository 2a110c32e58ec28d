"""Cholesky: factor a symmetric positive definite matrix once, solve with it often."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.linalg.blas import factor, solve_triangular, subtract_product, subtract_square
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress

# Columns of L^-1 that start together at the first one's row, at most.
TOGETHER = 256


@dataclass(frozen=True)
class BlockSizes:
    """How much is computed at a time. It decides time and memory, and changes results by rounding alone.

    One call of BLAS is 2 panel tile^2 operations, some tenths of a second; Python checks for signals between the calls.
    BLAS loses a few hundredths by that at most: the sides of a product must be long, not the sums in it.

    Attributes:
        panel: columns factored at a time, at most.
        tile: rows and columns of the rest updated at a time, at most.
        entries: entries of right-hand sides held at a time, about. The default stays below 32 MiB, which the C library
            reuses; the system would map larger pieces page by page, each time.
    """

    panel: int = 640
    tile: int = 4096
    entries: int = 4_000_000

    def slices(self, rows: int, columns: int) -> Iterator[slice]:
        """Slices of one size that cover `rows` rows, each of about `entries` entries at most."""
        count = max(1, -(-rows * columns // self.entries))
        step = max(1, -(-rows // count))
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


class NotPositiveDefiniteError(ValueError):
    """The Cholesky factorisation met a pivot that is not positive.

    Attributes:
        size: rows of the matrix.
        row: row of the pivot, counted from 1.
        pivot: value of the pivot: the row's variance given the rows before it.
    """

    def __init__(self, size: int, row: int, pivot: float) -> None:
        self.size, self.row, self.pivot = size, row, pivot
        super().__init__(
            f"The matrix M = sigma2 I + K of {size} rows is not positive definite to rounding: the Cholesky "
            f"factorisation stopped at row {row}, where the pivot is {pivot:.3g}. Likely causes: (a) sigma2 is too small "
            f"for the rounding of K: raise sigma2 to 1e-10 times the variance or more; (b) many rows are equal or nearly "
            f"equal: remove duplicates or raise sigma2; (c) rows of very different length in the homogeneous geometry: "
            f"lower degree, or set feature_scaling=standard."
        )

    def __reduce__(self) -> tuple[type, tuple[int, int, float]]:
        """Pickle the fields, not the message."""
        return type(self), (self.size, self.row, self.pivot)


@dataclass(frozen=True, eq=False)
class Cholesky:
    """The factorisation M = L L^T, in double or single precision.

    Attributes:
        L: the factor, packed.
        sizes: how much is computed at a time.
    """

    L: Packed
    sizes: BlockSizes = BlockSizes()

    @classmethod
    def of(cls, M: Packed, progress: Progress = no_progress, sizes: BlockSizes = BlockSizes()) -> Self:
        """Factor M. L overwrites M. Reports progress of the phase "Cholesky".

        Raises:
            NotPositiveDefiniteError: a pivot is not positive and finite.
        """
        row = _factor(M, sizes, Work("Cholesky", len(M) ** 3, progress))
        require_positive(row, M.diagonal, len(M))
        return cls(M, sizes)

    def __len__(self) -> int:
        """N."""
        return len(self.L)

    def solve(self, b: Matrix) -> Matrix:
        """M^-1 b for b (N,) or (N, M), in the precision of L."""
        x = self._by_columns(b).copy(order="F")
        for column in x.reshape(len(x), -1, order="F").T:  # views
            self._forward(column)
            self._backward(column)
        return x

    def half_solve(self, B: Matrix) -> Matrix:
        """L^-1 B for B (N, M). Overwrites a B in Fortran's order and L's precision."""
        B = self._by_columns(B)
        self._forward(B)
        return B

    def transposed_half_solve(self, B: Matrix) -> Matrix:
        """L^-T B, as `half_solve`."""
        B = self._by_columns(B)
        self._backward(B)
        return B

    def log_det(self) -> float:
        """log det M."""
        return 2.0 * float(np.sum(np.log(self.L.diagonal, dtype=np.float64)))

    def inverse_diagonal(self, progress: Progress = no_progress) -> Array:
        """The diagonal (N,) of M^-1: its entry i is |L^-1 e_i|^2. It takes as many operations as factoring.

        Reports progress of the phase "leave-one-out".
        """
        N, dtype = len(self), self.L.rectangle.dtype
        diagonal, work = np.empty(N), Work("leave-one-out", N**3, progress)
        for block in self.sizes.slices(N, max(N, self.sizes.entries // TOGETHER)):
            E = np.zeros((N, block.stop - block.start), dtype, order="F")
            np.fill_diagonal(E[block], 1.0)
            self._forward(E, block.start)
            E = E[block.start :]
            diagonal[block] = np.einsum("nm,nm->m", E, E, dtype=np.float64)
            work.advance((N - block.start) ** 3 - (N - block.stop) ** 3)
        return diagonal

    def _by_columns(self, B: Matrix) -> Matrix:
        B = np.asfortranarray(B, dtype=self.L.rectangle.dtype)
        if B.ndim > 2 or len(B) != len(self.L):
            raise ValueError(f"the right-hand side has shape {B.shape}; {len(self.L)} rows are wanted")
        return B

    def _forward(self, B: Matrix, start: int = 0) -> None:
        """B <- L^-1 B for a matrix or a contiguous vector B, whose rows before `start` are zero."""
        for tile in self.L.tiles(self.sizes.tile, start):
            below = slice(tile.stop, len(B))
            solve_triangular(self.L[tile, tile], B[tile])
            if tile.stop < len(B):
                subtract_product(B[below], self.L[below, tile], B[tile])

    def _backward(self, x: Matrix) -> None:
        """x <- L^-T x for a matrix or a contiguous vector x."""
        for tile in reversed(self.L.tiles(self.sizes.tile)):
            below = slice(tile.stop, len(x))
            if tile.stop < len(x):
                subtract_product(x[tile], self.L[below, tile].T, x[below])
            solve_triangular(self.L[tile, tile], x[tile], transposed=True)


def require_positive(row: int, pivots: Array, size: int, start: int = 0) -> None:
    """Raise NotPositiveDefiniteError for a matrix of `size` rows if one of some pivots is not positive, or not a number.

    Args:
        row: LAPACK's answer: 0, or the row among these, from 1, whose pivot is not positive.
        pivots: of rows from `start` on.
        size: rows of the whole matrix.
        start: the first of these rows, from 0.
    """
    # LAPACK lets NaN and infinity through: they compare as neither positive nor negative.
    bad = np.flatnonzero(~np.isfinite(pivots))
    if row or len(bad):
        row = row or int(bad[0]) + 1
        raise NotPositiveDefiniteError(size, start + row, float(pivots[row - 1]))


def _factor(M: Packed, sizes: BlockSizes, work: Work) -> int:
    """M <- L, a panel of columns at a time. Returns 0, or the row, from 1, whose pivot is not positive.

    Work is in sixths of a multiply-add, N^3 in all.
    """
    for k in M.tiles(sizes.panel):
        row = factor(M[k, k])
        if row:
            return int(k.start) + row
        tiles, K = M.tiles(sizes.tile, k.stop), k.stop - k.start
        work.advance(K**3)
        for i in tiles:
            solve_triangular(M[k, k], M[i, k].T)
            work.advance(3 * (i.stop - i.start) * K**2)
        for after, j in enumerate(tiles, 1):
            J = j.stop - j.start
            subtract_square(M[j, j], M[j, k])
            work.advance(3 * J**2 * K)
            for i in tiles[after:]:
                subtract_product(M[i, j], M[i, k], M[j, k].T)
                work.advance(6 * (i.stop - i.start) * J * K)
    return 0
