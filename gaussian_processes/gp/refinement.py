"""Refinement: M^-1 y in double precision from a factor in single precision, which takes half the time and memory."""

from typing import NamedTuple

import numpy as np

from gaussian_processes.gp.arccosine import Array
from gaussian_processes.gp.directions import Directions
from gaussian_processes.gp.factor import Cholesky
from gaussian_processes.gp.kernel import ArcCosine
from gaussian_processes.gp.product import symmetric_product

# What |y - M alpha| may be beside |y|; and how much less each step must leave, or there will be too many.
RESIDUAL, PROGRESS = 1e-12, 0.1


class Refined(NamedTuple):
    """alpha (N,), and |y - M alpha| / |y| after each step."""

    alpha: Array
    residuals: list[float]

    @property
    def converged(self) -> bool:
        """Whether alpha is as good as one from double precision."""
        return self.residuals[-1] <= RESIDUAL


def refine(kernel: ArcCosine, rows: Directions, sigma2: float, y: Array, factor: Cholesky) -> Refined:
    """Solve M alpha = y, M = sigma2 I + K, with a factor of nearly M, until it is solved or gets no better.

    Iterative refinement: alpha <- alpha + (L L^T)^-1 (y - M alpha), with the residual in double precision from kernel
    entries that are computed again.
    """
    # In numbers near 1, as single precision ends at 1e38.
    size = float(np.abs(y).max()) or 1.0
    target = y / size
    alpha, residual = np.zeros(len(y)), target
    residuals: list[float] = []
    while not residuals or residuals[-1] > RESIDUAL:
        scale = float(np.abs(residual).max())
        if scale == 0.0:
            return Refined(alpha * size, [*residuals, 0.0])
        alpha = alpha + scale * factor.solve(residual / scale)
        residual = target - sigma2 * alpha - symmetric_product(kernel, rows, alpha)
        residuals.append(float(np.linalg.norm(residual) / np.linalg.norm(target)))
        if not residuals[-1] < PROGRESS * (residuals[-2] if len(residuals) > 1 else 1.0):
            break
    return Refined(alpha * size, residuals)
