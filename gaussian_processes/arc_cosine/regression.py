"""Regression: a Gaussian process on scaled data, fitted, stored and loaded in the container's terms."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from gaussian_processes.algorithm import Comparison, Reporter, State, Streamed
from gaussian_processes.arc_cosine.learning import Choice, choose, learns
from gaussian_processes.arc_cosine.scaling import Scaling
from gaussian_processes.arc_cosine.settings import Hyperparameters, ScalingName
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import AlgorithmError, RowError
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.regression import TrainedGPModel
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Solution
from gaussian_processes.gp.solvers.iterative import Multiply, NotConvergedError, solve_iteratively

# By how much a learned sigma2 is raised at a time where it is too small to solve for all rows.
MORE_NOISE = 3.0


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A Gaussian process on scaled data, and the scalings that lead there and back.

    Attributes:
        gp: the process; without its factor where it was stored so.
        feature_scaling: of the rows.
        target_scaling: of the targets.
        keeps_factor: whether the factor, and with it what standard deviations need, is stored.
        learned: hyperparameters that were not taken as given, with what they became.
        comparison: what the kernel was chosen among, which is not stored; None where there was no choice.
        warnings: what speaks against what it says, in sentences; not stored either.
    """

    gp: TrainedGPModel
    feature_scaling: Scaling
    target_scaling: Scaling
    keeps_factor: bool
    learned: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: tuple[str, ...] = ()

    @property
    def log_evidence(self) -> float:
        """Nats, of the density of the target in its own units, so that scaled and unscaled runs compare."""
        return self.gp.log_evidence - len(self.gp.y) * math.log(float(self.target_scaling.scale))

    @property
    def stored_factor(self) -> Array | Streamed | None:
        """What the model file has of the factor: the rectangle of its `Packed`; None where it is not kept."""
        factor = self.gp.solution.factor if self.keeps_factor else None
        return None if factor is None else factor.L.rectangle


def fit(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter) -> FittedRegression:
    """Condition the Gaussian process on the training channel."""
    h = hyperparameters

    def conditioned(X: Array, y: Array, choice: Choice) -> TrainedGPModel:
        if h.solver == "cg":
            return iterated(X, y, choice, reporter)
        return TrainedGPModel(X, y, choice.kernel, choice.sigma2, h.precision, progress=reporter.progress)

    return fitted(dataset, h, reporter, conditioned)


def iterated(
    X: Array,
    y: Array,
    choice: Choice,
    reporter: Reporter,
    multiply: Callable[[Covariance], Multiply | None] = lambda _: None,
) -> TrainedGPModel:
    """The process of scaled features (N, d) and targets (N,), without a factor: it gives means alone.

    Args:
        X: scaled features.
        y: scaled targets.
        choice: of the kernel and the noise.
        reporter: of the job.
        multiply: of the matrix, what multiplies it, if that is not to be done here.
    """
    M = Covariance(choice.kernel, choice.kernel.inputs(X), choice.sigma2)
    solution = solve_iteratively(M, y, multiply=multiply(M), progress=reporter.progress)
    return TrainedGPModel(X, y, choice.kernel, choice.sigma2, solution=solution)


def fitted(
    dataset: Dataset,
    hyperparameters: Hyperparameters,
    reporter: Reporter,
    conditioned: Callable[[Array, Array, Choice], TrainedGPModel],
    kind: type[FittedRegression] = FittedRegression,
) -> FittedRegression:
    """A regression on scaled data.

    Args:
        dataset: the training channel.
        hyperparameters: of the job.
        reporter: of the job.
        conditioned: what makes the process of scaled features (N, d), scaled targets (N,), and a kernel and a noise.
        kind: of regression.
    """
    h = hyperparameters
    feature_scaling = _scaling(h.feature_scaling, dataset.features)
    # A target that is the same everywhere is predicted as it is, except where the formulas are wanted to the letter.
    constant = learns(h) and dataset.target.min() == dataset.target.max()
    target_scaling = _scaling("standard" if constant else h.target_scaling, dataset.target)
    X = scaled(feature_scaling, dataset.features)
    y = scaled(target_scaling, dataset.target)
    with explained():
        choice = choose(X, y, float(target_scaling.scale), h, reporter)
        _say_that_lengths_are_discarded(choice.kernel, X, reporter)
        gp, choice = _with_enough_noise(conditioned, X, y, choice, reporter)
    if gp.solution.account:
        reporter.log(gp.solution.account)
    keeps_factor = h.include_variance and gp.has_factor
    warnings = (*choice.warnings, *_rounding(gp))
    return kind(gp, feature_scaling, target_scaling, keeps_factor, choice.learned, choice.comparison, warnings)


def _with_enough_noise(
    conditioned: Callable[[Array, Array, Choice], TrainedGPModel],
    X: Array,
    y: Array,
    choice: Choice,
    reporter: Reporter,
) -> tuple[TrainedGPModel, Choice]:
    """The process; with more noise than was learned from some of the rows, if it takes that to solve for all of them."""
    while True:
        try:
            return conditioned(X, y, choice), choice
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


def _rounding(gp: TrainedGPModel) -> Iterator[str]:
    """Whether standard deviations are those of rounding."""
    largest = float(gp.kernel.prior_variances(gp.kernel.inputs(gp.X)).max())
    rounding = float(np.finfo(np.float64).eps) * largest
    if gp.has_factor and rounding > gp.sigma2:
        yield (
            f"The prior variance of the rows is as large as {largest:.3g}, and its rounding in float64, {rounding:.3g}, is "
            f"larger than sigma2={gp.sigma2:.3g}: standard deviations and intervals are noise. Set feature_scaling=standard, "
            "or raise sigma2."
        )


def state(model: FittedRegression) -> State:
    """All that predicting needs; without the factor it grows with the rows, and not with their square."""
    return {
        "X": model.gp.X,
        "y": model.gp.y,
        "alpha": model.gp.solution.alpha,
        "factor": model.stored_factor,
        "sigma2": model.gp.sigma2,
        "precision": model.gp.precision,
        "kernel": asdict(model.gp.kernel),
        "learned": dict(model.learned),
        "feature_scaling": asdict(model.feature_scaling),
        "target_scaling": asdict(model.target_scaling),
    }


def from_state(stored: Mapping[str, Any]) -> FittedRegression:
    """The model again, without training.

    Raises:
        KeyError, TypeError, ValueError: what is stored does not fit together.
    """
    _require_consistent(stored)
    kernel = ArcCosine(**stored["kernel"])
    factor = None if stored["factor"] is None else Cholesky(Packed(stored["factor"]))
    solution = Solution(factor, stored["alpha"])
    gp = TrainedGPModel(stored["X"], stored["y"], kernel, stored["sigma2"], stored["precision"], solution)
    feature_scaling, target_scaling = (Scaling(**stored[name]) for name in ("feature_scaling", "target_scaling"))
    # Models of before there was learning have learned nothing.
    learned = stored.get("learned", {})
    return FittedRegression(gp, feature_scaling, target_scaling, factor is not None, learned)


def _require_consistent(stored: Mapping[str, Any]) -> None:
    """BLAS takes sizes on trust: what `state` did not write must not reach it."""
    (N, d), factor = np.shape(stored["X"]), stored["factor"]
    arrays = {"X": (stored["X"], (N, d)), "y": (stored["y"], (N,)), "alpha": (stored["alpha"], (N,))}
    for name, shape in (("feature_scaling", (d,)), ("target_scaling", ())):
        arrays |= {f"{name}'s {part}": (stored[name][part], shape) for part in ("shift", "scale")}
    for name, (array, shape) in arrays.items():
        _require_array(name, array, shape, (np.float64,))
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    if not all(np.all(stored[name]["scale"] > 0) for name in ("feature_scaling", "target_scaling")):
        raise ValueError("a scale is not above zero")
    if factor is not None:
        dtypes = (np.float64, np.float32) if stored["precision"] == "mixed" else (np.float64,)
        _require_array("factor", factor, ((N + 1) // 2, N + 1 - N % 2), dtypes)


def _require_array(name: str, array: Any, shape: tuple[int, ...], dtypes: tuple[type, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype not in dtypes:
        raise ValueError(f"{name} is no array of shape {shape} of {dtypes[0].__name__}")


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
    """Features (N, d) or a target (N,) in the units of training.

    Raises:
        RowError: rows that overflow there.
    """
    with np.errstate(over="ignore"):
        z = scaling.apply(x)
    infinite = ~np.isfinite(z).reshape(len(z), -1).all(axis=1)
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "is too large for the scale of the training data")
    return z


def _scaling(name: ScalingName, x: Array) -> Scaling:
    match name:
        case "none":
            return Scaling.none(x)
        case "standard":
            return Scaling.standard(x)


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
