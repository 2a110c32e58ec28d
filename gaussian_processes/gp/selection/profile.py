r"""Profile likelihood: a criterion as a function of the noise-to-signal ratio alone, at the best variance.

With M = v A, A = K + lambda I, lambda = sigma2 / v, alpha = A^-1 y, Q = A^-1, kappa = diag(Q) and x = log lambda, both
criteria of `criterion.py` have their maximum over v in closed form:

    L = -(N log v + log det A + N + N log(2 pi))/2,         v = y^T alpha / N,              for the evidence,
    L = -(N log v - sum_i log kappa_i + N + N log(2 pi))/2, v = mean_i alpha_i^2 / kappa_i, for leave-one-out;

    dL/dx = lambda alpha^T alpha / (2 v) - lambda tr(Q) / 2,
    dL/dx = (lambda/v) sum_i alpha_i (Q alpha)_i / kappa_i
            - (lambda/2) sum_i (Q Q)_ii (1/kappa_i + alpha_i^2 / (v kappa_i^2)).

They follow from [RW06] eqs. 5.8 to 5.13. If the best v lies outside the bounds, v is at a bound. At a bound of sigma2,
v = sigma2 / lambda changes with x, and dL/dx grows by N/2 - N best / (2 v). A Cholesky factor gives each term at the cost
of some solutions, except tr(Q), tr(Q Q) and diag(Q Q). These are estimated with vectors z of random signs, E[z z^T] = I,
as the means of |L^-1 z|^2, |Q z|^2 and (Q z)_i^2 (Hutchinson, Communications in Statistics 18, 1989). The estimates only
guide the search: all values are exact.
"""

import math
from dataclasses import dataclass

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.linalg.inverse import inverse_diagonal
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.line_search import Point

# Fewest sign vectors, and fewest entries of them all: few rows get more vectors.
SIGNS, NUMBERS = 32, 25_600


@dataclass(frozen=True, eq=False)
class Fit(Point):
    """A point of a profile likelihood.

    Attributes:
        variance: best variance v at this lambda.
        log_evidence: log evidence with it, in nats.
    """

    variance: float
    log_evidence: float


@dataclass(frozen=True, eq=False)
class Profile:
    """The profile likelihood of given covariances and targets.

    Attributes:
        criterion: criterion to maximise.
        K: covariances (N, N) for v = 1.
        y: targets (N,), not all 0.
        unit: unit of lambda: x = log(lambda / unit).
        memory: memory for a factor (N, N), overwritten by every evaluation.
        sigma2, variance: least and greatest value of each.
        progress: callback during the factorisations.
    """

    criterion: Criterion
    K: Packed
    y: Array
    unit: float
    memory: Packed
    sigma2: tuple[float, float] = (0.0, math.inf)
    variance: tuple[float, float] = (0.0, math.inf)
    progress: Progress = no_progress

    def __call__(self, x: float) -> Fit | None:
        """The point at x, from one factorisation; None if A is not positive definite."""
        ratio = self.unit * math.exp(x)
        np.copyto(self.memory.rectangle, self.K.rectangle)
        self.memory.add_to_diagonal(ratio)
        try:
            factor = Cholesky.of(self.memory, self.progress)
        except NotPositiveDefiniteError:
            return None
        alpha = factor.solve(self.y)
        solved = _Solved(x, ratio, factor, alpha, factor.log_det(), float(self.y @ alpha))
        if not 0.0 < solved.data_fit < math.inf:
            return None
        return _evidence(self, solved) if self.criterion == "evidence" else _leave_one_out(self, solved)


@dataclass(frozen=True, eq=False)
class _Solved:
    """A alpha = y: x, lambda, the factor of A, alpha, log det A and y^T alpha."""

    x: float
    ratio: float
    factor: Cholesky
    alpha: Array
    log_det: float
    data_fit: float

    def log_evidence(self, variance: float) -> float:
        """The log evidence of M = variance A, in nats, [RW06] eq. 2.30."""
        N = len(self.alpha)
        return -0.5 * (self.data_fit / variance + N * math.log(2.0 * math.pi * variance) + self.log_det)


@dataclass(frozen=True)
class _Variance:
    """The best variance at a point, and the derivative of its logarithm in x.

    Attributes:
        value, slope: variance and derivative within the bounds.
        best, best_slope: variance and derivative without bounds.
        sigma2_bound: whether a bound of sigma2 sets the value.
    """

    value: float
    slope: float
    best: float
    best_slope: float
    sigma2_bound: bool = False

    @classmethod
    def of(cls, profile: Profile, ratio: float, best: float, slope: float) -> "_Variance":
        (low, high), (low_sigma2, high_sigma2) = profile.variance, (bound / ratio for bound in profile.sigma2)
        if max(low, low_sigma2) <= best <= min(high, high_sigma2):
            return cls(best, slope, best, slope)
        if best < max(low, low_sigma2):
            value, sigma2_bound = max(low, low_sigma2), low_sigma2 >= low
        else:
            value, sigma2_bound = min(high, high_sigma2), high_sigma2 <= high
        return cls(value, -1.0 if sigma2_bound else 0.0, best, slope, sigma2_bound)


# A positive term of dL/dx, and the derivative of its logarithm in x.
Term = tuple[float, float]


def _fit(at: _Solved, value: float, variance: _Variance, terms: tuple[Term, Term], error: float) -> Fit:
    """The point, from the terms rise and fall of dL/dx at a constant variance; `error` is of log(fall)."""
    rise, fall = terms
    if variance.sigma2_bound:
        N = len(at.alpha)
        rise = _sum(rise, (N / 2.0, 0.0))
        total = _sum(fall, (N * variance.best / (2.0 * variance.value), variance.best_slope - variance.slope))
        fall, error = total, error * fall[0] / total[0]
    return Fit(at.x, value, rise[0], fall[0], rise[1] - fall[1], error, variance.value, at.log_evidence(variance.value))


def _sum(one: Term, other: Term) -> Term:
    total = one[0] + other[0]
    return total, (one[0] * one[1] + other[0] * other[1]) / total


def _evidence(profile: Profile, at: _Solved) -> Fit:
    N, alpha, factor, ratio = len(at.alpha), at.alpha, at.factor, at.ratio
    signs, variance_of_square = _signs(N)
    half = factor.half_solve(np.column_stack([alpha, signs]))
    squared, product = float(alpha @ alpha), float(half[:, 0] @ half[:, 0])  # alpha^T Q alpha
    M = signs.shape[1]
    trace = float(np.square(half[:, 1:]).sum() / M)
    trace_of_square = float(np.square(factor.transposed_half_solve(half[:, 1:])).sum() / M)
    variance = _Variance.of(profile, ratio, at.data_fit / N, -ratio * squared / at.data_fit)
    rise = ratio * squared / (2.0 * variance.value), 1.0 - 2.0 * ratio * product / squared - variance.slope
    fall = ratio * trace / 2.0, 1.0 - ratio * trace_of_square / trace
    return _fit(at, at.log_evidence(variance.value), variance, (rise, fall), math.sqrt(variance_of_square / N))


def _leave_one_out(profile: Profile, at: _Solved) -> Fit:
    N, alpha, factor, ratio = len(at.alpha), at.alpha, at.factor, at.ratio
    signs, variance_of_square = _signs(N)
    once = factor.transposed_half_solve(factor.half_solve(np.column_stack([alpha, signs])))
    twice = factor.transposed_half_solve(factor.half_solve(once.copy(order="F")))
    kappa = inverse_diagonal(factor)
    q2, q3 = once[:, 0], twice[:, 0]  # Q alpha, Q^2 alpha
    squares = np.square(once[:, 1:])
    square, cube = squares.mean(axis=1), (once[:, 1:] * twice[:, 1:]).mean(axis=1)  # diagonals of Q^2 and Q^3
    # Unbiased estimate of square^2.
    squared = square**2 - (squares.var(axis=1) / squares.shape[1] if variance_of_square else 0.0)
    quotient, rises = alpha**2 / kappa, alpha * q2 / kappa
    best = float(np.mean(quotient))
    # In x, over -lambda: alpha' = q2, q2' = 2 q3, kappa' = square, square' = 2 cube.
    best_slope = -ratio * float(np.mean(2.0 * rises - quotient * square / kappa)) / best
    variance = _Variance.of(profile, ratio, best, best_slope)
    v = variance.value
    weights = (1.0 + quotient / v) / kappa
    falls = square * weights
    rise_slope = (q2**2 + 2.0 * alpha * q3 - alpha * q2 * square / kappa) / kappa
    fall_slope = (
        2.0 * cube * weights
        - squared * (weights + quotient / (v * kappa)) / kappa
        + square * (2.0 * rises + quotient * variance.slope / ratio) / (v * kappa)
    )
    total = float(falls.sum())
    rise = ratio / v * float(rises.sum()), 1.0 - ratio * float(rise_slope.sum() / rises.sum()) - variance.slope
    fall = ratio / 2.0 * total, 1.0 - ratio * float(fall_slope.sum()) / total
    value = -0.5 * (N * (math.log(2.0 * math.pi * v) + best / v) - float(np.log(kappa).sum()))
    return _fit(at, value, variance, (rise, fall), math.sqrt(variance_of_square * float(falls @ falls)) / total)


def _signs(N: int) -> tuple[Array, float]:
    """Sign vectors z (N, M), always the same, and the variance of the mean of (z^T u)^2 for a unit vector u."""
    M = max(SIGNS, NUMBERS // N)
    if N <= M:  # unit vectors are exact, and no more
        return math.sqrt(N) * np.eye(N), 0.0
    return np.random.default_rng(0).choice(np.array([-1.0, 1.0]), (N, M)), 2.0 / M
