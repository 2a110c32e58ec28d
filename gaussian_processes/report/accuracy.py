"""Accuracy: plots of predictions beside what was measured."""

from dataclasses import replace

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.figure import Axis, Frame, Key, Mark, Panel
from gaussian_processes.report.plot import RIGHT, Plot, figure_of, frame_for, in_units, rows_of, titled, widened
from gaussian_processes.report.predictions import CONFIDENCE, Predictions, half_width
from gaussian_processes.report.quantities import exponent_of, scaled, share

BAND = float(half_width(CONFIDENCE))
HISTOGRAM = 84.0  # its width, and the gap before it


def predicted_against_actual(everything: Predictions, drawn: Predictions, target: str, source: str) -> Plot:
    """With 95 % intervals where there are standard deviations."""
    points = np.concatenate([drawn.target, drawn.mean])
    # An interval that is much wider than everything else ends at the frame.
    room = float(np.ptp(points)) or 1e3 * (float(np.abs(points).max()) or 1.0)
    reach = np.zeros(len(drawn)) if drawn.std is None else BAND * np.minimum(drawn.std, 2 * room)
    low, high = widened(
        max(float(min(points.min(), (drawn.mean - reach).min())), float(points.min()) - room),
        min(float(max(points.max(), (drawn.mean + reach).max())), float(points.max()) + room),
    )
    x, y = (Axis.over(titled(f"{word} {target}", drawn.exponent), low, high) for word in ("Actual", "Predicted"))
    frame = frame_for(x, y)
    diagonal = np.array([low, high])
    marks: list[Mark] = [frame.line("reference", diagonal, diagonal)]
    keys = [Key("reference", "line", "predicted = actual")]
    error = in_units(float(np.sqrt(np.mean(everything.residual**2))), everything.exponent)
    reading = "The closer a point is to the dashed line, the better is its prediction."
    finding = f"Over {rows_of(len(everything), source)}, the root mean square distance to it is {error}."
    whole, part = everything.standardised, drawn.standardised
    if whole is None or part is None:
        marks.append(frame.dots("point", drawn.target, drawn.mean, _radius(drawn)))
    else:
        held = np.abs(whole) <= BAND
        reading = (
            "The closer a point is to the dashed line, the better is its prediction; a 95 % interval, the vertical bar, "
            "holds the actual value if it crosses that line."
        )
        finding = (
            finding.removesuffix(".")
            + f", and {held.sum():,} of the intervals ({share(float(held.mean()))}) hold the actual value."
        )
        outside = np.abs(part) > BAND
        for missing, which in (("", ~outside), ("missing ", outside)):
            at, mean = drawn.target[which], drawn.mean[which]
            marks.append(frame.verticals(f"{missing}interval", at, mean - reach[which], mean + reach[which]))
        for missing, which in (("", ~outside), ("missing ", outside)):
            marks.append(frame.dots(f"{missing}point", drawn.target[which], drawn.mean[which], _radius(drawn)))
        keys = [Key("point", "dot", "in its interval"), Key("missing point", "dot", "outside"), *keys]
    return Plot("predicted_against_actual", "Predicted against actual", reading, finding, figure_of(frame, marks, keys))


def residuals(everything: Predictions, drawn: Predictions, target: str, source: str) -> Plot:
    """Standardised where all rows can be, in units of the target elsewhere."""
    mean, spread = (
        in_units(float(value), everything.exponent) for value in (everything.residual.mean(), everything.residual.std())
    )
    reading = "A residual is the actual value less the predicted one; a good fit leaves no pattern around zero."
    finding = f"Over {rows_of(len(everything), source)}, residuals have mean {mean} and standard deviation {spread}."
    values, shown, name, least = everything.residual, drawn.residual, "Residual", 0.0
    whole, part = everything.standardised, drawn.standardised
    standardised = False
    if whole is not None and part is not None and np.isfinite(whole).all():
        standardised, values, shown = True, whole, part
        name, least = "Residual, in standard deviations", 3.0
        reading = (
            "A residual is the actual value less the predicted one, here in standard deviations of the prediction; a good "
            "fit leaves no pattern around zero and 95 % of the points in the shaded band."
        )
        inside = share(float(np.mean(np.abs(values) <= BAND)))
        finding = finding.removesuffix(".") + f", and {inside} of them lie in the band."
    power = exponent_of(values)
    name = titled(name, power if standardised else everything.exponent + power)
    outside = (np.abs(shown) > BAND) & standardised
    values, shown, edge = scaled(values, power), scaled(shown, power), scaled(np.full(2, BAND), power)
    x = Axis.over(
        titled(f"Predicted {target}", drawn.exponent),
        *widened(float(drawn.mean.min()), float(drawn.mean.max())),
        about=4,
    )
    y = Axis.over(name, *widened(min(float(values.min()), -least), max(float(values.max()), least)))
    frame = frame_for(x, y, right=HISTOGRAM + RIGHT)
    ends = np.array([x.low, x.high])
    marks: list[Mark] = [frame.area("band", ends, -edge, edge)] if standardised else []
    marks.append(frame.line("reference", ends, np.zeros(2)))
    marks.append(frame.dots("point", drawn.mean[~outside], shown[~outside], _radius(drawn)))
    marks.append(frame.dots("missing point", drawn.mean[outside], shown[outside], _radius(drawn)))
    keys = [Key("band", "band", "95 % band"), Key("normal", "line", "normal density")] if standardised else []
    histogram = _histogram(frame, values, density=standardised and not power)
    return Plot("residuals", "Residuals", reading, finding, figure_of(frame, marks, keys, histogram))


def _radius(drawn: Predictions) -> float:
    return 3.0 if len(drawn) <= 500 else 2.0


def _histogram(beside: Frame, values: Array, *, density: bool) -> Panel:
    """Of all values, on the vertical axis of the frame that it stands beside."""
    bins = int(np.clip(3 * len(values) ** (1 / 3), 5, 50))
    counts, edges = np.histogram(values, bins, (beside.y.low, beside.y.high))
    grid = np.linspace(beside.y.low, beside.y.high, 200)
    expected = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * len(values) * (edges[1] - edges[0])
    most = max(float(counts.max()), float(expected.max()) if density else 0.0)
    frame = replace(
        beside,
        left=beside.left + beside.width + 14.0,
        width=HISTOGRAM - 14.0,
        x=Axis("Rows", 0.0, 1.05 * most, (), ()),
        y=replace(beside.y, title="", ticks=(), labels=()),
    )
    marks: list[Mark] = [frame.bars("bar", edges[:-1], edges[1:], counts.astype(float))]
    if density:
        marks.append(frame.line("normal", expected, grid))
    return Panel(frame, tuple(marks))
