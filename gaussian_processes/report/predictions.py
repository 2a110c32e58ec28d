"""Predictions: a forecast in numbers that can be drawn."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from gaussian_processes.algorithm import Forecast
from gaussian_processes.data.dataset import Array
from gaussian_processes.report.quantities import exponent_of, scaled

CONFIDENCE = 0.95


def half_width(level: float | Array) -> Array:
    """Of the central interval that holds this share of a normal distribution, in standard deviations."""
    return np.asarray(ndtri((1 + np.asarray(level)) / 2))


BAND = float(half_width(CONFIDENCE))


@dataclass(frozen=True, eq=False)
class Predictions:
    """The rows of a forecast that are finite, in units of 10**exponent, in which nothing overflows.

    Attributes:
        rows: (N,), their places in the forecast, from 0.
        target: (N,).
        mean: (N,).
        std: (N,), or None.
        weight: (N,), how many rows of the forecast each stands for.
        exponent: 0 for numbers of usual size.
        left_out: number of rows that are not finite.
    """

    rows: NDArray[np.intp]
    target: Array
    mean: Array
    std: Array | None
    weight: Array
    exponent: int
    left_out: int

    @classmethod
    def of(cls, forecast: Forecast) -> "Predictions":
        """Rows with a negative standard deviation, which is none, are left out with those that are not finite."""
        finite = np.isfinite(forecast.target) & np.isfinite(forecast.mean)
        if forecast.std is not None:
            finite &= np.isfinite(forecast.std) & (forecast.std >= 0)
        rows = np.flatnonzero(finite)
        target, mean = forecast.target[rows], forecast.mean[rows]
        exponent = exponent_of(target, mean)
        std = None if forecast.std is None else scaled(forecast.std[rows], exponent)
        left_out = len(forecast.target) - len(rows)
        return cls(rows, scaled(target, exponent), scaled(mean, exponent), std, np.ones(len(rows)), exponent, left_out)

    def __len__(self) -> int:
        return len(self.target)

    def at(self, which: NDArray[np.intp], weight: Array) -> "Predictions":
        """Some of the rows."""
        std = None if self.std is None else self.std[which]
        return replace(
            self, rows=self.rows[which], target=self.target[which], mean=self.mean[which], std=std, weight=weight
        )

    def sample(self, count: int, largest: int) -> "Predictions":
        """At most `count` of the rows, always the same ones, in their order.

        Args:
            count: of rows.
            largest: of them have the largest residuals; the others are drawn at random, and stand for the rest.
        """
        if len(self) <= count:
            return self
        order = np.argsort(-self.surprise, kind="stable")
        rest = np.random.default_rng(0).choice(order[largest:], count - largest, replace=False)
        which = np.concatenate([order[:largest], rest])
        weight = np.repeat([1.0, (len(self) - largest) / len(rest)], [largest, len(rest)])
        in_order = np.argsort(which)
        return self.at(which[in_order], weight[in_order])

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

    @property
    def surprise(self) -> Array:
        """(N,), the size of each residual: in standard deviations where there are any."""
        return np.abs(self.residual if self.standardised is None else self.standardised)
