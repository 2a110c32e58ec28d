"""Cholesky: factor a symmetric positive definite matrix once, solve with it often."""

from dataclasses import dataclass

import numpy as np

from gaussian_processes.gp.lapack import Matrix, blas, lapack
from gaussian_processes.gp.packed import Packed


class NotPositiveDefiniteError(ValueError):
    """The Cholesky factorisation met a pivot that is not positive; says where, and the likely causes in order.

    Attributes:
        size: rows of the matrix.
        row: of the pivot, from 1.
        pivot: its value, the smallest of all so far: what is left of the row's variance, given the rows before it.
    """

    def __init__(self, size: int, row: int, pivot: float) -> None:
        self.size, self.row, self.pivot = size, row, pivot
        super().__init__(
            f"The matrix M = sigma2 I + K of {size} rows is not positive definite to rounding: the Cholesky "
            f"factorisation stopped at row {row}, whose pivot, the smallest, is {pivot:.3g}. Likely causes: (a) sigma2 "
            f"is too small for the rounding of K: raise sigma2 to 1e-10 times the variance or more; (b) many rows are "
            f"equal or nearly equal: remove repeats or raise sigma2; (c) rows of very different length in the "
            f"homogeneous geometry: lower degree, or set feature_scaling=standard."
        )


@dataclass(frozen=True, eq=False)
class Cholesky:
    """M = L L^T, in double or single precision.

    Attributes:
        L: the factor, packed.
    """

    L: Packed

    @classmethod
    def of(cls, M: Packed) -> "Cholesky":
        """Factor M in its own memory: M is overwritten.

        Raises:
            NotPositiveDefiniteError: a pivot is not positive, or not a number.
        """
        L11, L21, U = M.L11, M.L21, M.L22_transposed
        n, m = L21.shape
        row = lapack("potrf", "L", m, L11)
        if not row and n:
            blas("trsm", "R", "L", "T", "N", n, m, 1.0, L11, L21)
            blas("syrk", "U", "N", n, m, -1.0, L21, 1.0, U)
            row = lapack("potrf", "U", n, U)
            row += m if row else 0
        pivots = M.diagonal
        # LAPACK lets NaN and infinity through: they compare as neither positive nor negative.
        bad = np.flatnonzero(~np.isfinite(pivots))
        if row or len(bad):
            row = row or int(bad[0]) + 1
            raise NotPositiveDefiniteError(len(M), row, float(pivots[row - 1]))
        return cls(M)

    def solve(self, b: Matrix) -> Matrix:
        """M^-1 b for b (N,) or (N, M), in the precision of L."""
        x = np.array(b, dtype=self.L.rectangle.dtype, order="F")
        for column in x.reshape(len(x), -1, order="F").T:  # views
            self._substitute(column)
        return x

    def half_solve(self, B: Matrix) -> Matrix:
        """L^-1 B for B (N, M); in B's own memory where B is in Fortran's order and of L's precision."""
        B = np.asfortranarray(B, dtype=self.L.rectangle.dtype)
        L11, L21, U = self.L.L11, self.L.L21, self.L.L22_transposed
        n, m = L21.shape
        blas("trsm", "L", "L", "N", "N", m, B.shape[1], 1.0, L11, B)
        if n:
            blas("gemm", "N", "N", n, B.shape[1], m, -1.0, L21, B, 1.0, B[m:])
            blas("trsm", "L", "U", "T", "N", n, B.shape[1], 1.0, U, B[m:])
        return B

    def log_det(self) -> float:
        """log det M."""
        return 2.0 * float(np.sum(np.log(self.L.diagonal, dtype=np.float64)))

    def trace_of_inverse(self) -> float:
        """tr M^-1 = |L^-1|_F^2, by inverting a copy of L: as many operations as factoring, and as much memory again."""
        inverse = self.L.copy()
        L11, L21, U = inverse.L11, inverse.L21, inverse.L22_transposed
        n, m = L21.shape
        lapack("trtri", "L", "N", m, L11)
        if n:
            blas("trmm", "R", "L", "N", "N", n, m, -1.0, L11, L21)
            lapack("trtri", "U", "N", n, U)
            blas("trmm", "L", "U", "T", "N", n, m, 1.0, U, L21)
        packed = inverse.rectangle.reshape(-1)
        return float(np.dot(packed, packed))

    def _substitute(self, x: Matrix) -> None:
        """x <- M^-1 x for a contiguous vector: forward, then backward."""
        L11, L21, U = self.L.L11, self.L.L21, self.L.L22_transposed
        n, m = L21.shape
        head, tail = x[:m], x[m:]
        blas("trsv", "L", "N", "N", m, L11, head, 1)
        if n:
            blas("gemv", "N", n, m, -1.0, L21, head, 1, 1.0, tail, 1)
            blas("trsv", "U", "T", "N", n, U, tail, 1)
            blas("trsv", "U", "N", "N", n, U, tail, 1)
            blas("gemv", "T", n, m, -1.0, L21, tail, 1, 1.0, head, 1)
        blas("trsv", "L", "T", "N", m, L11, head, 1)
