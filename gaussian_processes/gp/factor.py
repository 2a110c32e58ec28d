"""Cholesky: factor a symmetric positive definite matrix once, solve with it often."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpotrf, dpotrs

from gaussian_processes.gp.arccosine import Array


class NotPositiveDefiniteError(ValueError):
    """The Cholesky factorisation met a pivot that is not positive; says where, and the likely causes in order.

    Args:
        size: rows of the matrix.
        pivot: the row of the pivot, from 1.
    """

    def __init__(self, size: int, pivot: int) -> None:
        super().__init__(
            f"The matrix M = sigma2 I + K of {size} rows is not positive definite to rounding: the Cholesky "
            f"factorisation stopped at row {pivot}. Likely causes: (a) sigma2 is too small for the rounding of K: "
            f"raise sigma2 to 1e-10 times the variance or more; (b) many rows are equal or nearly equal: remove "
            f"repeats or raise sigma2; (c) rows of very different length in the homogeneous geometry: lower degree, "
            f"or set feature_scaling=standard."
        )


@dataclass(frozen=True, eq=False)
class Cholesky:
    """M = L L^T.

    Attributes:
        L: (N, N) in Fortran order; its lower triangle is the factor, the rest is not read.
    """

    L: Array

    @classmethod
    def of(cls, M: Array) -> "Cholesky":
        """Factor M (N, N), symmetric, in its own memory: M is overwritten.

        Raises:
            NotPositiveDefiniteError: a pivot is not positive, or not a number.
        """
        # M is symmetric, so the transpose of a C-ordered M is M again in the order that LAPACK writes in place.
        L, info = dpotrf(M if M.flags.f_contiguous else M.T, lower=1, clean=0, overwrite_a=1)
        # LAPACK lets NaN and infinity through: they compare as neither positive nor negative.
        bad = np.flatnonzero(~np.isfinite(np.diagonal(L)))
        if info > 0 or len(bad):
            raise NotPositiveDefiniteError(len(M), info or int(bad[0]) + 1)
        return cls(L)

    def solve(self, b: Array) -> Array:
        """M^-1 b for b (N,) or (N, M)."""
        x, _ = dpotrs(self.L, b, lower=1)
        return np.asarray(x)

    def half_solve(self, B: Array) -> Array:
        """L^-1 B for B (N, M)."""
        return np.asarray(solve_triangular(self.L, B, lower=True, check_finite=False))

    def log_det(self) -> float:
        """log det M."""
        return 2.0 * float(np.sum(np.log(np.diagonal(self.L))))
