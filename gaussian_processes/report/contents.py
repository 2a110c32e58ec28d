"""Contents: which plots a job's report has, and why it lacks others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gaussian_processes.algorithm import Forecast
from gaussian_processes.report.account import Account
from gaussian_processes.report.accuracy import predicted_against_actual, residuals
from gaussian_processes.report.calibration import calibration
from gaussian_processes.report.comparison import comparison
from gaussian_processes.report.plot import Plot, shortened
from gaussian_processes.report.predictions import Predictions
from gaussian_processes.report.rows import learned_hyperparameters, timings

DRAWN = 2000  # points in a plot, at most: a page of megabytes shows no more


@dataclass(frozen=True)
class Contents:
    """The plots of a report.

    Attributes:
        predictions: what the forecast is like.
        notes: what cannot be drawn of it, in words.
        comparison: None where there was no choice.
        learned: None where nothing was learned, beside what was chosen in the comparison.
        timings: None where no time was taken.
    """

    predictions: tuple[Plot, ...]
    notes: tuple[str, ...]
    comparison: Plot | None
    learned: Plot | None
    timings: Plot | None

    @property
    def chosen(self) -> tuple[Plot, ...]:
        """Those of hyperparameters that were not taken as given."""
        return tuple(plot for plot in (self.comparison, self.learned) if plot)

    @property
    def plots(self) -> tuple[Plot, ...]:
        """All of them, in the order of the page."""
        return (*self.predictions, *self.chosen, *((self.timings,) if self.timings else ()))


def contents_of(account: Account) -> Contents:
    """What can be drawn of a job."""
    predictions: Predictions | None = None
    if account.forecast is not None:
        predictions = Predictions.of(account.forecast)
    chosen = account.comparison.chosen if account.comparison else {}
    learned = {name: value for name, value in account.learned.items() if name not in chosen}
    return Contents(
        predictions=tuple(_plots(predictions, account)) if predictions else (),
        notes=tuple(_notes(account.forecast, predictions, account.forecast_of)),
        comparison=comparison(account.comparison) if account.comparison else None,
        learned=learned_hyperparameters(learned, account.hyperparameters.model_dump()),
        timings=timings(account.timings) if account.timings else None,
    )


def _plots(predictions: Predictions, account: Account) -> Iterator[Plot]:
    target = shortened(account.columns[0]) if account.columns else "target"
    drawn = predictions.sample(DRAWN)
    for draw in (predicted_against_actual, residuals):
        plot = draw(predictions, drawn, target, account.forecast_of)
        if len(drawn) < len(predictions):
            plot = replace(
                plot, finding=f"{plot.finding} {len(drawn):,} of them, chosen at random, are drawn as points."
            )
        yield plot
    if predictions.standardised is not None:
        yield calibration(predictions.standardised, account.forecast_of)


def _notes(forecast: Forecast | None, predictions: Predictions | None, source: str) -> Iterator[str]:
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
