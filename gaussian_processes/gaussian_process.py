"""The arc-cosine Gaussian process as the container's algorithm: the one file that knows both halves."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gaussian_processes.algorithm import Algorithm, Metric, Reporter, State
from gaussian_processes.data.dataset import Array, Dataset
from gaussian_processes.errors import AlgorithmError, RowError
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

    q: Annotated[int, Field(ge=0, description="order of the kernel")] = 1
    l: Annotated[int, Field(ge=0, description="depth: the kernel is applied l + 1 times")] = 1
    sigma2: Annotated[Positive, Field(description="noise variance, in (units of the scaled target)^2")] = 0.1
    geometry: Annotated[
        Literal["sphere", "homogeneous"], Field(description="divide rows by their lengths, or keep the lengths")
    ] = "sphere"
    bias: Annotated[NonNegative, Field(description="constant appended to every row")] = 0.0
    degree: Annotated[
        NonNegative | None, Field(description="power of the lengths in the homogeneous geometry; q when not set")
    ] = None
    variance: Annotated[Positive, Field(description="prior variance of a unit row")] = 1.0
    feature_scaling: Annotated[ScalingName, Field(description="standardise the features")] = "none"
    target_scaling: Annotated[ScalingName, Field(description="standardise the target")] = "none"
    precision: Annotated[
        Precision, Field(description="double, or mixed: factor in single precision, refine the solution to double's")
    ] = "double"


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A Gaussian process on scaled data, and the scalings that lead there and back."""

    gp: TrainedGPModel
    feature_scaling: Scaling
    target_scaling: Scaling

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
        gp = TrainedGPModel(X, y, kernel, h.sigma2, h.precision)
    if gp.solution.account:
        reporter.log(gp.solution.account)
    return FittedRegression(gp, feature_scaling, target_scaling)


def memory_needed(rows: int, features: int, hyperparameters: Hyperparameters) -> int:
    """Bytes: the factor; covariances with requests; a few copies of the rows; what a pass needs on the way."""
    return memory(rows, hyperparameters.precision) + 2 * 8 * ENTRIES + 8 * 8 * rows * (features + 1) + 2**26


def evaluate(model: FittedRegression, validation: Dataset | None) -> Mapping[str, float]:
    """Metrics in units of the target; NLPD and coverage are those of an observation, noise included."""
    metrics = {"train:N": float(len(model.gp.y)), "train:log_evidence": model.log_evidence}
    if validation is None:
        return metrics
    # In scaled units, in which nothing overflows that need not.
    target = _scaled(model.target_scaling, validation.target)
    X_star = _scaled(model.feature_scaling, validation.features)
    with _explained():
        mean, std = model.gp.predict(X_star, return_std=True)
    unit = float(model.target_scaling.scale)
    residual = target - mean
    variance = std**2 + model.gp.sigma2
    with np.errstate(over="ignore"):  # what overflows is infinite, and so not printed
        squared = residual**2
        density = 0.5 * float(np.mean(np.log(2 * math.pi * variance) + squared / variance))
        error = math.sqrt(float(np.mean(squared)))
    return metrics | {
        "validation:MAE": unit * float(np.mean(np.abs(residual))),
        "validation:R2": _explained_variance(target, residual),
        "validation:NLPD": density + math.log(unit),
        "validation:coverage95": float(np.mean(np.abs(residual) <= NORMAL_975 * np.sqrt(variance))),
        "validation:RMSE": unit * error,
    }


def predict(model: FittedRegression, rows: Array, outputs: Sequence[str]) -> Mapping[str, Array]:
    """Mean and std of the latent function, in units of the target."""
    X_star = _scaled(model.feature_scaling, rows)
    with _explained():
        if "std" in outputs:
            mean, std = model.gp.predict(X_star, return_std=True)
        else:
            mean, std = model.gp.predict(X_star), np.zeros(len(rows))
    with np.errstate(over="ignore"):
        columns = {"mean": model.target_scaling.invert(mean), "std": std * model.target_scaling.scale}
    infinite = ~(np.isfinite(columns["mean"]) & np.isfinite(columns["std"]))
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "has no finite prediction: its numbers are too large")
    return {name: columns[name] for name in outputs}


def state(model: FittedRegression) -> State:
    """All that predicting needs."""
    return {
        "X": model.gp.X,
        "y": model.gp.y,
        "alpha": model.gp.solution.alpha,
        "factor": model.gp.solution.factor.L.rectangle,
        "sigma2": model.gp.sigma2,
        "precision": model.gp.precision,
        "kernel": asdict(model.gp.kernel),
        "feature_scaling": asdict(model.feature_scaling),
        "target_scaling": asdict(model.target_scaling),
    }


def from_state(stored: Mapping[str, Any]) -> FittedRegression:
    """The model again, without training."""
    kernel = ArcCosine(**stored["kernel"])
    solution = Solution(Cholesky(Packed(stored["factor"])), stored["alpha"])
    gp = TrainedGPModel(stored["X"], stored["y"], kernel, stored["sigma2"], stored["precision"], solution)
    return FittedRegression(gp, Scaling(**stored["feature_scaling"]), Scaling(**stored["target_scaling"]))


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
        Metric("train:N", None, needs_validation=False),
        Metric("train:log_evidence", "maximize", needs_validation=False),
        Metric("validation:MAE", "minimize"),
        Metric("validation:R2", "maximize"),
        Metric("validation:NLPD", "minimize"),
        Metric("validation:coverage95", None),
        Metric("validation:RMSE", "minimize"),
    ),
    outputs=("mean", "std"),
    fit=fit,
    evaluate=evaluate,
    predict=predict,
    state=state,
    from_state=from_state,
    memory=memory_needed,
)
