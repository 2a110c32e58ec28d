"""Evidence: the log marginal likelihood, its derivative in the noise, and leave-one-out densities, [RW06] chapter 5.4."""

import math
from typing import NamedTuple

import numpy as np

from gaussian_processes.gp.arrays import Array


def log_evidence(y: Array, alpha: Array, log_det: float) -> float:
    """log p(y | X) = -y^T alpha / 2 - log det(M) / 2 - N log(2 pi) / 2, [RW06] eq. 2.30.

    Args:
        y: targets (N,).
        alpha: M^-1 y (N,).
        log_det: log det M.

    Returns:
        Log density in nats, for y in its own units.
    """
    return -0.5 * (float(y @ alpha) + log_det + len(y) * math.log(2.0 * math.pi))


def noise_derivative(alpha: Array, inverse_diagonal: Array) -> float:
    """d log p(y | X) / d sigma2 = (alpha^T alpha - tr M^-1) / 2, [RW06] eq. 5.9, in nats per (unit of y)^2."""
    return 0.5 * (float(alpha @ alpha) - float(inverse_diagonal.sum()))


class LeaveOneOut(NamedTuple):
    """The predictive distribution of each observation given all others.

    Attributes:
        mean: predictive means (N,), in units of y.
        variance: predictive variances (N,) of y, noise included, in (units of y)^2.
        log_density: log p(y_i | X, y without y_i) (N,), in nats.
    """

    mean: Array
    variance: Array
    log_density: Array


def leave_one_out(y: Array, alpha: Array, inverse_diagonal: Array) -> LeaveOneOut:
    """Leave-one-out predictions from one training on all rows, [RW06] eqs. 5.10 and 5.12.

    Args:
        y: targets (N,).
        alpha: M^-1 y (N,).
        inverse_diagonal: diagonal of M^-1 (N,).
    """
    variance = 1.0 / inverse_diagonal
    error = alpha * variance
    log_density = -0.5 * (np.log(2.0 * math.pi * variance) + error * alpha)
    return LeaveOneOut(y - error, variance, log_density)
