"""Conjugate gradients: M^-1 y from products with M alone, as far as a residual that was really computed says.

[HS52] M. R. Hestenes and E. Stiefel, Methods of conjugate gradients for solving linear systems, J. Res. NBS 49, 1952.
[GVL] G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, 2013, chapter 11: preconditioned.
[H02] N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, chapter 12: refinement.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.progress import Progress, no_progress

# Takes v (N,) and returns a matrix (N, N) times v.
Operator: TypeAlias = Callable[[Array], Array]

# |y - M alpha| / |y| that is wanted, and iterations that may be spent on it.
TOLERANCE, LIMIT = 1e-8, 1000
# What is left of the residual when one run on nearly M ends, at best: single precision carries about as far.
LEFT = 1e-4
# A run that leaves more than this of a residual, or that takes so many iterations to halve its own, leads nowhere.
STAGNANT, PATIENCE = 0.5, 100


@dataclass(frozen=True, eq=False)
class System:
    """A symmetric positive definite M (N, N), as functions of a vector (N,).

    Attributes:
        multiply: v -> M v in double precision.
        precondition: v -> P^-1 v, for a symmetric positive definite P near M.
        nearly: v -> (M + E) v for a small symmetric E, where that is cheaper; or None.
    """

    multiply: Operator
    precondition: Operator
    nearly: Operator | None = None


@dataclass(frozen=True, eq=False)
class Iterated:
    """What conjugate gradients came to.

    Attributes:
        alpha: (N,), the best found.
        iterations: products with M or nearly M that it took, without those for the residuals.
        residual: |y - M alpha| / |y| with M alpha in double precision; 0 where y is.
        converged: whether that is what was wanted.
    """

    alpha: Array
    iterations: int
    residual: float
    converged: bool


def conjugate_gradients(
    system: System, y: Array, tolerance: float = TOLERANCE, limit: int = LIMIT, progress: Progress = no_progress
) -> Iterated:
    """Solve M alpha = y until the residual is small, stagnates, or the limit is reached: the result says which.

    Conjugate gradients ([HS52], preconditioned as in [GVL]) inside iterative refinement ([H02]): each run solves for the
    residual of all before it, which is computed anew. So the recurrence's drift does not count, and runs may be on
    nearly M: E then limits what one run achieves, not the result. Where E is too large for that, the rest is on M itself.

    Args:
        system: M.
        y: (N,), finite.
        tolerance: of |y - M alpha| / |y|.
        limit: of iterations.
        progress: is told of the phase "conjugate gradients" in digits of the residual.

    Raises:
        OverflowError: a product or alpha is not finite.
    """
    size = float(np.abs(y).max(initial=0.0)) or 1.0
    b = y / size  # in numbers near 1, whose squares do not overflow
    norm, digits = float(np.linalg.norm(b)), _Digits(tolerance, progress)
    alpha, rest, relative, iterations = np.zeros(len(b)), b, float(norm > 0.0), 0
    runs = [(system.multiply, 0.0)] if system.nearly is None else [(system.nearly, LEFT), (system.multiply, 0.0)]
    with np.errstate(over="ignore", invalid="ignore"):
        for multiply, least in runs:
            stagnant = False
            while relative > tolerance and iterations < limit and not stagnant:
                wanted = max(least, tolerance / (2.0 * relative))
                run = _Run(multiply, system.precondition, wanted, limit - iterations)
                step, taken = run.solve(rest, partial(digits.tell, relative))
                iterations += taken
                moved = alpha + step
                left = b - system.multiply(moved)
                found = _finite(float(np.linalg.norm(left))) / norm
                stagnant = found > STAGNANT * relative
                if found < relative:
                    alpha, rest, relative = moved, left, found
        alpha = alpha * size
    _finite(float(np.abs(alpha).max(initial=0.0)))
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

    def solve(self, b: Array, tell: Callable[[float], None]) -> tuple[Array, int]:
        """x (N,) and the iterations it took; `tell` is told of |r| / |b|."""
        x, r, norm = np.zeros(len(b)), b, float(np.linalg.norm(b))
        z = self.precondition(r)
        p, rho = z, _finite(float(r @ z))
        halved, since = 1.0, 0
        for iteration in range(1, self.limit + 1):
            q = self.multiply(p)
            curvature = _finite(float(p @ q))
            if curvature <= 0.0 or rho <= 0.0:  # not positive definite to rounding: there is no way down
                return x, iteration
            x, r = x + rho / curvature * p, r - rho / curvature * q
            left = _finite(float(np.linalg.norm(r))) / norm
            tell(left)
            if left <= halved / 2.0:
                halved, since = left, iteration
            if left <= self.wanted or iteration - since >= PATIENCE:
                return x, iteration
            z = self.precondition(r)
            rho, last = _finite(float(r @ z)), rho
            p = z + rho / last * p
        return x, self.limit


class _Digits:
    """Progress in digits of a residual, of those that are wanted; it never goes back, and is not told of its end."""

    def __init__(self, tolerance: float, progress: Progress) -> None:
        self._tolerance, self._progress, self._told = tolerance, progress, 0.0
        progress("conjugate gradients", 0.0)

    def tell(self, before: float, left: float) -> None:
        """The residual was `before` when a run began that has left so much of it."""
        residual = before * left
        fraction = math.log(residual) / math.log(self._tolerance) if 0.0 < residual < 1.0 else 0.0
        self._told = max(self._told, min(0.99, fraction))
        self._progress("conjugate gradients", self._told)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise OverflowError("M^-1 y, or what leads to it, is too large for float64: scale the targets, or raise sigma2")
    return value
