"""Conjugate gradients: M^-1 y from products with M alone, as accurate as a residual that is really computed.

[HS52] M. R. Hestenes and E. Stiefel, Methods of conjugate gradients for solving linear systems, J. Res. NBS 49, 1952.
[GVL] G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, 2013, chapter 11: preconditioned.
[H02] N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, chapter 12: refinement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.progress import Progress, digits, no_progress
from gaussian_processes.gp.solvers.base import require_finite

# Takes v (N,) and returns a matrix (N, N) times v.
Operator: TypeAlias = Callable[[Array], Array]

# The residual |y - M alpha| / |y| to reach, and the largest number of iterations.
TOLERANCE, LIMIT = 1e-8, 1000
# A run on nearly M ends at this part of the residual: single precision carries about as far.
LEFT = 1e-4
# A run leads nowhere if it leaves more than the part STAGNANT of a residual, or needs more than PATIENCE iterations to halve its own.
STAGNANT, PATIENCE = 0.5, 100


@dataclass(frozen=True, eq=False)
class System:
    """A symmetric positive definite M (N, N), as functions of a vector (N,).

    Attributes:
        multiply: v -> M v in double precision.
        precondition: v -> P^-1 v, for a symmetric positive definite P near M.
        nearly: v -> (M + E) v for a small symmetric E, at less cost; None if there is no such product.
    """

    multiply: Operator
    precondition: Operator
    nearly: Operator | None = None


@dataclass(frozen=True, eq=False)
class Iterated:
    """The result of conjugate gradients.

    Attributes:
        alpha: the best solution (N,).
        iterations: products with M or nearly M, without those for the residuals.
        residual: |y - M alpha| / |y| with M alpha in double precision; 0 where y is.
        converged: whether the residual is within the tolerance.
    """

    alpha: Array
    iterations: int
    residual: float
    converged: bool


def conjugate_gradients(
    system: System, y: Array, tolerance: float = TOLERANCE, limit: int = LIMIT, progress: Progress = no_progress
) -> Iterated:
    """Solve M alpha = y until the residual is small or stagnates, or iterations run out: the result says which.

    Conjugate gradients ([HS52], preconditioned as in [GVL]) inside iterative refinement ([H02]): each run solves for the
    residual of all runs before it, which is computed again. So the drift of the recurrence does not count, and a run may
    use nearly M: E then limits what one run achieves, not the result. If E is too large for that, the last runs use M.

    Args:
        system: the matrix M.
        y: targets (N,), finite.
        tolerance: the residual |y - M alpha| / |y| to reach.
        limit: the largest number of iterations.
        progress: callback for the phase "conjugate gradients", in digits of the residual.

    Raises:
        OverflowError: a product or alpha is not finite.
    """
    size = float(np.abs(y).max(initial=0.0)) or 1.0
    b = y / size  # in numbers near 1, whose squares do not overflow
    norm, report = float(np.linalg.norm(b)), _Report(tolerance, progress)
    alpha, rest, relative, iterations = np.zeros(len(b)), b, float(norm > 0.0), 0
    runs = [(system.multiply, 0.0)] if system.nearly is None else [(system.nearly, LEFT), (system.multiply, 0.0)]
    with np.errstate(over="ignore", invalid="ignore"):
        for multiply, least in runs:
            stagnant = False
            while relative > tolerance and iterations < limit and not stagnant:
                wanted = max(least, tolerance / (2.0 * relative))
                run = _Run(multiply, system.precondition, wanted, limit - iterations)
                step, taken = run.solve(rest, partial(report, relative))
                iterations += taken
                moved = alpha + step
                left = b - system.multiply(moved)
                found = require_finite(float(np.linalg.norm(left))) / norm
                stagnant = found > STAGNANT * relative
                if found < relative:
                    alpha, rest, relative = moved, left, found
        alpha = alpha * size
    require_finite(float(np.abs(alpha).max(initial=0.0)))
    converged = relative <= tolerance
    if converged:
        progress("conjugate gradients", 1.0)
    return Iterated(alpha, iterations, relative, converged)


@dataclass(frozen=True)
class _Run:
    """Conjugate gradients from 0, until |r| <= wanted |b| for the recurrence's residual r, or no further."""

    multiply: Operator
    precondition: Operator
    wanted: float
    limit: int

    def solve(self, b: Array, report: Callable[[float], None]) -> tuple[Array, int]:
        """x (N,) and the number of iterations; `report` takes |r| / |b|."""
        x, r, norm = np.zeros(len(b)), b, float(np.linalg.norm(b))
        z = self.precondition(r)
        p, rho = z, require_finite(float(r @ z))
        halved, since = 1.0, 0
        for iteration in range(1, self.limit + 1):
            q = self.multiply(p)
            curvature = require_finite(float(p @ q))
            if curvature <= 0.0 or rho <= 0.0:  # not positive definite to rounding: no step reduces the error
                return x, iteration
            x, r = x + rho / curvature * p, r - rho / curvature * q
            left = require_finite(float(np.linalg.norm(r))) / norm
            report(left)
            if left <= halved / 2.0:
                halved, since = left, iteration
            if left <= self.wanted or iteration - since >= PATIENCE:
                return x, iteration
            z = self.precondition(r)
            rho, last = require_finite(float(r @ z)), rho
            p = z + rho / last * p
        return x, self.limit


class _Report:
    """Progress in digits of the residual; it never goes back, and leaves the end of the phase to others."""

    def __init__(self, tolerance: float, progress: Progress) -> None:
        self._tolerance, self._progress, self._most = tolerance, progress, 0.0
        progress("conjugate gradients", 0.0)

    def __call__(self, before: float, left: float) -> None:
        """A run that began with the residual `before` has reduced it to the part `left`."""
        self._most = max(self._most, min(0.99, digits(before * left, self._tolerance)))
        self._progress("conjugate gradients", self._most)
