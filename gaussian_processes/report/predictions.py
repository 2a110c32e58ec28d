"""Predictions: a forecast in numbers that can be drawn."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from gaussian_processes.algorithm import Forecast
from gaussian_processes.data.dataset import Array
from gaussian_processes.report.quantities import exponent_of, scaled

CONFIDENCE = 0.95


def half_width(level: float | Array) -> Array:
    """Of the central interval that holds this share of a normal distribution, in standard deviations."""
    return np.asarray(ndtri((1 + np.asarray(level)) / 2))


@dataclass(frozen=True, eq=False)
class Predictions:
    """The rows of a forecast that are finite, in units of 10**exponent, in which nothing overflows.

    Attributes:
        target: (N,).
        mean: (N,).
        std: (N,), or None.
        exponent: 0 for numbers of usual size.
        left_out: how many rows were not finite.
    """

    target: Array
    mean: Array
    std: Array | None
    exponent: int
    left_out: int

    @classmethod
    def of(cls, forecast: Forecast) -> "Predictions":
        """Rows with a negative standard deviation, which is none, are left out with those that are not finite."""
        finite = np.isfinite(forecast.target) & np.isfinite(forecast.mean)
        if forecast.std is not None:
            finite &= np.isfinite(forecast.std) & (forecast.std >= 0)
        target, mean = forecast.target[finite], forecast.mean[finite]
        std = None if forecast.std is None else forecast.std[finite]
        exponent = exponent_of(target, mean)
        std = None if std is None else scaled(std, exponent)
        return cls(scaled(target, exponent), scaled(mean, exponent), std, exponent, int(np.sum(~finite)))

    def __len__(self) -> int:
        return len(self.target)

    def sample(self, count: int) -> "Predictions":
        """At most `count` of the rows, always the same ones."""
        if len(self) <= count:
            return self
        rows = np.random.default_rng(0).choice(len(self), count, replace=False)
        std = None if self.std is None else self.std[rows]
        return replace(self, target=self.target[rows], mean=self.mean[rows], std=std)

    @property
    def residual(self) -> Array:
        """Target less mean."""
        return self.target - self.mean

    @property
    def standardised(self) -> Array | None:
        """Residuals in standard deviations: infinite where a miss has none, 0 where nothing misses; None without std."""
        if self.std is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(self.residual == 0.0, 0.0, self.residual / self.std)
