"""TrainedGPModel: exact Gaussian-process regression with zero mean, [RW06] Algorithm 2.1."""

from collections.abc import Iterator
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args, overload

import numpy as np

from gaussian_processes.gp.arguments import among, array, number, observations
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.evidence import LeaveOneOut, leave_one_out, log_evidence, noise_derivative
from gaussian_processes.gp.kernels.base import Inputs, Kernel
from gaussian_processes.gp.kernels.matrices import matrix_and_product, packed_gram
from gaussian_processes.gp.kernels.matvec import product
from gaussian_processes.gp.linalg.blas import subtract_square
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Precision, Solution, solve

# Covariances with requests that are held at a time for their variances, or entries of the inverse of the factor: below
# 32 MiB, which the C library keeps for the next ones; larger pieces would come from the system, page by page, each time.
ENTRIES = 4_000_000
# Columns of that inverse that are begun together, at the first one's row, at most.
TOGETHER = 256


@dataclass(frozen=True, eq=False)
class TrainedGPModel:
    """A Gaussian process conditioned on data. Construction trains it.

    Args:
        X: training rows (N, d).
        y: targets (N,).
        kernel: the prior covariance.
        sigma2: noise variance > 0, in (units of y)^2.
        precision: "double", or "mixed" for a factor in single precision and a solution refined to double's; see
            `predict` and `log_evidence` for what then is less exact.
        solution: an earlier training's result on the same X, y, kernel and sigma2, taken as it is.
        progress: is told how far the phases of training are; not kept.

    Raises:
        ValueError: shapes that do not match, numbers that are not finite, sigma2 not above zero.
        LengthError: a training row has no direction or no finite covariance.
        NotPositiveDefiniteError: M cannot be factored.
        OverflowError: M^-1 y is not finite.
    """

    X: Array
    y: Array
    kernel: Kernel[Any]
    sigma2: float
    precision: Precision = "double"
    solution: Solution = field(default=None, repr=False)  # type: ignore[assignment]  # None until training fills it
    progress: InitVar[Progress] = no_progress
    _rows: Inputs = field(init=False, repr=False)

    def __post_init__(self, progress: Progress) -> None:
        # Copies that cannot be written to: what the model was trained on does not change under it.
        X, y = (given.copy() for given in observations(self.X, self.y))
        among("precision", [self.precision], get_args(Precision))
        X.setflags(write=False)
        y.setflags(write=False)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "sigma2", number("sigma2", self.sigma2, above_0=True))
        object.__setattr__(self, "_rows", self.kernel.inputs(X))
        if self.solution is None:
            solution = solve(Covariance(self.kernel, self._rows, self.sigma2), y, self.precision, progress)
            object.__setattr__(self, "solution", solution)
        array("alpha", self.solution.alpha, len(y))
        if self.solution.factor is not None and len(self.solution.factor.L) != len(y):
            raise ValueError(f"the factor is of {len(self.solution.factor.L)} rows; {len(y)} are wanted")

    @property
    def has_factor(self) -> bool:
        """Whether standard deviations, the evidence and leave-one-out can be had."""
        return self.solution.factor is not None

    @property
    def log_evidence(self) -> float:
        """log p(y | X), in nats; from a factor in single precision to five digits, fewer as sigma2 gets small."""
        return log_evidence(self.y, self.solution.alpha, self._factor)

    @cached_property
    def log_evidence_noise_derivative(self) -> float:
        """d log p(y | X) / d sigma2, at the cost of another factorisation."""
        return noise_derivative(self.solution.alpha, self._inverse_diagonal(no_progress))

    def leave_one_out(self, progress: Progress = no_progress) -> LeaveOneOut:
        """What the other rows say of each training row, at the cost of another factorisation.

        From a factor in single precision the variances, and the distances y - mean, have a relative error of about 1e-6
        times the prior variance over sigma2. Progress is told of the phase "leave-one-out".
        """
        return leave_one_out(self.y, self.solution.alpha, self._inverse_diagonal(progress))

    def _inverse_diagonal(self, progress: Progress) -> Array:
        blocks = _blocks(len(self.X), max(len(self.X), ENTRIES // TOGETHER))
        return self._factor.inverse_diagonal(blocks, progress)

    @property
    def _factor(self) -> Cholesky:
        if self.solution.factor is None:
            raise ValueError("this model was kept without its factor: it gives means alone")
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
        Progress is told of the phase "prediction".

        Raises:
            ValueError: X_star is not (M, d) with the training rows' d, or not finite; or a standard deviation is asked of
                a solution whose factor was not kept.
            LengthError: a row has no direction or no finite covariance.
        """
        rows = self._requested(X_star, together=False)
        alpha = self.solution.alpha
        if not return_std:
            return product(self.kernel, rows, self._rows, alpha, progress)
        mean, variance = np.empty(len(rows)), self.kernel.prior_variances(rows)
        work = Work("prediction", len(rows), progress)
        for block in _blocks(len(rows), len(self.X)):
            # [RW06] Alg. 2.1 line 4
            K_star, mean[block] = matrix_and_product(self.kernel, rows[block], self._rows, alpha)
            V = self._factor.half_solve(K_star.T)  # line 5, in K_star's own memory
            variance[block] -= np.einsum("nm,nm->m", V, V, dtype=np.float64)  # line 6
            work.advance(block.stop - block.start)
        # Rounding can leave a variance a few ulps below zero where the data say all there is to say.
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def predict_joint(self, X_star: Array) -> tuple[Array, Array]:
        """The posterior mean (M,) at rows X_star (M, d), and the covariances (M, M) of the latent function among them.

        In units of y, and of y^2. The matrix is symmetric to the bit; its diagonal is the `std`^2 of `predict` up to
        rounding. From a factor in single precision it has an error of about 1e-6 of the prior variance. Beside the
        result, it takes M N numbers of the factor's precision.

        Raises:
            ValueError: as `predict`; or the solution's factor was not kept.
            LengthError: as `predict`.
        """
        rows, factor = self._requested(X_star, together=True), self._factor
        M, N = len(rows), len(self.X)
        if not M:
            return np.empty(0), np.empty((0, 0))  # BLAS takes no matrix without rows
        mean, K_star = np.empty(M), np.empty((M, N), factor.L.rectangle.dtype)
        for block in _blocks(M, N):
            # [RW06] Alg. 2.1 line 4
            K_star[block], mean[block] = matrix_and_product(self.kernel, rows[block], self._rows, self.solution.alpha)
        V = factor.half_solve(K_star.T)  # line 5, in K_star's own memory
        covariance = packed_gram(self.kernel, rows).lower()
        for block in _blocks(N, M):
            # [RW06] eq. 2.24 with V^T V for the second term, as in line 6; summed in double precision whatever V's is.
            subtract_square(covariance, V[block].astype(np.float64, copy=False).T)
        np.fill_diagonal(covariance, np.maximum(np.diagonal(covariance), 0.0))  # as in `predict`
        return mean, covariance + np.tril(covariance, -1).T

    def _requested(self, X_star: Array, *, together: bool) -> Inputs:
        """Rows to predict at as the kernel sees them, those that are a training row to rounding made that row."""
        X_star = array("X_star", X_star, "M", self.X.shape[1])
        inputs: Inputs = self.kernel.inputs(X_star, training=self._rows, together=together)
        return inputs


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


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices that cover `rows` rows in blocks of one size, each of at most about ENTRIES entries."""
    count = max(1, -(-rows * columns // ENTRIES))
    step = max(1, -(-rows // count))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
