"""Accuracy: plots of predictions beside what was measured."""

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.plot import Plot, Table, drawn, records, specification, widened
from gaussian_processes.report.predictions import BAND, Predictions
from gaussian_processes.report.quantities import in_units, rows_of, share, titled
from gaussian_processes.report.rows import Rows

# Standard deviations: residuals beyond say that there are none, and are drawn in units of the target.
LARGE = 1e6


def predicted_against_actual(everything: Predictions, rows: Rows, source: str) -> Plot:
    """With 95 % intervals where there are standard deviations."""
    sample, target = rows.predictions, rows.target
    points = np.concatenate([sample.target, sample.mean])
    # An interval that is much wider than everything else ends at the frame.
    room = float(np.ptp(points)) or 1e3 * (float(np.abs(points).max()) or 1.0)
    reach = np.zeros(len(sample)) if sample.std is None else BAND * np.minimum(sample.std, 2 * room)
    low, high = widened(
        max(float(min(points.min(), (sample.mean - reach).min())), float(points.min()) - room),
        min(float(max(points.max(), (sample.mean + reach).max())), float(points.max()) + room),
    )
    error = in_units(float(np.sqrt(np.mean(everything.residual**2))), everything.exponent)
    reading = "The closer a point is to the dashed line, the better is its prediction."
    finding = f"Over {rows_of(len(everything), source)}, the root mean square distance to it is {error}."
    numbers = [("Rows", f"{len(everything):,}"), ("Root mean square error", error)]
    if everything.standardised is not None:
        held = np.abs(everything.standardised) <= BAND
        part = share(float(held.mean()))
        reading = (
            "The closer a point is to the dashed line, the better is its prediction; a 95 % interval, the vertical bar, "
            "holds the actual value if it crosses that line."
        )
        finding = f"{finding[:-1]}, and {held.sum():,} of the intervals ({part}) hold the actual value."
        numbers.append(("95 % intervals that hold the actual value", f"{held.sum():,} ({part})"))
    spec = specification(
        "predicted_against_actual",
        **rows.looks,
        actual=titled(f"Actual {target}", sample.exponent),
        predicted=titled(f"Predicted {target}", sample.exponent),
        thin=0.4 if len(sample) <= 500 else 0.12,
        ends=[low, high],
        low=low,
        high=high,
    )
    if sample.std is None:
        del spec["layer"][1]  # the intervals
    table = Table(("Quantity", "Value"), numbers)
    return Plot("predicted_against_actual", "Predicted against actual", reading, finding, table, spec)


def residuals(everything: Predictions, rows: Rows, source: str) -> Plot:
    """Standardised where all rows can be, in units of the target elsewhere; their histogram stands at the right."""
    sample = rows.predictions
    mean, spread = (
        in_units(float(value), everything.exponent) for value in (everything.residual.mean(), everything.residual.std())
    )
    reading = "A residual is the actual value less the predicted one; a good fit leaves no pattern around zero."
    finding = f"Over {rows_of(len(everything), source)}, residuals have mean {mean} and standard deviation {spread}."
    field, values, title, exponent = shown_residual(everything)
    least, edge = 0.0, np.zeros(0)
    if field == "z":
        least, edge = 3.0, np.array([BAND])
        reading = (
            "A residual is the actual value less the predicted one, here in standard deviations of the prediction; a good "
            "fit leaves no pattern around zero and 95 % of the points in the shaded band."
        )
        inside = share(float(np.mean(np.abs(values) <= BAND)))
        finding = f"{finding[:-1]}, and {inside} of them lie in the band."
    low, high = widened(min(float(values.min()), -least), max(float(values.max()), least))
    across = widened(float(sample.mean.min()), float(sample.mean.max()))
    counts, edges = np.histogram(values, int(np.clip(3 * len(values) ** (1 / 3), 5, 50)), (low, high))
    width, most = float(edges[1] - edges[0]), float(counts.max())
    density = []
    if field == "z":
        grid = np.linspace(low, high, 100)
        expected = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * len(values) * width
        density, most = records(z=grid, count=expected), max(most, float(expected.max()))
    spec = specification(
        "residuals",
        **rows.looks,
        field=field,
        residual=titled(title, exponent),
        predicted=titled(f"Predicted {rows.target}", sample.exponent),
        ends=[low, high],
        across=across,
        band=records(low=-edge, high=edge),
        zero=records(**{"mean": np.array(across), field: np.zeros(2)}),
        bars=records(low=edges[:-1], high=edges[1:], count=counts),
        bin=f"{low!r} + {width!r} * floor((datum.{field} - {low!r}) / {width!r})",
        bin_end=f"datum.low + {width!r}",
        density=density,
        most=drawn(1.05 * most),
    )
    return Plot("residuals", "Residuals", reading, finding, rows.largest, spec)


def shown_residual(predictions: Predictions) -> tuple[str, Array, str, int]:
    """The column that is drawn, its values, its title, and the power of ten of its unit."""
    z = predictions.standardised
    if z is not None and float(np.abs(z).max()) < LARGE:
        return "z", z, "Residual, in standard deviations", 0
    return "residual", predictions.residual, "Residual", predictions.exponent
