"""How well a Gaussian process explains its data: the log marginal likelihood, its derivative, and leave-one-out."""

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
        Nats, of the density of y in its own units.
    """
    return -0.5 * (float(y @ alpha) + log_det + len(y) * math.log(2.0 * math.pi))


def noise_derivative(alpha: Array, inverse_diagonal: Array) -> float:
    """d log p(y | X) / d sigma2 = (alpha^T alpha - tr M^-1) / 2, [RW06] eq. 5.9, in nats per (unit of y)^2."""
    return 0.5 * (float(alpha @ alpha) - float(inverse_diagonal.sum()))


class LeaveOneOut(NamedTuple):
    """What a Gaussian process says of each observation when it is trained on all the others.

    Attributes:
        mean: (N,) in units of y.
        variance: (N,) of the observation, noise included, in (units of y)^2.
        log_density: (N,) log p(y_i | X, y without y_i), in nats.
    """

    mean: Array
    variance: Array
    log_density: Array


def leave_one_out(y: Array, alpha: Array, inverse_diagonal: Array) -> LeaveOneOut:
    """N trainings on N - 1 rows in one on N, [RW06] eqs. 5.10 and 5.12.

    Args:
        y: targets (N,).
        alpha: M^-1 y (N,).
        inverse_diagonal: of M^-1 (N,).
    """
    variance = 1.0 / inverse_diagonal
    error = alpha * variance
    log_density = -0.5 * (np.log(2.0 * math.pi * variance) + error * alpha)
    return LeaveOneOut(y - error, variance, log_density)
