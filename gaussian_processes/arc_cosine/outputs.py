"""Outputs: predictions of a fitted regression, in the target's units."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from gaussian_processes.algorithm import EXTRAPOLATING, Output, Query
from gaussian_processes.arc_cosine.regression import FittedRegression, explained, scaled
from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import DataError, RowError
from gaussian_processes.gp.regression import draw

OUTPUTS = (
    Output("mean", "mean of the function", usual=True),
    Output("std", "standard deviation of the function", usual=True),
    Output("std_y", "standard deviation of a measurement, noise included"),
    Output("interval", "lower and upper bound of a measurement, with probability `level` between them"),
    Output("covariance", "posterior covariance of the function between all rows of the request", joint=True),
    Output("samples", "posterior samples of the function at all rows of the request", joint=True),
)
JOINT = frozenset(output.name for output in OUTPUTS if output.joint)

# A row extrapolates if the data leave more than this share of its prior variance: the prediction then rests more on the prior
# than on the data. A heuristic: for l >= 1 even opposite rows have a positive covariance, and the posterior variance never
# reaches the prior's.
EXTRAPOLATION = 0.5
# A matrix of 32 MB, with eigenvectors in some seconds, and four million numbers in an answer.
MOST_JOINT_ROWS = 2000


def predict(
    model: FittedRegression, rows: Array, query: Query, most_joint_rows: int = MOST_JOINT_ROWS
) -> Mapping[str, NDArray[Any]]:
    """The query's outputs for rows (M, d); a model without its factor gives means only.

    Raises:
        RowError: rows without a direction, or without a finite prediction.
        DataError: joint outputs for too many rows.
    """
    wanted = [name for name in query.outputs if name == "mean" or model.keeps_factor]
    joint = [name for name in wanted if name in JOINT]
    if joint and len(rows) > most_joint_rows:
        raise DataError(
            f"The request has {len(rows)} rows; the limit for {' and '.join(joint)} is {most_joint_rows}. Send fewer rows per "
            "request, or ask for std or interval."
        )
    X_star = scaled(model.feature_scaling, rows)
    with explained(), np.errstate(over="ignore", invalid="ignore"):
        if set(wanted) <= {"mean"}:
            columns = {"mean": model.target_scaling.invert(model.gp.predict(X_star))}
        else:
            columns = _with_uncertainty(model, X_star, wanted, query)
    # Only a row's own variance counts: another row may make its covariances infinite.
    _require_finite(np.diagonal(columns[name]) if name == "covariance" else columns[name] for name in wanted)
    flags = [name for name in columns if name == EXTRAPOLATING]
    return {name: columns[name] for name in [*wanted, *flags]}


def _with_uncertainty(
    model: FittedRegression, X_star: Array, wanted: Collection[str], query: Query
) -> dict[str, NDArray[Any]]:
    """All marginal outputs, and the joint ones in the query."""
    gp, unit = model.gp, model.target_scaling.scale
    joint: dict[str, Array] = {}
    if JOINT.isdisjoint(wanted):
        mean, std = gp.predict(X_star, return_std=True)
    else:
        mean, covariance = gp.predict_joint(X_star)
        std = np.sqrt(np.diagonal(covariance))
        joint["covariance"] = covariance * unit * unit
        if "samples" in wanted:
            _require_finite((mean, std))  # eigenvectors need finite numbers
            draws = draw(mean, covariance, query.samples, np.random.default_rng(query.seed))
            # Equal rows have equal samples, to the bit.
            _, first, place = np.unique(X_star, axis=0, return_index=True, return_inverse=True)
            joint["samples"] = model.target_scaling.invert(draws[first[place.reshape(-1)]])
    std_y = np.sqrt(std**2 + gp.sigma2)
    half = -ndtri((1.0 - query.level) / 2.0) * std_y
    return {
        "mean": model.target_scaling.invert(mean),
        "std": std * unit,
        "std_y": std_y * unit,
        "interval": model.target_scaling.invert(np.column_stack([mean - half, mean + half])),
        **joint,
        EXTRAPOLATING: std**2 > EXTRAPOLATION * gp.prior_variances(X_star),
    }


def _require_finite(columns: Iterable[Array]) -> None:
    infinite = np.logical_or.reduce([~np.isfinite(column).reshape(len(column), -1).all(axis=1) for column in columns])
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "has no finite prediction: its numbers are too large")
