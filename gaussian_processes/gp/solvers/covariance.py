"""Covariance: M = sigma2 I + K, what the targets are supposed to vary by; made in half the memory, or not at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.inputs import Directions
from gaussian_processes.gp.kernels.matvec import strip_product
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, untold


@dataclass(frozen=True, eq=False)
class Covariance:
    """M = sigma2 I + K (N, N).

    Attributes:
        kernel: of K.
        rows: N of them.
        sigma2: noise variance, in (units of y)^2.
    """

    kernel: ArcCosine
    rows: Directions
    sigma2: float

    def packed(self, dtype: type[np.floating[Any]] = np.float64, progress: Progress = untold) -> Packed:
        """M, in float64 or float32. Its phase is "Gram matrix"."""
        # Lengths and variances that single precision cannot hold become infinite, and are found when M is factored.
        with np.errstate(over="ignore"):
            M = self.kernel.packed_gram(self.rows, dtype, progress)
            M.add_to_diagonal(self.sigma2)
        return M

    def __matmul__(self, v: Array) -> Array:
        """M v (N,) in double precision from entries that are computed again."""
        return self.sigma2 * v + strip_product(self.kernel, self.rows, v, slice(0, len(v)))
