"""Refinement: M^-1 y in double precision from a factor in single precision, which takes half the time and memory."""

import math
from typing import NamedTuple

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance

# What |y - M alpha| may be beside |y|; and what part of it each step may leave, or there will be too many.
RESIDUAL, LEFT = 1e-12, 0.1


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

    Iterative refinement: alpha <- alpha + (L L^T)^-1 (y - M alpha), with the residual in double precision from kernel
    entries that are computed again. Progress is told of the phase "refinement" in digits of that residual.
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
        progress("refinement", _fraction(residuals[-1]))
        if not residuals[-1] < LEFT * (residuals[-2] if len(residuals) > 1 else 1.0):
            break
    return Refined(alpha * size, residuals)


def _fraction(residual: float) -> float:
    """Of the digits that are wanted, how many there are; 0 for a residual that is not a number."""
    return min(1.0, math.log(residual) / math.log(RESIDUAL)) if 0.0 < residual < 1.0 else float(residual == 0.0)
