"""Sampling: joint draws of function values whose mean and covariances are known."""

import numpy as np

from gaussian_processes.gp.arrays import Array


def draw(mean: Array, covariance: Array, count: int, generator: np.random.Generator) -> Array:
    """Draws (M, count) from the normal distribution of a mean (M,) and covariances (M, M), in units of the mean.

    Args:
        mean: (M,), finite.
        covariance: (M, M), symmetric and positive semidefinite up to rounding, finite.
        count: of draws.
        generator: of randomness; its state decides the draws.
    """
    # Equal or nearly equal rows leave a covariance without an inverse, and rounding leaves it eigenvalues below zero. A
    # Cholesky factor, even a pivoted one, would divide by pivots that are nothing but rounding. An eigendecomposition
    # divides by nothing: what is clipped here is as small as the rounding itself, and the draws' covariance is off by that.
    eigenvalues, Q = np.linalg.eigh(covariance)
    root = Q * np.sqrt(np.maximum(eigenvalues, 0.0))
    return np.asarray(mean[:, None] + root @ generator.standard_normal((len(mean), count)))
