"""The log marginal likelihood of a trained Gaussian process, and its derivative."""

import math

from gaussian_processes.gp.arccosine import Array
from gaussian_processes.gp.factor import Cholesky


def log_evidence(y: Array, alpha: Array, factor: Cholesky) -> float:
    """log p(y | X) = -y^T alpha / 2 - log det(M) / 2 - N log(2 pi) / 2, [RW06] eq. 2.30.

    Args:
        y: targets (N,).
        alpha: M^-1 y (N,).
        factor: the Cholesky factor of M.

    Returns:
        Nats, of the density of y in its own units.
    """
    return -0.5 * (float(y @ alpha) + factor.log_det() + len(y) * math.log(2.0 * math.pi))


def noise_derivative(alpha: Array, factor: Cholesky) -> float:
    """d log p(y | X) / d sigma2 = (alpha^T alpha - tr M^-1) / 2, [RW06] eq. 5.9, in nats per (unit of y)^2."""
    return 0.5 * (float(alpha @ alpha) - factor.trace_of_inverse())
