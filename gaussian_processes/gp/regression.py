"""TrainedGPModel: exact Gaussian-process regression with zero mean, [RW06] Algorithm 2.1."""

from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np

from gaussian_processes.gp.arguments import array, number, observations
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.evidence import LeaveOneOut, leave_one_out, log_evidence, noise_derivative
from gaussian_processes.gp.kernels.base import Inputs, Kernel
from gaussian_processes.gp.kernels.matrices import packed_gram
from gaussian_processes.gp.linalg.blas import subtract_square
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.base import Factor, Solution, Solver
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Direct, DirectFactor


@dataclass(frozen=True, eq=False)
class TrainedGPModel:
    """A Gaussian process conditioned on data. Construction trains it.

    Args:
        X: training rows (N, d).
        y: targets (N,).
        kernel: the prior covariance.
        sigma2: noise variance > 0, in (units of y)^2.
        solver: solver of M alpha = y, M = sigma2 I + K. `Mixed` factors in single precision, in half the time and memory;
            `predict` and `log_evidence` say how accurate they then are. `Iterative` has no factor, only means.
        solution: result of an earlier training on the same X, y, kernel and sigma2, used unchanged.
        progress: callback for the phases of training; not stored.

    Raises:
        ValueError: shapes that do not match, numbers that are not finite, sigma2 not above zero.
        LengthError: a training row has no direction or no finite covariance.
        NotPositiveDefiniteError, NotConvergedError, OverflowError: see `solvers.base.Solver`.
    """

    X: Array
    y: Array
    kernel: Kernel[Any]
    sigma2: float
    solver: Solver = Direct()
    solution: Solution = field(default=None, repr=False)  # type: ignore[assignment]  # None until training fills it
    progress: InitVar[Progress] = no_progress
    _M: Covariance = field(init=False, repr=False)

    def __post_init__(self, progress: Progress) -> None:
        # Read-only copies: the caller may change the originals.
        X, y = (given.copy() for given in observations(self.X, self.y))
        X.setflags(write=False)
        y.setflags(write=False)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "sigma2", number("sigma2", self.sigma2, above_0=True))
        object.__setattr__(self, "_M", Covariance(self.kernel, self.kernel.inputs(X), self.sigma2))
        if self.solution is None:
            object.__setattr__(self, "solution", self.solver.solve(self._M, y, progress))
        array("alpha", self.solution.alpha, len(y))
        if self.solution.factor is not None and len(self.solution.factor) != len(y):
            raise ValueError(f"the factor has {len(self.solution.factor)} rows, and X has {len(y)}")

    @property
    def has_factor(self) -> bool:
        """Whether the model gives standard deviations, the evidence and leave-one-out."""
        return self.solution.factor is not None

    @property
    def log_evidence(self) -> float:
        """log p(y | X), in nats; from a factor in single precision to five digits, fewer as sigma2 gets small."""
        return log_evidence(self.y, self.solution.alpha, self._factor.log_det())

    @cached_property
    def log_evidence_noise_derivative(self) -> float:
        """d log p(y | X) / d sigma2, at the cost of another factorisation."""
        return noise_derivative(self.solution.alpha, self._factor.inverse_diagonal())

    def leave_one_out(self, progress: Progress = no_progress) -> LeaveOneOut:
        """The prediction of each training row from the others, at the cost of another factorisation.

        From a factor in single precision the variances, and the distances y - mean, have a relative error of about 1e-6
        times the prior variance over sigma2. Reports progress of the phase "leave-one-out".
        """
        return leave_one_out(self.y, self.solution.alpha, self._factor.inverse_diagonal(progress))

    @property
    def _factor(self) -> Factor:
        if self.solution.factor is None:
            raise ValueError("this model has no factor: it predicts means alone")
        return self.solution.factor

    @overload
    def predict(self, X_star: Array, return_std: Literal[False] = False, *, progress: Progress = ...) -> Array: ...

    @overload
    def predict(self, X_star: Array, return_std: Literal[True], *, progress: Progress = ...) -> tuple[Array, Array]: ...

    def predict(
        self, X_star: Array, return_std: bool = False, *, progress: Progress = no_progress
    ) -> Array | tuple[Array, Array]:
        """The posterior mean (M,) at rows X_star (M, d) and, if asked, the latent function's standard deviation (M,).

        Both are in units of y. The standard deviation is that of the function: an observation's variance is
        std^2 + sigma2. From a factor in single precision, std^2 has an error of about 1e-6 of the prior variance.
        Reports progress of the phase "prediction".

        Raises:
            ValueError: X_star is not (M, d) with the training rows' d, or not finite; or return_std, and no factor.
            LengthError: a row has no direction or no finite covariance.
        """
        rows = self._requested(X_star, together=False)
        if not return_std:
            return self._M.cross_times(rows, self.solution.alpha, progress)
        mean, reduction = self._factor.mean_and_reduction(self._M, rows, self.solution.alpha, progress)
        variance = self.kernel.prior_variances(rows) - reduction
        # Rounding can leave a variance a few ulps below zero where the data determine the function.
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def predict_joint(self, X_star: Array) -> tuple[Array, Array]:
        """The posterior mean (M,) at rows X_star (M, d), and the covariances (M, M) of the latent function among them.

        In units of y, and of y^2. The matrix is symmetric to the bit; its diagonal is the `std`^2 of `predict` up to
        rounding. From a factor in single precision it has an error of about 1e-6 of the prior variance. Beside the
        result, it takes M N numbers of the factor's precision.

        Raises:
            ValueError: as `predict`; or the factor is not on this machine.
            LengthError: as `predict`.
        """
        rows, factor = self._requested(X_star, together=True), self._factor
        if not isinstance(factor, DirectFactor):
            raise ValueError("joint predictions need the factor on one machine")  # noqa: TRY004  # no argument's type
        M, N = len(rows), len(self.X)
        if not M:
            return np.empty(0), np.empty((0, 0))  # BLAS takes no matrix without rows
        mean, K_star = np.empty(M), np.empty((M, N), factor.L.rectangle.dtype)
        for block in factor.sizes.slices(M, N):
            # [RW06] Alg. 2.1 line 4
            K_star[block], mean[block] = self._M.cross_and_product(rows[block], self.solution.alpha)
        V = factor.half_solve(K_star.T)  # line 5, in K_star's own memory
        covariance = packed_gram(self.kernel, rows).lower()
        for block in factor.sizes.slices(N, M):
            # [RW06] eq. 2.24 with V^T V for the second term, as in line 6; summed in double precision whatever V's is.
            subtract_square(covariance, V[block].astype(np.float64, copy=False).T)
        np.fill_diagonal(covariance, np.maximum(np.diagonal(covariance), 0.0))  # as in `predict`
        return mean, covariance + np.tril(covariance, -1).T

    def prior_variances(self, X: Array) -> Array:
        """The prior variances (M,) of the function at rows X (M, d), in (units of y)^2; LengthError as `predict`."""
        variances: Array = self.kernel.prior_variances(self.kernel.inputs(X, together=False))
        return variances

    def _requested(self, X_star: Array, *, together: bool) -> Inputs:
        """The kernel's inputs for rows to predict at; a row that equals a training row to rounding becomes that row."""
        X_star = array("X_star", X_star, "M", self.X.shape[1])
        inputs: Inputs = self.kernel.inputs(X_star, training=self._M.inputs, together=together)
        return inputs


def draw(mean: Array, covariance: Array, count: int, generator: np.random.Generator) -> Array:
    """Draws (M, count) from the normal distribution of a mean (M,) and covariances (M, M), in units of the mean.

    Args:
        mean: (M,), finite.
        covariance: (M, M), symmetric and positive semidefinite up to rounding, finite.
        count: number of draws.
        generator: source of randomness.
    """
    # Equal or nearly equal rows leave a covariance without an inverse, and rounding leaves it eigenvalues below zero. A
    # Cholesky factor, even a pivoted one, would divide by pivots that are nothing but rounding. An eigendecomposition
    # divides by nothing: what is clipped here is as small as the rounding itself, and the draws' covariance is off by that.
    eigenvalues, Q = np.linalg.eigh(covariance)
    root = Q * np.sqrt(np.maximum(eigenvalues, 0.0))
    return np.asarray(mean[:, None] + root @ generator.standard_normal((len(mean), count)))
