r"""Profile: a criterion as a function of the noise's share alone, with the variance that is best for it.

With M = v A, A = K + lambda I, lambda = sigma2 / v, alpha = A^-1 y, Q = A^-1 and kappa = diag(Q), both criteria of
`criterion.py` are greatest in v where its derivative vanishes, and there, with x = log lambda,

    L = -(N log v - log det A^-1 + N + N log(2 pi))/2,      v = y^T alpha / N,              for the evidence,
    L = -(N log v - sum_i log kappa_i + N + N log(2 pi))/2, v = mean_i alpha_i^2 / kappa_i, for leave-one-out;

    dL/dx = lambda alpha^T alpha / (2 v) - lambda tr(Q) / 2,
    dL/dx = (lambda/v) sum_i alpha_i (Q alpha)_i / kappa_i
            - (lambda/2) sum_i (Q Q)_ii (1/kappa_i + alpha_i^2 / (v kappa_i^2)).

They follow from [RW06] eqs. 5.8 to 5.13. Where the bounds of sigma2 = lambda v or of v leave the best v out, the bound
takes its place; as v = sigma2 / lambda then changes with x, dL/dx is greater by N/2 - N best / (2 v). A Cholesky factor
gives all of it at the cost of some solutions, but tr(Q), tr(Q Q) and diag(Q Q), which need the inverse. These are
estimated from a few vectors z of random signs, E[z z^T] = I, as the means of |L^-1 z|^2, |Q z|^2 and (Q z)_i^2
(Hutchinson, Communications in Statistics 18, 1989). They say where to look, and no more:
the value is exact in every point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.linalg.inverse import inverse_diagonal
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.selection.line_search import Maximum, Point, maximum

# Vectors of signs at least, and numbers in them all: the fewer the rows, the more vectors. As many as rows would do no
# better than unit vectors, which are exact.
SIGNS, NUMBERS = 32, 25_600
# Nats that are not worth another factorisation: models that differ by less are equally good.
TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Fit(Point):
    """A point of a profile.

    Attributes:
        variance: v, the best for this lambda.
        log_evidence: with it, in nats; of the criterion "evidence" this is the value.
    """

    variance: float
    log_evidence: float


@dataclass(frozen=True, eq=False)
class Profile:
    """A criterion on given covariances and targets.

    Attributes:
        criterion: which.
        K: the covariances (N, N) for v = 1.
        y: targets (N,), not all 0.
        unit: of lambda: x is the logarithm of lambda / unit.
        memory: for a factor (N, N); is overwritten with every evaluation.
        sigma2, variance: the least and the greatest of each: the best v is the best that both allow.
        progress: is told of the factorisations.
    """

    criterion: Criterion
    K: Packed
    y: Array
    unit: float
    memory: Packed
    sigma2: tuple[float, float] = (0.0, math.inf)
    variance: tuple[float, float] = (0.0, math.inf)
    progress: Progress = no_progress

    def best(self, starts: Sequence[float], bounds: tuple[float, float]) -> Maximum[Fit]:
        """The best lambda to TOLERANCE in the criterion, from some factorisations: the maximum above the best of the starts.

        Args:
            starts: where to look first, as x.
            bounds: least and greatest x.
        """
        return maximum(self, starts, bounds, TOLERANCE)

    def __call__(self, x: float) -> Fit | None:
        """The profile at x, from a factorisation; None where A cannot be factored."""
        noise = self.unit * math.exp(x)
        np.copyto(self.memory.rectangle, self.K.rectangle)
        self.memory.add_to_diagonal(noise)
        try:
            factor = Cholesky.of(self.memory, self.progress)
        except NotPositiveDefiniteError:
            return None
        solved = _Solved.of(x, noise, factor, self.y)
        if not 0.0 < solved.misfit < math.inf:
            return None
        return _evidence(self, solved) if self.criterion == "evidence" else _leave_one_out(self, solved)


@dataclass(frozen=True, eq=False)
class _Solved:
    """A alpha = y in a point: x, lambda, A's factor, alpha, log det A and y^T alpha."""

    x: float
    noise: float
    factor: Cholesky
    alpha: Array
    log_det: float
    misfit: float

    @classmethod
    def of(cls, x: float, noise: float, factor: Cholesky, y: Array) -> "_Solved":
        alpha = factor.solve(y)
        return cls(x, noise, factor, alpha, factor.log_det(), float(y @ alpha))

    def log_evidence(self, variance: float) -> float:
        """For M = variance A, in nats: [RW06] eq. 2.30."""
        N = len(self.alpha)
        return -0.5 * (self.misfit / variance + N * math.log(2.0 * math.pi * variance) + self.log_det)


@dataclass(frozen=True)
class _Variance:
    """The variance that is best in a point: its value, and the derivative of its logarithm in x.

    Attributes:
        value, drift: within the bounds.
        best, free: without them.
    """

    value: float
    drift: float
    best: float
    free: float

    @classmethod
    def of(cls, profile: Profile, noise: float, best: float, free: float) -> "_Variance":
        low, high = (
            max(profile.variance[0], profile.sigma2[0] / noise),
            min(profile.variance[1], profile.sigma2[1] / noise),
        )
        if low <= best <= high:
            return cls(best, free, best, free)
        value, of_sigma2 = (low, profile.sigma2[0]) if best < low else (high, profile.sigma2[1])
        return cls(value, -1.0 if value == of_sigma2 / noise else 0.0, best, free)


# A part of the slope, and the derivative of its logarithm in x.
Part = tuple[float, float]


def _fit(at: _Solved, value: float, variance: _Variance, parts: tuple[Part, Part], error: float) -> Fit:
    """A point, from the parts of its slope for a variance that stays as it is."""
    rise, fall = parts
    if variance.value != variance.best and variance.drift:
        # The variance is what sigma2's bound leaves, and changes with x: so does the value, by N/2 - N best / (2 variance).
        N = len(at.alpha)
        rise = _sum(rise, (N / 2.0, 0.0))
        whole = _sum(fall, (N * variance.best / (2.0 * variance.value), variance.free - variance.drift))
        fall, error = whole, error * fall[0] / whole[0]
    return Fit(at.x, value, rise[0], fall[0], rise[1] - fall[1], error, variance.value, at.log_evidence(variance.value))


def _sum(one: Part, other: Part) -> Part:
    whole = one[0] + other[0]
    return whole, (one[0] * one[1] + other[0] * other[1]) / whole


def _evidence(profile: Profile, at: _Solved) -> Fit:
    N, alpha, factor, noise = len(at.alpha), at.alpha, at.factor, at.noise
    signs, variance_of_square = _signs(N)
    half = factor.half_solve(np.column_stack([alpha, signs]))
    squared, product = float(alpha @ alpha), float(half[:, 0] @ half[:, 0])  # alpha^T Q alpha
    trace = _mean_square(half[:, 1:])
    trace_of_square = _mean_square(factor.transposed_half_solve(half[:, 1:]))
    variance = _Variance.of(profile, noise, at.misfit / N, -noise * squared / at.misfit)
    rise = noise * squared / (2.0 * variance.value), 1.0 - 2.0 * noise * product / squared - variance.drift
    fall = noise * trace / 2.0, 1.0 - noise * trace_of_square / trace
    return _fit(at, at.log_evidence(variance.value), variance, (rise, fall), math.sqrt(variance_of_square / N))


def _leave_one_out(profile: Profile, at: _Solved) -> Fit:
    N, alpha, factor, noise = len(at.alpha), at.alpha, at.factor, at.noise
    signs, variance_of_square = _signs(N)
    once = factor.transposed_half_solve(factor.half_solve(np.column_stack([alpha, signs])))
    twice = factor.transposed_half_solve(factor.half_solve(once.copy(order="F")))
    kappa = inverse_diagonal(factor)
    # Of alpha, Q alpha and Q^2 alpha; of the vectors of signs, the diagonals of Q^2 and Q^3.
    q2, q3 = once[:, 0], twice[:, 0]
    squares = np.square(once[:, 1:])
    square, cube = squares.mean(axis=1), (once[:, 1:] * twice[:, 1:]).mean(axis=1)
    # The mean's own square is too large by its variance.
    squared = square**2 - (squares.var(axis=1) / squares.shape[1] if variance_of_square else 0.0)
    ratio, rises = alpha**2 / kappa, alpha * q2 / kappa
    best = float(np.mean(ratio))
    # Derivatives in x over -lambda: alpha' = q2, q2' = 2 q3, kappa' = square, square' = 2 cube.
    settled = _Variance.of(profile, noise, best, -noise * float(np.mean(2.0 * rises - ratio * square / kappa)) / best)
    variance = settled.value
    weights = (1.0 + ratio / variance) / kappa
    falls = square * weights
    rise_slope = (q2**2 + 2.0 * alpha * q3 - alpha * q2 * square / kappa) / kappa
    fall_slope = (
        2.0 * cube * weights
        - squared * (weights + ratio / (variance * kappa)) / kappa
        + square * (2.0 * rises + ratio * settled.drift / noise) / (variance * kappa)
    )
    total = float(falls.sum())
    rise = noise / variance * float(rises.sum()), 1.0 - noise * float(rise_slope.sum() / rises.sum()) - settled.drift
    fall = noise / 2.0 * total, 1.0 - noise * float(fall_slope.sum()) / total
    value = -0.5 * (N * (math.log(2.0 * math.pi * variance) + best / variance) - float(np.log(kappa).sum()))
    return _fit(at, value, settled, (rise, fall), math.sqrt(variance_of_square * float(falls @ falls)) / total)


def _mean_square(Z: Array) -> float:
    """Of the lengths of columns."""
    return float(np.square(Z).sum() / Z.shape[1])


def _signs(N: int) -> tuple[Array, float]:
    """Vectors (N, M) of signs, the same every time, and the variance of the mean of M squared products with a unit vector."""
    M = max(SIGNS, NUMBERS // N)
    if N <= M:
        return math.sqrt(N) * np.eye(N), 0.0
    return np.random.default_rng(0).choice(np.array([-1.0, 1.0]), (N, M)), 2.0 / M
