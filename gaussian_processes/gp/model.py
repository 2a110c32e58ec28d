"""TrainedGPModel: exact Gaussian-process regression with zero mean, [RW06] Algorithm 2.1."""

from dataclasses import dataclass, field
from typing import Literal, overload

import numpy as np

from gaussian_processes.gp.arccosine import Array
from gaussian_processes.gp.blocks import blocks
from gaussian_processes.gp.evidence import log_evidence
from gaussian_processes.gp.factor import Cholesky
from gaussian_processes.gp.kernel import ArcCosine


@dataclass(frozen=True, eq=False)
class Solution:
    """What training computes: M = sigma2 I + K = L L^T and alpha = M^-1 y (N,)."""

    factor: Cholesky
    alpha: Array


@dataclass(frozen=True, eq=False)
class TrainedGPModel:
    """A Gaussian process conditioned on data. Construction trains it.

    Args:
        X: training rows (N, d).
        y: targets (N,).
        kernel: the prior covariance.
        sigma2: noise variance > 0, in (units of y)^2.
        solution: an earlier training's result on the same X, y, kernel and sigma2, taken as it is.

    Raises:
        ValueError: shapes that do not match, numbers that are not finite, sigma2 not above zero.
        LengthError: a training row has no direction or no finite covariance.
        NotPositiveDefiniteError: M cannot be factored.
        OverflowError: M^-1 y is not finite.
    """

    X: Array
    y: Array
    kernel: ArcCosine
    sigma2: float
    solution: Solution = field(default=None, repr=False)  # type: ignore[assignment]  # None until training fills it

    def __post_init__(self) -> None:
        # Copies that cannot be written to: what the model was trained on does not change under it.
        X = np.array(self.X, dtype=np.float64)
        y = np.array(self.y, dtype=np.float64)
        if X.ndim != 2 or y.shape != X.shape[:1] or not len(y):
            raise ValueError(f"X has shape {X.shape} and y {y.shape}; (N, d) and (N,), N >= 1, are wanted")
        if not (np.isfinite(X).all() and np.isfinite(y).all()):
            raise ValueError("X or y holds NaN or infinity; finite numbers are wanted")
        if not (np.isfinite(self.sigma2) and self.sigma2 > 0):
            raise ValueError(f"sigma2 is {self.sigma2!r}; a finite number above 0 is wanted")
        X.setflags(write=False)
        y.setflags(write=False)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        if self.solution is None:
            object.__setattr__(self, "solution", _train(X, y, self.kernel, self.sigma2))

    @property
    def log_evidence(self) -> float:
        """log p(y | X), in nats."""
        return log_evidence(self.y, self.solution.alpha, self.solution.factor)

    @overload
    def predict(self, X_star: Array, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X_star: Array, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X_star: Array, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The posterior mean (M,) at rows X_star (M, d) and, if asked, the latent function's standard deviation (M,).

        Both are in units of y. The standard deviation is that of the function: an observation's variance is
        std^2 + sigma2.

        Raises:
            ValueError: X_star is not (M, d) with the training rows' d, or not finite.
            LengthError: a row has no direction or no finite covariance.
        """
        X_star = np.asarray(X_star, dtype=np.float64)
        if X_star.ndim != 2 or X_star.shape[1] != self.X.shape[1]:
            raise ValueError(f"X_star has shape {X_star.shape}; (M, {self.X.shape[1]}) is wanted")
        if not np.isfinite(X_star).all():
            raise ValueError("X_star holds NaN or infinity; finite numbers are wanted")
        prior = self.kernel.diagonal(X_star)  # of all rows at once, so that an error names them as they were given
        mean = np.empty(len(X_star))
        std = np.empty(len(X_star))
        for rows in blocks(len(X_star), len(self.X)):
            K_star = self.kernel.cross(self.X, X_star[rows])
            mean[rows] = K_star.T @ self.solution.alpha  # [RW06] Alg. 2.1 line 4
            if return_std:
                V = self.solution.factor.half_solve(K_star)  # line 5
                variance = prior[rows] - np.einsum("nm,nm->m", V, V)  # line 6
                # Rounding can leave a variance a few ulps below zero where the data say all there is to say.
                std[rows] = np.sqrt(np.maximum(variance, 0.0))
        return (mean, std) if return_std else mean


def _train(X: Array, y: Array, kernel: ArcCosine, sigma2: float) -> Solution:
    M = kernel.gram(X)
    M[np.diag_indices_from(M)] += sigma2
    factor = Cholesky.of(M)  # [RW06] Alg. 2.1 line 2
    alpha = factor.solve(y)  # line 3
    if not np.isfinite(alpha).all():
        raise OverflowError("M^-1 y is too large for float64: scale the targets, or raise sigma2")
    return Solution(factor, alpha)
