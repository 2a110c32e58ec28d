"""Covariance: M = sigma2 I + K, the covariance matrix of the targets; stored in half the memory, or not at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.kernels.base import Inputs, Kernel
from gaussian_processes.gp.kernels.matrices import matrix, matrix_and_product, packed_gram
from gaussian_processes.gp.kernels.matvec import product, strip_product
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, no_progress


@dataclass(frozen=True, eq=False)
class Covariance:
    """M = sigma2 I + K (N, N). Solvers see a Gaussian process through it.

    Attributes:
        kernel: the kernel of K.
        inputs: N rows as the kernel sees them.
        sigma2: noise variance, in (units of y)^2.
    """

    kernel: Kernel[Any]
    inputs: Inputs
    sigma2: float

    def __len__(self) -> int:
        return len(self.inputs)

    def packed(self, dtype: type[np.floating[Any]] = np.float64, progress: Progress = no_progress) -> Packed:
        """M, in float64 or float32. The phase of `progress` is "Gram matrix"."""
        M = packed_gram(self.kernel, self.inputs, dtype, progress)
        # A variance that single precision cannot hold becomes infinite; the factorisation finds it.
        with np.errstate(over="ignore"):
            M.add_to_diagonal(self.sigma2)
        return M

    def tile(self, rows: slice, columns: slice) -> Matrix:
        """A part of M, as a matrix; either the two slices are one or they have no row in common."""
        tile = matrix(self.kernel, self.inputs[rows], self.inputs[columns])
        if rows == columns:
            tile[np.diag_indices(len(tile))] += self.sigma2
        return tile

    def cross(self, others: Inputs, columns: slice | NDArray[np.intp] = slice(None)) -> Matrix:
        """Covariances (n, N) of other inputs with these, or with some of them."""
        return matrix(self.kernel, others, self.inputs[columns])

    def cross_and_product(self, others: Inputs, v: Array) -> tuple[Matrix, Array]:
        """`cross` K (n, N), and K v (n,) for v (N,), in one pass."""
        return matrix_and_product(self.kernel, others, self.inputs, v)

    def cross_times(self, others: Inputs, v: Array, progress: Progress = no_progress) -> Array:
        """`cross` times v (N,), without the matrix: (n,). The phase of `progress` is "prediction"."""
        return product(self.kernel, others, self.inputs, v, progress)

    def strip_product(self, v: Array, strip: slice, dtype: type[np.floating[Any]] = np.float64) -> Array:
        """The part of K v (N,) that a strip of K contributes; see `matvec.strip_product`."""
        return strip_product(self.kernel, self.inputs, v, strip, dtype)

    def product(self, v: Array, dtype: type[np.floating[Any]] = np.float64) -> Array:
        """M v (N,) in double precision, from entries in `dtype` that are computed again."""
        return self.sigma2 * v + self.strip_product(v, slice(0, len(v)), dtype)

    def __matmul__(self, v: Array) -> Array:
        """M v (N,) in double precision."""
        return self.product(v)
