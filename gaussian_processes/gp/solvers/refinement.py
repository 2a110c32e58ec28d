"""Mixed: M^-1 y in double precision from a factor in single precision, which takes half the time and memory.

Iterative refinement: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, chapter 12.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.cholesky import BlockSizes, Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.progress import Progress, digits, no_progress
from gaussian_processes.gp.solvers.base import Solution
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Direct, DirectFactor

# The residual |y - M alpha| / |y| of a solution; and the part of it that each step may leave, or there will be too many.
RESIDUAL, LEFT = 1e-12, 0.1


@dataclass(frozen=True)
class Mixed:
    """Solve by a factor in single precision, or as `Direct` where single precision is not enough; the message says which.

    The phases are "Gram matrix", "Cholesky" and "refinement"; the first two come again in double precision.

    Attributes:
        sizes: how much the factor computes at a time.
    """

    sizes: BlockSizes = BlockSizes()

    def solve(self, M: Covariance, y: Array, progress: Progress = no_progress) -> Solution:
        """See `base.Solver`."""
        try:
            factor = DirectFactor.of(M.packed(np.float32, progress), progress, self.sizes)
        except NotPositiveDefiniteError as error:
            reason = f"the factorisation stopped at row {error.row}"
        else:
            refined = refine(M, y, factor, progress)
            last, steps = refined.residuals[-1], len(refined.residuals)
            if refined.converged and np.isfinite(refined.alpha).all():
                how = f"alpha refined in {steps} steps to a relative residual of {last:.1e}"
                return Solution(refined.alpha, factor, f"Factored in single precision; {how}.")
            del factor  # before the other is made, which is twice as large
            reason = f"refinement stopped at a relative residual of {last:.1e} after {steps} steps, not {RESIDUAL:.0e}"
        solution = Direct(self.sizes).solve(M, y, progress)
        message = f"Single precision is not enough for these data ({reason}): solved in double precision."
        return replace(solution, message=message)


class Refined(NamedTuple):
    """alpha (N,), and |y - M alpha| / |y| after each step."""

    alpha: Array
    residuals: list[float]

    @property
    def converged(self) -> bool:
        """Whether alpha is as good as one from double precision."""
        return self.residuals[-1] <= RESIDUAL


def refine(M: Covariance, y: Array, factor: Cholesky, progress: Progress = no_progress) -> Refined:
    """Solve M alpha = y with a factor of nearly M, until it is solved or gets no better.

    alpha <- alpha + (L L^T)^-1 (y - M alpha), with the residual in double precision from kernel entries that are computed
    again. Reports progress of the phase "refinement", in digits of the residual.
    """
    # In numbers near 1, as single precision ends at 1e38.
    size = float(np.abs(y).max()) or 1.0
    target = y / size
    alpha, residual = np.zeros(len(y)), target
    residuals: list[float] = []
    progress("refinement", 0.0)
    while not residuals or residuals[-1] > RESIDUAL:
        scale = float(np.abs(residual).max())
        if scale == 0.0:
            progress("refinement", 1.0)
            return Refined(alpha * size, [*residuals, 0.0])
        alpha = alpha + scale * factor.solve(residual / scale)
        residual = target - M @ alpha
        residuals.append(float(np.linalg.norm(residual) / np.linalg.norm(target)))
        progress("refinement", digits(residuals[-1], RESIDUAL))
        if not residuals[-1] < LEFT * (residuals[-2] if len(residuals) > 1 else 1.0):
            break
    return Refined(alpha * size, residuals)
