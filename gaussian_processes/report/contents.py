"""Contents: which plots a job's report has, and why it lacks others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gaussian_processes.report.account import Account
from gaussian_processes.report.accuracy import predicted_against_actual, residuals
from gaussian_processes.report.calibration import calibration
from gaussian_processes.report.features import relevance, residuals_by_feature
from gaussian_processes.report.learning_curve import learning_curve
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.predictions import Predictions
from gaussian_processes.report.quantities import shortened
from gaussian_processes.report.rows import Rows
from gaussian_processes.report.variants import comparison

DRAWN, LARGEST = 2000, 200  # points in a plot, at most, and those of them with the largest residuals


@dataclass(frozen=True)
class Contents:
    """The plots of a report.

    Attributes:
        predictions: what the forecast is like.
        notes: what cannot be drawn of it, in words.
        chosen: what became of hyperparameters that were not taken as given.
        rows: the columns of the rows that the plots of predictions share.
    """

    predictions: tuple[Plot, ...]
    notes: tuple[str, ...]
    chosen: tuple[Plot, ...]
    rows: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def contents_of(account: Account) -> Contents:
    """What can be drawn of a job."""
    predictions = None if account.forecast is None else Predictions.of(account.forecast)
    notes = tuple(_notes(account, predictions))
    drawn = (
        comparison(account.comparison) if account.comparison else None,
        relevance(account.learned, account.columns),
        learning_curve(account.curve) if account.curve else None,
    )
    chosen = tuple(plot for plot in drawn if plot is not None)
    if not predictions:
        return Contents((), notes, chosen)
    plots, rows = _of_predictions(predictions, account)
    return Contents(plots, notes, chosen, rows)


def _of_predictions(predictions: Predictions, account: Account) -> tuple[tuple[Plot, ...], Mapping[str, Sequence[Any]]]:
    """The plots, and the columns of the drawn rows."""
    target, source, dataset = (
        shortened(account.columns[0]) if account.columns else "target",
        account.forecast_of,
        account.rows,
    )
    if dataset is not None and account.forecast is not None and len(dataset) != len(account.forecast.target):
        dataset = None  # an algorithm may forecast other rows than those of the channel
    rows = Rows.of(predictions.sample(DRAWN, LARGEST), target, dataset)
    columns = rows.columns
    plots = [predicted_against_actual(predictions, rows, source), residuals(predictions, rows, source)]
    if dataset is not None and dataset.features.shape[1]:
        features = dataset.features[rows.predictions.rows]
        plot, added = residuals_by_feature(rows, features, account.learned, account.columns)
        plots.append(plot)
        columns |= added
    if len(rows.predictions) < len(predictions):
        said = f"{DRAWN:,} rows are drawn: the {LARGEST} with the largest residuals, and others chosen at random."
        plots = [replace(plot, finding=f"{plot.finding} {said}") for plot in plots]
    if predictions.standardised is not None:
        plots.insert(2, calibration(predictions.standardised, source))
    return tuple(plots), columns


def _notes(account: Account, predictions: Predictions | None) -> Iterator[str]:
    forecast, source = account.forecast, account.forecast_of
    if forecast is None or predictions is None:
        yield "The algorithm has made no forecast that could be drawn."
        return
    rows = len(forecast.target)
    if not predictions:
        yield f"None of the {rows:,} rows of the {source} has a finite prediction that could be drawn."
        return
    if predictions.left_out:
        wanted = "prediction" if forecast.std is None else "prediction and standard deviation"
        yield f"{predictions.left_out:,} of the {rows:,} rows have no finite {wanted}, and are left out of the plots."
    if forecast.std is None:
        yield "The predictions have no standard deviations: there are no intervals, and no calibration."
