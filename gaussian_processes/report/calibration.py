"""Calibration: whether intervals hold as many targets as they say."""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrik

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.figure import Axis, Key, Mark
from gaussian_processes.report.plot import Plot, figure_of, frame_for, rows_of
from gaussian_processes.report.predictions import CONFIDENCE, half_width
from gaussian_processes.report.quantities import share

LEVELS = np.append(np.arange(5, 100, 5), 99) / 100


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often central intervals hold their target.

    Attributes:
        level: (K,), the share that they should hold.
        observed: (K,), the share that they hold.
        low: (K,), the 2.5 % point of what chance gives intervals that are right, if rows are independent.
        high: (K,), the 97.5 % point.
    """

    level: Array
    observed: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, standardised: Array) -> "Calibration":
        """From standardised residuals, (N,), N > 0."""
        count = len(standardised)
        held = np.searchsorted(np.sort(np.abs(standardised)), half_width(LEVELS), side="right")
        # Quantiles of the binomial distribution: bdtrik solves for real numbers.
        low, high = (np.ceil(bdtrik(point, count, LEVELS)) / count for point in (0.025, 0.975))
        return cls(LEVELS, held / count, low, high)


def calibration(standardised: Array, source: str) -> Plot:
    """Observed against nominal coverage, and what chance alone would give."""
    c = Calibration.of(standardised)
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    labels = [f"{100 * tick:.0f} %" for tick in ticks]
    x = Axis("Share that an interval should hold", 0.0, 1.0, ticks, labels)
    y = Axis("Share of targets that it holds", 0.0, 1.0, ticks, labels)
    frame = frame_for(x, y)
    whole = np.concatenate([[0.0], c.level, [1.0]])
    marks: list[Mark] = [
        frame.area("band", whole, np.concatenate([[0.0], c.low, [1.0]]), np.concatenate([[0.0], c.high, [1.0]])),
        frame.line("reference", np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        frame.line("line", c.level, c.observed),
        frame.dots("point", c.level, c.observed),
    ]
    keys = [Key("line", "line", "observed"), Key("reference", "line", "ideal"), Key("band", "band", "by chance, 95 %")]
    at = int(np.searchsorted(c.level, CONFIDENCE))
    observed, low, high = float(c.observed[at]), float(c.low[at]), float(c.high[at])
    verdict = "which chance allows"
    if observed < low:
        verdict = "fewer than chance allows: they are too narrow"
    if observed > high:
        verdict = "more than chance allows: they are too wide"
    return Plot(
        name="calibration",
        title="Calibration",
        reading="Below the dashed line intervals are too narrow, above it too wide; in the shaded band it may be chance.",
        finding=f"Of the 95 % intervals of {rows_of(len(standardised), source)}, {share(observed)} hold their target, "
        f"{verdict} ({share(low)} to {share(high)}).",
        figure=figure_of(frame, marks, keys),
    )
