"""Prediction: what a fitted regression says of rows it has not seen, in units of the target."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    Output("interval", "lower and upper bound that hold a measurement with the probability `level`"),
    Output("covariance", "covariances of the function's values at all rows of the request", joint=True),
    Output("samples", "functions drawn from the posterior, at all rows of the request", joint=True),
)
JOINT = frozenset(output.name for output in OUTPUTS if output.joint)

# A row is extrapolating where the data leave more than this share of its prior variance: there the answer is more the
# prior than the data. A heuristic: no share would say "far from all data" of every kernel, as for l >= 1 even opposite
# rows keep a positive covariance, and the posterior never is the prior again.
EXTRAPOLATION = 0.5
# Rows that can be predicted jointly: a matrix of 32 MB, whose eigenvectors take some seconds, and four million numbers
# in an answer.
MOST_JOINT_ROWS = 2000


def predict(model: FittedRegression, rows: Array, query: Query) -> Mapping[str, NDArray[Any]]:
    """The outputs that are asked for and that the model has; a model that is stored without its factor has means alone.

    Raises:
        RowError: rows without a direction, or without a finite prediction.
        DataError: joint outputs of more rows than can be predicted jointly.
    """
    wanted = [name for name in query.outputs if name == "mean" or model.keeps_factor]
    _require_few(len(rows), [name for name in wanted if name in JOINT])
    X_star = scaled(model.feature_scaling, rows)
    with explained(), np.errstate(over="ignore", invalid="ignore"):
        if set(wanted) <= {"mean"}:
            columns = {"mean": model.target_scaling.invert(model.gp.predict(X_star))}
        else:
            columns = _with_uncertainty(model, X_star, wanted, query)
    # A row's own variance says whether it is at fault; its covariances may be infinite because another row is.
    _require_finite(np.diagonal(columns[name]) if name == "covariance" else columns[name] for name in wanted)
    flags = [name for name in columns if name == EXTRAPOLATING]
    return {name: columns[name] for name in [*wanted, *flags]}


def _with_uncertainty(
    model: FittedRegression, X_star: Array, wanted: Collection[str], query: Query
) -> dict[str, NDArray[Any]]:
    """One pass for all that the posterior of each row says; the columns of the rows' joint posterior where wanted."""
    gp, unit = model.gp, model.target_scaling.scale
    joint: dict[str, Array] = {}
    if JOINT.isdisjoint(wanted):
        mean, std = gp.predict(X_star, return_std=True)
    else:
        mean, covariance = gp.predict_joint(X_star)
        std = np.sqrt(np.diagonal(covariance))
        joint["covariance"] = covariance * unit * unit
        if "samples" in wanted:
            _require_finite((mean, std))  # a matrix with an infinity in it has no eigenvectors
            draws = draw(mean, covariance, query.samples, np.random.default_rng(query.seed))
            # Equal rows are one variable, to the bit.
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
        EXTRAPOLATING: std**2 > EXTRAPOLATION * gp.kernel.prior_variances(gp.kernel.inputs(X_star, together=False)),
    }


def _require_few(rows: int, joint: Sequence[str]) -> None:
    if joint and rows > MOST_JOINT_ROWS:
        raise DataError(
            f"Rows in the request: {rows}; {' and '.join(joint)} can be computed of {MOST_JOINT_ROWS} at most, as each row "
            "is compared with every other. Send fewer rows in a request, or ask for std or interval, which take any number."
        )


def _require_finite(columns: Iterable[Array]) -> None:
    infinite = np.logical_or.reduce([~np.isfinite(column).reshape(len(column), -1).all(axis=1) for column in columns])
    if infinite.any():
        raise RowError(np.flatnonzero(infinite).tolist(), "has no finite prediction: its numbers are too large")
