"""Evaluation: the metrics of a regression, on a validation channel or by leave-one-out on its own rows."""

import math
from functools import partial

import numpy as np

from gaussian_processes.algorithm import Evaluation, Forecast, Metric, Reporter
from gaussian_processes.arc_cosine.learnable import SCALARS
from gaussian_processes.arc_cosine.regression import FittedRegression, explained, scaled
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.data.dataset import Array, Dataset

NORMAL_975 = 1.959963984540054  # the 97.5 % point of the standard normal distribution

_of_training = partial(Metric, needs_validation=False)
METRICS = (
    _of_training("train:N", None, "number of training rows"),
    *(_of_training(f"learned:{one}", None, f"learned {one}") for one in ("q", "l", *SCALARS)),
    _of_training("train:log_evidence", "maximize", "log marginal likelihood of the target, in nats", negative=True),
    _of_training(
        "train:LOO_NLPD",
        "minimize",
        "leave-one-out mean negative log density with noise",
        stands_in=True,
        negative=True,
    ),
    _of_training("train:LOO_RMSE", "minimize", "leave-one-out root mean square error", stands_in=True),
    Metric("validation:MAE", "minimize", "mean absolute error"),
    Metric("validation:R2", "maximize", "explained share of the variance", needs_spread=True, negative=True),
    Metric("validation:NLPD", "minimize", "mean negative log density with noise", negative=True),
    Metric("validation:coverage95", None, "share of targets in their 95 % intervals"),
    Metric("validation:RMSE", "minimize", "root mean square error"),
)

# Metrics that need variances, or the determinant.
NEEDS_FACTOR = ("train:log_evidence", "train:LOO_NLPD", "train:LOO_RMSE", "validation:NLPD", "validation:coverage95")


def evaluate(model: FittedRegression, validation: Dataset | None, reporter: Reporter) -> Evaluation:
    """Metrics in the target's units; densities and intervals are those of measurements, noise included."""
    declared = {metric.name for metric in METRICS}
    learned = {f"learned:{name}": value for name, value in model.learned.items() if f"learned:{name}" in declared}
    metrics = {"train:N": float(len(model.gp.y)), **learned}
    if model.gp.has_factor:
        metrics["train:log_evidence"] = model.log_evidence
    errors, forecast = _left_out(model, reporter) if validation is None else _validated(model, validation, reporter)
    return Evaluation(metrics | errors, forecast, model.learned, model.comparison, model.warnings, model.curve)


def lacks(hyperparameters: Hyperparameters) -> tuple[str, ...]:
    """The metrics that conjugate gradients cannot compute."""
    return NEEDS_FACTOR if hyperparameters.solver == "cg" else ()


def _left_out(model: FittedRegression, reporter: Reporter) -> tuple[dict[str, float], Forecast | None]:
    """Leave-one-out metrics of the training rows; none without a factor."""
    if not model.gp.has_factor:
        return {}, None
    unit = float(model.target_scaling.scale)
    with explained():
        left_out = model.gp.leave_one_out(reporter.progress)
    residual = model.gp.y - left_out.mean
    metrics = {
        "train:LOO_NLPD": _negative_log_density(residual, left_out.variance) + math.log(unit),
        "train:LOO_RMSE": unit * _root_mean_square(residual),
    }
    return metrics, _forecast(model, model.target_scaling.invert(model.gp.y), left_out.mean, left_out.variance)


def _validated(
    model: FittedRegression, validation: Dataset, reporter: Reporter
) -> tuple[dict[str, float], Forecast | None]:
    """Metrics of the validation rows; without a factor, those of the means alone."""
    unit = float(model.target_scaling.scale)
    # In scaled units fewer numbers overflow.
    scaled_target = scaled(model.target_scaling, validation.target)
    X_star = scaled(model.feature_scaling, validation.features)
    with explained():
        if model.gp.has_factor:
            mean, std = model.gp.predict(X_star, return_std=True, progress=reporter.progress)
            variance = std**2 + model.gp.sigma2
        else:
            mean, variance = model.gp.predict(X_star, progress=reporter.progress), None
    residual = scaled_target - mean
    metrics = {
        "validation:MAE": unit * float(np.mean(np.abs(residual))),
        "validation:R2": _explained_variance(scaled_target, residual),
    }
    if variance is not None:
        metrics |= {
            "validation:NLPD": _negative_log_density(residual, variance) + math.log(unit),
            "validation:coverage95": float(np.mean(np.abs(residual) <= NORMAL_975 * np.sqrt(variance))),
        }
    metrics["validation:RMSE"] = unit * _root_mean_square(residual)
    return metrics, _forecast(model, validation.target, mean, variance)


def _forecast(model: FittedRegression, target: Array, mean: Array, variance: Array | None) -> Forecast:
    with np.errstate(over="ignore"):
        std = None if variance is None else float(model.target_scaling.scale) * np.sqrt(variance)
        return Forecast(target, model.target_scaling.invert(mean), std)


def _negative_log_density(residual: Array, variance: Array) -> float:
    """Mean of -log N(residual | 0, variance), in nats; infinite if a square overflows."""
    with np.errstate(over="ignore"):
        return 0.5 * float(np.mean(np.log(2 * math.pi * variance) + residual**2 / variance))


def _root_mean_square(residual: Array) -> float:
    with np.errstate(over="ignore"):
        return math.sqrt(float(np.mean(residual**2)))


def _explained_variance(target: Array, residual: Array) -> float:
    """R2; NaN for a constant target."""
    spread = target - target.mean()
    largest = float(np.abs(spread).max())
    if largest == 0.0 or target.max() == target.min():
        return math.nan
    with np.errstate(over="ignore"):
        return 1.0 - float(np.sum((residual / largest) ** 2) / np.sum((spread / largest) ** 2))
