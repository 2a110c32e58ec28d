"""Regression: a Gaussian process on scaled data, fitted in the container's terms on one machine or over several hosts."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from gaussian_processes.algorithm import Cluster, Comparison, LearningCurve, Reporter, Streamed
from gaussian_processes.arc_cosine.learning import Choice, choose, learns
from gaussian_processes.arc_cosine.scaling import Scaling
from gaussian_processes.arc_cosine.settings import Hyperparameters, ScalingName
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import AlgorithmError, RowError
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.base import Solver
from gaussian_processes.gp.solvers.direct import Direct, DirectFactor
from gaussian_processes.gp.solvers.iterative import Iterative, NotConvergedError
from gaussian_processes.gp.solvers.refinement import Mixed

SOLVERS: Mapping[str, Solver] = {"double": Direct(), "mixed": Mixed()}
# The factor by which a learned sigma2 grows if it is too small to solve for all rows.
MORE_NOISE = 3.0


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A Gaussian process on scaled data, and the scalings that lead there and back.

    Attributes:
        gp: the process.
        feature_scaling: the scaling of the rows.
        target_scaling: the scaling of the targets.
        keeps_factor: whether the model file has the factor, without which there are no standard deviations.
        learned: values of the hyperparameters that were learned.
        comparison: the kernels that were compared; None without a choice. It is not stored.
        warnings: sentences on results to distrust; not stored either.
        curve: criterion over the learning; not stored either.
    """

    gp: TrainedGPModel
    feature_scaling: Scaling
    target_scaling: Scaling
    keeps_factor: bool
    learned: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()
    curve: LearningCurve | None = None

    @property
    def log_evidence(self) -> float:
        """The log density of the target in its own units, in nats: scaled and unscaled runs compare."""
        return self.gp.log_evidence - len(self.gp.y) * math.log(float(self.target_scaling.scale))

    @property
    def stored_factor(self) -> Array | Streamed | None:
        """The factor in the model file: the rectangle of its `Packed`; None if the file has no factor.

        A factor on several hosts is copied from there piece by piece: the whole is nowhere but in the file.
        """
        factor = self.gp.solution.factor if self.keeps_factor else None
        if factor is None or isinstance(factor, DirectFactor):
            return None if factor is None else factor.L.rectangle
        shape = Packed.shape(len(factor))
        return Streamed("float64", shape, lambda array, report: factor.write_into(Packed(array), report))


def fit(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter) -> FittedRegression:
    """Condition the Gaussian process on the training channel."""
    solver = Iterative() if hyperparameters.solver == "cg" else SOLVERS[hyperparameters.precision]
    return _fitted(dataset, hyperparameters, reporter, solver)


def fit_across(
    dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter, cluster: Cluster
) -> FittedRegression:
    """As `fit`, over several hosts, in double precision."""
    # Importing Dask takes a second, and few jobs need it.
    from gaussian_processes.distributed_gp.engine import Engine  # noqa: PLC0415
    from gaussian_processes.distributed_gp.solver import Tiled, products  # noqa: PLC0415

    h, engine = hyperparameters, Engine(cluster.client, cluster.hosts, cluster.threads)
    if h.precision != "double":
        reporter.log(f"precision={h.precision} is for one machine: several hosts compute in double precision.")
    solver = Iterative(products=partial(products, engine)) if h.solver == "cg" else Tiled(engine)
    return _fitted(dataset, h, reporter, solver)


def _fitted(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter, solver: Solver) -> FittedRegression:
    h = hyperparameters
    feature_scaling = _scaling(h.feature_scaling, dataset.features)
    # A constant target is predicted as it is, except where nothing is learned: the formulas then hold to the letter.
    constant = learns(h) and dataset.target.min() == dataset.target.max()
    target_scaling = _scaling("standard" if constant else h.target_scaling, dataset.target)
    X = scaled(feature_scaling, dataset.features)
    y = scaled(target_scaling, dataset.target)
    with explained():
        choice = choose(X, y, float(target_scaling.scale), h, reporter)
        _say_that_lengths_are_discarded(choice.kernel, X, reporter)
        gp, choice = _with_enough_noise(X, y, choice, solver, reporter)
    if gp.solution.message:
        reporter.log(gp.solution.message)
    keeps_factor = h.include_variance and gp.has_factor
    warnings = (*choice.warnings, *_rounding(gp))
    return FittedRegression(
        gp, feature_scaling, target_scaling, keeps_factor, choice.learned, choice.comparison, warnings, choice.curve
    )


def _with_enough_noise(
    X: Array, y: Array, choice: Choice, solver: Solver, reporter: Reporter
) -> tuple[TrainedGPModel, Choice]:
    """The process, with a larger noise than was learned from some of the rows if all rows cannot be solved with that."""
    while True:
        try:
            gp = TrainedGPModel(X, y, choice.kernel, choice.sigma2, solver, progress=reporter.progress)
        except (NotPositiveDefiniteError, NotConvergedError):
            most = len(y) * float(choice.kernel.diagonal(X).max())
            if "sigma2" not in choice.learned or choice.sigma2 >= most:
                raise
            sigma2 = MORE_NOISE * choice.sigma2
            reporter.log(
                f"The learned sigma2={choice.sigma2:.4g} is too small to solve for all {len(y)} rows: it is raised to "
                f"{sigma2:.4g}."
            )
            choice = replace(choice, sigma2=sigma2, learned={**choice.learned, "sigma2": sigma2})
        else:
            return gp, choice


def _rounding(gp: TrainedGPModel) -> Iterator[str]:
    """A warning if standard deviations are nothing but rounding."""
    largest = float(gp.prior_variances(gp.X).max())
    rounding = float(np.finfo(np.float64).eps) * largest
    if gp.has_factor and rounding > gp.sigma2:
        yield (
            f"The prior variance of the rows is as large as {largest:.3g}, and its rounding in float64, {rounding:.3g}, is "
            f"larger than sigma2={gp.sigma2:.3g}: standard deviations and intervals are noise. Set feature_scaling=standard, "
            "or raise sigma2."
        )


@contextmanager
def explained() -> Iterator[None]:
    """The mathematics' errors as the container's."""
    try:
        yield
    except LengthError as error:
        raise RowError(error.rows, error.reason) from None
    except (NotPositiveDefiniteError, NotConvergedError, OverflowError) as error:
        raise AlgorithmError(str(error)) from None


def scaled(scaling: Scaling, x: Array) -> Array:
    """Features (N, d) or a target (N,) in the units of training; raises RowError for rows that overflow there."""
    with np.errstate(over="ignore"):
        z = scaling.apply(x)
    infinite = ~np.isfinite(z).reshape(len(z), -1).all(axis=1)
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "is too large for the scale of the training data")
    return z


def _scaling(name: ScalingName, x: Array) -> Scaling:
    return Scaling.standard(x) if name == "standard" else Scaling.none(x)


def _say_that_lengths_are_discarded(kernel: ArcCosine, X: Array, reporter: Reporter) -> None:
    lengths = kernel.lengths(X)
    shortest, longest = lengths.min(), lengths.max()
    if kernel.power == 0.0 and kernel.bias == 0.0 and shortest < longest * (1 - 1e-9):
        cause, remedy = "geometry=sphere", "geometry=homogeneous"
        if kernel.geometry == "homogeneous":
            cause, remedy = "geometry=homogeneous of degree 0", "degree=1"
        reporter.log(
            f"The rows' lengths vary from {shortest:.4g} to {longest:.4g}, and {cause} with bias=0 discards them. "
            f"If they say something about the target, try bias=1 or {remedy}."
        )
