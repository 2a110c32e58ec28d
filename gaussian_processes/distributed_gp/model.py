"""TiledGPModel: a Gaussian process whose factor lies in tiles on several hosts."""

from dataclasses import dataclass, field
from typing import Any, Literal, overload

import numpy as np

from gaussian_processes.distributed_gp.cholesky import TiledCholesky
from gaussian_processes.distributed_gp.engine import Engine
from gaussian_processes.gp.arguments import observations
from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.evidence import log_evidence
from gaussian_processes.gp.kernels.base import Kernel
from gaussian_processes.gp.kernels.matvec import product
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Solution, require_finite


@dataclass(frozen=True, eq=False)
class TiledGPModel(TrainedGPModel):
    """As TrainedGPModel, for as long as the hosts are there. `trained` makes one; predict_joint is for one machine alone.

    Attributes:
        tiles: the factor.
    """

    tiles: TiledCholesky = field(default=None, kw_only=True, repr=False)  # type: ignore[assignment]  # `trained` has it

    @classmethod
    def trained(  # noqa: PLR0913, PLR0917  # TrainedGPModel's arguments, and the hosts
        cls, X: Array, y: Array, kernel: Kernel[Any], sigma2: float, engine: Engine, progress: Progress = no_progress
    ) -> "TiledGPModel":
        """[RW06] Algorithm 2.1 in tiles, in double precision. Progress is told of the phase "Cholesky".

        Args:
            X: as TrainedGPModel's.
            y: as TrainedGPModel's.
            kernel: as TrainedGPModel's.
            sigma2: as TrainedGPModel's.
            engine: the hosts.
            progress: is told.

        Raises:
            ValueError, LengthError, NotPositiveDefiniteError, OverflowError: as TrainedGPModel.
        """
        X, y = observations(X, y)
        tiles = TiledCholesky.of(Covariance(kernel, kernel.inputs(X), sigma2), engine, progress)
        alpha = require_finite(tiles.solve(y))
        T, hosts = len(tiles.grid), len(engine.hosts)
        account = f"Factored in {T} by {T} tiles of {-(-len(y) // T)} rows on {hosts} hosts."
        return cls(X, y, kernel, sigma2, solution=Solution(None, alpha, account), tiles=tiles)

    @property
    def has_factor(self) -> bool:
        """In tiles."""
        return True

    @property
    def log_evidence(self) -> float:
        """log p(y | X), in nats."""
        return log_evidence(self.y, self.solution.alpha, self.tiles)

    def _inverse_diagonal(self, progress: Progress) -> Array:
        return self.tiles.inverse_diagonal(progress)

    @overload
    def predict(self, X_star: Array, return_std: Literal[False] = False, *, progress: Progress = ...) -> Array: ...

    @overload
    def predict(self, X_star: Array, return_std: Literal[True], *, progress: Progress = ...) -> tuple[Array, Array]: ...

    def predict(self, X_star: Array, return_std: bool = False, *, progress: Progress = no_progress) -> Any:
        """As TrainedGPModel's; standard deviations from the tiles, where they are."""
        rows = self._requested(X_star, together=False)
        mean = product(self.kernel, rows, self._rows, self.solution.alpha)
        if not return_std:
            return mean
        variance = self.kernel.prior_variances(rows) - self.tiles.squares(rows, progress)
        return mean, np.sqrt(np.maximum(variance, 0.0))
