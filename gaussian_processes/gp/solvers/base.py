"""Solver: how M alpha = y is solved. Direct, Mixed and Iterative are here, Tiled is in distributed_gp/."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.base import Inputs
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance

Number = TypeVar("Number", float, Array)


class Factor(Protocol):
    """The Cholesky factor L of M (N, N), on one machine or on several: what the posterior needs of it."""

    def __len__(self) -> int:
        """N."""

    def log_det(self) -> float:
        """log det M."""

    def inverse_diagonal(self, progress: Progress = no_progress) -> Array:
        """The diagonal (N,) of M^-1, at the cost of another factorisation, in the phase "leave-one-out"."""

    def mean_and_reduction(
        self, M: Covariance, others: Inputs, alpha: Array, progress: Progress = no_progress
    ) -> tuple[Array, Array]:
        """k^T alpha (n,) and k^T M^-1 k (n,), where k are the covariances of each of n other inputs with those of M.

        The first is the posterior mean, the second what the data take off the prior variance. Its phase is "prediction".
        """

    def write_into(self, packed: Packed, report: Callable[[float], None]) -> None:
        """Copy L into a packed matrix (N, N), such as one in a file; `report` takes the fraction that is done."""


@dataclass(frozen=True, eq=False)
class Solution:
    """What training computes.

    Attributes:
        alpha: M^-1 y (N,).
        factor: the Cholesky factor of M (N, N); None if the solver makes none, or if it was not stored.
        message: a sentence for the log on how the solver got there; may be empty.
    """

    alpha: Array
    factor: Factor | None = None
    message: str = ""


class Solver(Protocol):
    """A way to solve M alpha = y."""

    def solve(self, M: Covariance, y: Array, progress: Progress = no_progress) -> Solution:
        """Solve for finite targets y (N,).

        Raises:
            NotPositiveDefiniteError, NotConvergedError: M cannot be factored, or its residual stays too large.
            OverflowError: alpha is not finite.
        """


def require_finite(value: Number) -> Number:
    """M^-1 y (N,), or a number on the way to it, as it is; raises OverflowError if that is not finite."""
    if not np.isfinite(value).all():
        raise OverflowError("M^-1 y is too large for float64: scale the targets, or raise sigma2")
    return value
