"""Features: which of them the model uses, and whether residuals follow one of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.accuracy import shown_residual
from gaussian_processes.report.plot import Plot, Table, column, specification, widened
from gaussian_processes.report.quantities import number, shortened, titled
from gaussian_processes.report.rows import Rows

LENGTHSCALE = re.compile(r"lengthscale_(\d+)")
BARS = 40  # features in the plot of relevance
CHOICES = 24  # features in the plot of residuals: a page of megabytes shows no more


def lengthscales_of(learned: Mapping[str, float]) -> dict[int, float]:
    """Those that were learned, by their feature, from 0, the shortest first; positive and finite ones alone."""
    found = {int(match[1]) - 1: value for name, value in learned.items() if (match := LENGTHSCALE.fullmatch(name))}
    usable = {feature: value for feature, value in found.items() if np.isfinite(value) and value > 0.0}
    return dict(sorted(usable.items(), key=lambda item: item[1]))


def name_of(feature: int, columns: Sequence[str] | None) -> str:
    """As the channel has it, or by its number."""
    if columns is not None and feature + 1 < len(columns):
        return columns[feature + 1]
    return f"feature {feature + 1}"


def relevance(learned: Mapping[str, float], columns: Sequence[str] | None) -> Plot | None:
    """A bar for each feature, from the shortest lengthscale to the longest; None where none was learned."""
    lengths = [(name_of(feature, columns), value) for feature, value in lengthscales_of(learned).items()]
    if not lengths:
        return None
    names, values = [name for name, _ in lengths], [value for _, value in lengths]
    bars = [
        {"place": i, "relevance": values[0] / value, "length": number(value), "name": shortened(name, 60)}
        for i, (name, value) in enumerate(lengths)
    ][:BARS]
    finding = f"{shortened(names[0])} has the shortest lengthscale, {number(values[0])}"
    if len(names) > 1:
        finding += f", and {shortened(names[-1])} the longest, {number(values[-1])}"
    if len(bars) < len(names):
        finding += f"; the {len(bars)} most relevant of {len(names):,} features are drawn"
    shown = [shortened(name, 20) for name in names[:BARS]]
    return Plot(
        name="relevance",
        title="Feature relevance",
        reading="The shorter the learned lengthscale of a feature, the faster the prediction changes along it, and the longer "
        "is its bar. Lengthscales are in the units in which the model sees the features, and stand at the right.",
        finding=f"{finding}.",
        table=Table(("Feature", "Lengthscale"), [(name, number(value)) for name, value in lengths]),
        spec=specification("relevance", bars=bars, names=shown, height=22 * len(bars)),
    )


def residuals_by_feature(
    rows: Rows, features: Array, learned: Mapping[str, float], columns: Sequence[str] | None
) -> tuple[Plot, dict[str, Sequence[Any]]]:
    """The plot, and the columns that it adds to the rows.

    Args:
        rows: those that are drawn.
        features: (N, d), of these.
        learned: hyperparameters; the features with the shortest lengthscales are drawn, or the first ones.
        columns: names of the target and the features.
    """
    count = features.shape[1]
    chosen = list(dict.fromkeys([*(f for f in lengthscales_of(learned) if f < count), *range(count)]))[:CHOICES]
    names = [name_of(feature, columns) for feature in chosen]
    fields = [f"x{i}" for i in range(len(chosen))]
    field, values, title, exponent = shown_residual(rows.predictions)
    correlations = [_correlation(features[:, feature], values, rows.predictions.weight) for feature in chosen]
    strongest = int(np.argmax(np.abs(correlations)))
    looks = rows.looks
    looks["tooltip"].append(
        {"field": "value", "type": "quantitative", "title": "Value of the feature", "format": ",.6~g"}
    )
    reading = "A good fit leaves no pattern along any feature. Choose the feature below the plot."
    if len(chosen) < count:
        reading += f" The plot has {len(chosen)} of {count:,} features."
    plot = Plot(
        name="residuals_by_feature",
        title="Residuals against each feature",
        reading=reading,
        finding=f"{shortened(names[strongest])} has the strongest correlation with the residuals, "
        f"{correlations[strongest]:.2f}.",
        table=Table(
            ("Feature", "Correlation with the residuals"),
            [(name, f"{value:.3f}") for name, value in zip(names, correlations, strict=True)],
        ),
        spec=specification(
            "residuals_by_feature",
            **looks,
            field=field,
            residual=titled(title, exponent),
            ends=widened(float(values.min()), float(values.max())),
            fields=fields,
            names=[shortened(name, 60) for name in names],
            strongest=fields[strongest],
        ),
    )
    return plot, {field: column(features[:, feature]) for field, feature in zip(fields, chosen, strict=True)}


def _correlation(x: Array, residual: Array, weight: Array) -> float:
    """Pearson's, of weighted rows; 0 where one of them is constant."""
    # Each is divided by its largest number first, so that no square overflows.
    x, residual = (v / (float(np.abs(v).max()) or 1.0) for v in (x, residual))
    x, residual = (v - np.average(v, weights=weight) for v in (x, residual))
    size = float(np.sqrt(np.sum(weight * x**2) * np.sum(weight * residual**2)))
    return float(np.sum(weight * x * residual)) / size if size > 0.0 else 0.0
