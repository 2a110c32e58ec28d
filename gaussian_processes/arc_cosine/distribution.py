"""Distribution: a regression over several hosts, each with a part of the factor."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from gaussian_processes.algorithm import Cluster, Reporter, Streamed
from gaussian_processes.arc_cosine.learning import Choice
from gaussian_processes.arc_cosine.regression import FittedRegression, fitted, iterated
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.regression import TrainedGPModel


@dataclass(frozen=True, eq=False)
class SpreadRegression(FittedRegression):
    """A regression whose factor is on several hosts: what is stored of it is copied from there, tile by tile."""

    @property
    def stored_factor(self) -> Streamed | None:
        """As FittedRegression's, without being whole anywhere but in the file."""
        if not self.keeps_factor:
            return None
        tiles = self.gp.tiles  # type: ignore[attr-defined]  # of a TiledGPModel, which is not imported for its name

        def fill(rectangle: NDArray[Any], told: Any) -> None:
            tiles.write_into(Packed(rectangle), told)

        return Streamed("float64", Packed.shape(len(self.gp.y)), fill)


def fit_across(
    dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter, cluster: Cluster
) -> FittedRegression:
    """As `fit`, over several hosts, in double precision."""
    from gaussian_processes.distributed_gp.engine import Engine  # noqa: PLC0415  # a second, for what few jobs need
    from gaussian_processes.distributed_gp.model import TiledGPModel  # noqa: PLC0415
    from gaussian_processes.distributed_gp.products import products  # noqa: PLC0415

    if hyperparameters.precision != "double":
        reporter.log(
            f"precision={hyperparameters.precision} is for one machine: over several all is in double precision."
        )
    engine = Engine(cluster.client, cluster.hosts, cluster.threads)

    def conditioned(X: Array, y: Array, choice: Choice) -> TrainedGPModel:
        if hyperparameters.solver == "cg":
            return iterated(X, y, choice, reporter, partial(products, engine))
        return TiledGPModel.trained(X, y, choice.kernel, choice.sigma2, engine, reporter.progress)

    kind = FittedRegression if hyperparameters.solver == "cg" else SpreadRegression
    return fitted(dataset, hyperparameters, reporter, conditioned, kind)
