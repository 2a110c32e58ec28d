"""Direct: M = L L^T on this machine in double precision, [RW06] Algorithm 2.1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.base import Inputs
from gaussian_processes.gp.linalg.cholesky import BlockSizes, Cholesky
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.solvers.base import Solution, require_finite
from gaussian_processes.gp.solvers.covariance import Covariance


@dataclass(frozen=True, eq=False)
class DirectFactor(Cholesky):
    """The factor of M on this machine, in the precision that was enough; a `base.Factor`."""

    def mean_and_reduction(
        self, M: Covariance, others: Inputs, alpha: Array, progress: Progress = no_progress
    ) -> tuple[Array, Array]:
        """See `base.Factor`. In single precision the reduction has an error of about 1e-6 of the prior variance."""
        mean, reduction = np.empty(len(others)), np.empty(len(others))
        work = Work("prediction", len(others), progress)
        for block in self.sizes.slices(len(others), len(self)):
            K_star, mean[block] = M.cross_and_product(others[block], alpha)  # [RW06] Alg. 2.1 line 4
            V = self.half_solve(K_star.T)  # line 5, in K_star's own memory
            reduction[block] = np.einsum("nm,nm->m", V, V, dtype=np.float64)  # line 6
            work.advance(block.stop - block.start)
        return mean, reduction

    def write_into(self, packed: Packed, report: Callable[[float], None]) -> None:
        """See `base.Factor`."""
        packed.rectangle[:] = self.L.rectangle
        report(1.0)


@dataclass(frozen=True)
class Direct:
    """Solve by Cholesky factorisation; the phases are "Gram matrix" and "Cholesky".

    Attributes:
        sizes: how much the factor computes at a time.
    """

    sizes: BlockSizes = BlockSizes()

    def solve(self, M: Covariance, y: Array, progress: Progress = no_progress) -> Solution:
        """See `base.Solver`."""
        factor = DirectFactor.of(M.packed(np.float64, progress), progress, self.sizes)  # [RW06] Alg. 2.1 line 2
        return Solution(require_finite(factor.solve(y)), factor)  # line 3
