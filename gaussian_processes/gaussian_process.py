"""The arc-cosine Gaussian process as the container's algorithm: the one file that knows both halves."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gaussian_processes.algorithm import (
    Algorithm,
    Evaluation,
    Forecast,
    Metric,
    Needs,
    Reporter,
    Search,
    Size,
    State,
)
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import AlgorithmError, RowError
from gaussian_processes.gp import operations
from gaussian_processes.gp.directions import LengthError
from gaussian_processes.gp.factor import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.kernel import ArcCosine
from gaussian_processes.gp.model import ENTRIES, TrainedGPModel
from gaussian_processes.gp.packed import Packed
from gaussian_processes.gp.scaling import Scaling
from gaussian_processes.gp.solution import Precision, Solution, memory

NORMAL_975 = 1.959963984540054  # the 97.5 % point of the standard normal distribution

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ScalingName = Literal["none", "standard"]


class Hyperparameters(BaseModel):
    """With nothing set: M = sigma2 I + K_{1,1} on the unit sphere, data as they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Annotated[int, Field(ge=0, description="order of the kernel"), Search(0, 8, "Linear")] = 1
    l: Annotated[int, Field(ge=0, description="depth: the kernel is applied l + 1 times"), Search(0, 6, "Linear")] = 1
    sigma2: Annotated[
        Positive,
        Field(description="noise variance σ², in (units of the scaled target)²"),
        Search(1e-4, 10.0, "Logarithmic"),
    ] = 0.1
    geometry: Annotated[
        Literal["sphere", "homogeneous"],
        Field(description="divide each row by its length, or keep the lengths: (‖x‖‖x'‖)^degree k"),
        Search(),
    ] = "sphere"
    bias: Annotated[
        NonNegative,
        Field(description="a constant appended to each row, so that on the sphere its length is not lost"),
        Search(0.0, 10.0, "Linear"),
    ] = 0.0
    degree: Annotated[
        NonNegative | None,
        Field(description="power of the lengths in the homogeneous geometry; q when not set"),
        Search(0.0, 4.0, "Linear"),
    ] = None
    variance: Annotated[
        Positive, Field(description="prior variance of a unit row"), Search(0.01, 100.0, "Logarithmic")
    ] = 1.0
    feature_scaling: Annotated[
        ScalingName, Field(description="standardise the features by the training rows"), Search()
    ] = "none"
    target_scaling: Annotated[
        ScalingName,
        Field(description="standardise the target; predictions and metrics stay in its own units"),
        Search(),
    ] = "none"
    precision: Annotated[
        Precision,
        Field(description="mixed factors in single precision, and refines the solution to double precision"),
    ] = "double"
    include_variance: Annotated[
        bool,
        Field(description="keep in the model what standard deviations need, half an N × N matrix; without, means only"),
    ] = True


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A Gaussian process on scaled data, and the scalings that lead there and back.

    Attributes:
        gp: the process; without its factor where it was stored so.
        feature_scaling: of the rows.
        target_scaling: of the targets.
        keeps_factor: whether the factor, and with it what standard deviations need, is stored.
    """

    gp: TrainedGPModel
    feature_scaling: Scaling
    target_scaling: Scaling
    keeps_factor: bool

    @property
    def log_evidence(self) -> float:
        """Nats, of the density of the target in its own units, so that scaled and unscaled runs compare."""
        return self.gp.log_evidence - len(self.gp.y) * math.log(float(self.target_scaling.scale))


def fit(dataset: Dataset, hyperparameters: Hyperparameters, reporter: Reporter) -> FittedRegression:
    """Condition the Gaussian process on the training channel."""
    h = hyperparameters
    feature_scaling = _scaling(h.feature_scaling, dataset.features)
    target_scaling = _scaling(h.target_scaling, dataset.target)
    X = _scaled(feature_scaling, dataset.features)
    y = _scaled(target_scaling, dataset.target)
    kernel = ArcCosine(h.q, h.l, h.geometry, h.bias, h.degree, h.variance)
    _say_that_lengths_are_discarded(kernel, X, reporter)
    with _explained():
        gp = TrainedGPModel(X, y, kernel, h.sigma2, h.precision, progress=reporter.progress)
    if gp.solution.account:
        reporter.log(gp.solution.account)
    return FittedRegression(gp, feature_scaling, target_scaling, h.include_variance)


def needs(size: Size, hyperparameters: Hyperparameters) -> Needs:
    """The factor; covariances with requests; a few copies of all rows; what a pass needs on the way."""
    N, d, M, precision = size.rows, size.features, size.validation_rows, hyperparameters.precision
    factor = memory(N, precision)
    row = 8 * (d + 1)
    evaluation = operations.prediction(M, N, d, precision) if M else operations.leave_one_out(N, precision)
    return Needs(
        memory=factor + 2 * 8 * ENTRIES + 8 * row * (N + M) + 2**26,
        operations=operations.training(N, d, precision) + evaluation,
        disk=row * N + 8 * N + 2**16 + (factor if hyperparameters.include_variance else 0),
    )


def evaluate(model: FittedRegression, validation: Dataset | None, reporter: Reporter) -> Evaluation:
    """Metrics in units of the target; densities and intervals are those of an observation, noise included."""
    metrics = {"train:N": float(len(model.gp.y)), "train:log_evidence": model.log_evidence}
    unit = float(model.target_scaling.scale)
    if validation is None:
        with _explained():
            left_out = model.gp.leave_one_out(reporter.progress)
        mean, variance = left_out.mean, left_out.variance
        residual = model.gp.y - mean
        metrics |= {
            "train:LOO_NLPD": _negative_log_density(residual, variance) + math.log(unit),
            "train:LOO_RMSE": unit * _root_mean_square(residual),
        }
        target = model.target_scaling.invert(model.gp.y)
    else:
        # In scaled units, in which nothing overflows that need not.
        scaled_target = _scaled(model.target_scaling, validation.target)
        X_star = _scaled(model.feature_scaling, validation.features)
        with _explained():
            mean, std = model.gp.predict(X_star, return_std=True, progress=reporter.progress)
        variance = std**2 + model.gp.sigma2
        residual = scaled_target - mean
        metrics |= {
            "validation:MAE": unit * float(np.mean(np.abs(residual))),
            "validation:R2": _explained_variance(scaled_target, residual),
            "validation:NLPD": _negative_log_density(residual, variance) + math.log(unit),
            "validation:coverage95": float(np.mean(np.abs(residual) <= NORMAL_975 * np.sqrt(variance))),
            "validation:RMSE": unit * _root_mean_square(residual),
        }
        target = validation.target
    with np.errstate(over="ignore"):
        forecast = Forecast(target, model.target_scaling.invert(mean), unit * np.sqrt(variance))
    return Evaluation(metrics, forecast)


def predict(model: FittedRegression, rows: Array, outputs: Sequence[str]) -> Mapping[str, Array]:
    """Mean and, of a model that keeps its factor, std of the latent function, in units of the target."""
    X_star = _scaled(model.feature_scaling, rows)
    columns = {}
    with _explained(), np.errstate(over="ignore"):
        if "std" in outputs and model.keeps_factor:
            mean, std = model.gp.predict(X_star, return_std=True)
            columns["std"] = std * model.target_scaling.scale
        else:
            mean = model.gp.predict(X_star)
        columns["mean"] = model.target_scaling.invert(mean)
    infinite = ~np.isfinite(list(columns.values())).all(axis=0)
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "has no finite prediction: its numbers are too large")
    return {name: columns[name] for name in outputs if name in columns}


def state(model: FittedRegression) -> State:
    """All that predicting needs; without the factor it grows with the rows, and not with their square."""
    factor = model.gp.solution.factor
    return {
        "X": model.gp.X,
        "y": model.gp.y,
        "alpha": model.gp.solution.alpha,
        "factor": factor.L.rectangle if factor and model.keeps_factor else None,
        "sigma2": model.gp.sigma2,
        "precision": model.gp.precision,
        "kernel": asdict(model.gp.kernel),
        "feature_scaling": asdict(model.feature_scaling),
        "target_scaling": asdict(model.target_scaling),
    }


def from_state(stored: Mapping[str, Any]) -> FittedRegression:
    """The model again, without training."""
    kernel = ArcCosine(**stored["kernel"])
    factor = None if stored["factor"] is None else Cholesky(Packed(stored["factor"]))
    solution = Solution(factor, stored["alpha"])
    gp = TrainedGPModel(stored["X"], stored["y"], kernel, stored["sigma2"], stored["precision"], solution)
    feature_scaling, target_scaling = (Scaling(**stored[name]) for name in ("feature_scaling", "target_scaling"))
    return FittedRegression(gp, feature_scaling, target_scaling, keeps_factor=factor is not None)


def _negative_log_density(residual: Array, variance: Array) -> float:
    """The mean of -log N(residual | 0, variance), in nats; infinite where a square overflows."""
    with np.errstate(over="ignore"):
        return 0.5 * float(np.mean(np.log(2 * math.pi * variance) + residual**2 / variance))


def _root_mean_square(residual: Array) -> float:
    with np.errstate(over="ignore"):
        return math.sqrt(float(np.mean(residual**2)))


def _explained_variance(target: Array, residual: Array) -> float:
    """R2: NaN for a constant target, of which there is nothing to explain."""
    spread = target - target.mean()
    largest = float(np.abs(spread).max())
    if largest == 0.0 or target.max() == target.min():
        return math.nan
    with np.errstate(over="ignore"):
        return 1.0 - float(np.sum((residual / largest) ** 2) / np.sum((spread / largest) ** 2))


def _scaled(scaling: Scaling, x: Array) -> Array:
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


@contextmanager
def _explained() -> Iterator[None]:
    """The mathematics' errors as the container's."""
    try:
        yield
    except LengthError as error:
        raise RowError(error.rows, error.reason) from None
    except (NotPositiveDefiniteError, OverflowError) as error:
        raise AlgorithmError(str(error)) from None


algorithm = Algorithm(
    name="arc-cosine-gaussian-process",
    hyperparameters=Hyperparameters,
    metrics=(
        Metric("train:N", None, "training rows", needs_validation=False),
        Metric(
            "train:log_evidence",
            "maximize",
            "log marginal likelihood of the target, in nats",
            needs_validation=False,
            negative=True,
        ),
        Metric(
            "train:LOO_NLPD",
            "minimize",
            "leave-one-out mean negative log density of the targets, noise included",
            needs_validation=False,
            stands_in=True,
            negative=True,
        ),
        Metric(
            "train:LOO_RMSE",
            "minimize",
            "leave-one-out root mean square error",
            needs_validation=False,
            stands_in=True,
        ),
        Metric("validation:MAE", "minimize", "mean absolute error"),
        Metric("validation:R2", "maximize", "share of the variance explained", needs_spread=True, negative=True),
        Metric(
            "validation:NLPD", "minimize", "mean negative log density of the targets, noise included", negative=True
        ),
        Metric("validation:coverage95", None, "share of the targets in their 95 % intervals"),
        Metric("validation:RMSE", "minimize", "root mean square error"),
    ),
    outputs=("mean", "std"),
    fit=fit,
    evaluate=evaluate,
    predict=predict,
    state=state,
    from_state=from_state,
    needs=needs,
)
