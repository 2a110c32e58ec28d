"""Calibration: whether intervals hold as many targets as they say."""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrik

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.plot import Plot, Table, records, specification
from gaussian_processes.report.predictions import CONFIDENCE, half_width
from gaussian_processes.report.quantities import rows_of, share

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
    """Observed against nominal coverage, what chance alone would give, and the coverage of the brushed rows."""
    c = Calibration.of(standardised)
    at = int(np.searchsorted(c.level, CONFIDENCE))
    observed, low, high = float(c.observed[at]), float(c.low[at]), float(c.high[at])
    verdict = "which chance allows"
    if observed < low:
        verdict = "fewer than chance allows: they are too narrow"
    if observed > high:
        verdict = "more than chance allows: they are too wide"
    finding = (
        f"Of the 95 % intervals of {rows_of(len(standardised), source)}, {share(observed)} hold their target, "
        f"{verdict} ({share(low)} to {share(high)})."
    )
    names = ("level", "observed", "low", "high")
    shares = np.array([c.level, c.observed, c.low, c.high])
    levels = records(**dict(zip(names, np.column_stack([np.zeros(4), shares, np.ones(4)]), strict=True)))
    return Plot(
        name="calibration",
        title="Calibration",
        reading="Below the dashed line intervals are too narrow, above it too wide; in the shaded band it may be chance.",
        finding=finding,
        table=Table(
            ("Should hold", "Holds", "By chance from", "to"), [[share(v) for v in row] for row in shares.T.tolist()]
        ),
        spec=specification("calibration", levels=levels),
    )
