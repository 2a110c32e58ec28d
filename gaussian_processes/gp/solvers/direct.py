"""Solution: M = sigma2 I + K factored, and M^-1 y, in double precision or by way of single precision."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.refinement import RESIDUAL, refine

Precision = Literal["double", "mixed"]


@dataclass(frozen=True, eq=False)
class Solution:
    """What training computes.

    Attributes:
        factor: the Cholesky factor of M (N, N), in the precision that was enough; None where it was not kept.
        alpha: M^-1 y (N,).
        account: how it went, in a sentence, where there is something to say.
    """

    factor: Cholesky | None
    alpha: Array
    account: str = ""


def solve(M: Covariance, y: Array, precision: Precision, progress: Progress = no_progress) -> Solution:
    """Factor M and solve M alpha = y.

    Progress is told of the phases "Gram matrix", "Cholesky" and, in mixed precision, "refinement"; and of the first two
    again where single precision was not enough.

    Raises:
        NotPositiveDefiniteError: M cannot be factored.
        OverflowError: alpha is not finite.
    """
    if precision == "double":
        return _solve_in_double_precision(M, y, progress)
    try:
        factor = Cholesky.of(M.packed(np.float32, progress), progress)
    except NotPositiveDefiniteError as error:
        reason = f"the factorisation stopped at row {error.row}"
    else:
        refined = refine(M, y, factor, progress)
        last, steps = refined.residuals[-1], len(refined.residuals)
        if refined.converged and np.isfinite(refined.alpha).all():
            account = (
                f"Factored in single precision; alpha refined in {steps} steps to a relative residual of {last:.1e}."
            )
            return Solution(factor, refined.alpha, account)
        del factor  # before the other is made, which is twice as large
        reason = f"refinement stopped at a relative residual of {last:.1e} after {steps} steps, not {RESIDUAL:.0e}"
    solution = _solve_in_double_precision(M, y, progress)
    account = f"Single precision is not enough for these data ({reason}): solved in double precision."
    return replace(solution, account=account)


def _solve_in_double_precision(M: Covariance, y: Array, progress: Progress) -> Solution:
    factor = Cholesky.of(M.packed(np.float64, progress), progress)  # [RW06] Alg. 2.1 line 2
    return Solution(factor, require_finite(factor.solve(y)))  # line 3


def require_finite(alpha: Array) -> Array:
    """M^-1 y (N,) as it is; raises OverflowError for numbers that are not finite."""
    if not np.isfinite(alpha).all():
        raise OverflowError("M^-1 y is too large for float64: scale the targets, or raise sigma2")
    return alpha


def memory(N: int, precision: Precision) -> int:
    """Bytes of the factor of N rows, beside which the rest is small."""
    return N * (N + 1) // 2 * (8 if precision == "double" else 4)
