"""Scale: where a value of a parameter, or of the objective, stands on an axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gaussian_processes.report.figure import Axis
from gaussian_processes.report.label import fitted
from gaussian_processes.report.plot import shortened, titled, widened
from gaussian_processes.report.quantities import exponent_of
from gaussian_processes.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange

COUNTABLE = 20  # as many integers, at most, stand on an axis one by one
BROADEST = 120.0  # of the text at a tick
NEAREST = 1e-17  # to 1, on a reversed logarithmic axis

Kind = Literal["places", "linear", "logarithmic", "reversed"]


@dataclass(frozen=True)
class Scale:
    """An axis and what stands where on it.

    Attributes:
        name: of what it shows.
        kind: how a value becomes a place: by its order among `values`, itself, its logarithm, or that of 1 - x.
        axis: in units of places.
        exponent: places are in units of 10**exponent where the scale is linear.
        values: all there are, in the axis' order; empty where they cannot be counted.
    """

    name: str
    kind: Kind
    axis: Axis
    exponent: int = 0
    values: tuple[str, ...] = ()

    @classmethod
    def of_values(cls, name: str, values: Sequence[str]) -> "Scale":
        """A tick for each value, the first at the left or at the bottom."""
        each = tuple(dict.fromkeys(values))
        labels = [fitted(value, BROADEST) for value in each]
        return cls(name, "places", Axis(shortened(name), -0.5, len(each) - 0.5, range(len(each)), labels), values=each)

    @classmethod
    def of_choice(cls, known: CategoricalRange, drawn: Sequence[str]) -> "Scale":
        """Of a categorical range; values that jobs had beside it come last."""
        return cls.of_values(known.name, [*known.values, *drawn])

    @classmethod
    def of_range(cls, known: IntegerRange | ContinuousRange) -> "Scale":
        """Of numbers; whole ones, if they are few, each have a place in a table."""
        low, high, name = float(known.min_value), float(known.max_value), shortened(known.name)
        values: tuple[str, ...] = ()
        if isinstance(known, IntegerRange) and high - low < COUNTABLE:
            values = tuple(str(value) for value in range(round(low), round(high) + 1))
        if known.logarithmic:
            return cls(known.name, "logarithmic", _logarithmic(name, low, high), values=values)
        if known.scaling_type == "ReverseLogarithmic":
            return cls(known.name, "reversed", _reversed(name, low, high))
        if values and high - low <= 10.0:
            ticks = [low + place for place in range(len(values))]
            return cls(known.name, "linear", Axis(name, *widened(low, high), ticks, values), values=values)
        scale = replace(cls.of_numbers(known.name, low, high), values=values)
        if low < high:
            return scale
        return replace(scale, axis=replace(scale.axis, ticks=[scale.place(low)], labels=[f"{scale.place(low):.5g}"]))

    @classmethod
    def of_numbers(cls, name: str, low: float, high: float, *, logarithmic: bool = False) -> "Scale":
        """From the lowest to the highest number."""
        if logarithmic:
            return cls(name, "logarithmic", _logarithmic(shortened(name), low, high))
        exponent = exponent_of(np.array([low, high]))
        bare = cls(name, "linear", Axis("", 0.0, 1.0, (), ()), exponent)
        ends = widened(bare.place(low), bare.place(high))
        return replace(bare, axis=Axis.over(titled(shortened(name), exponent), *ends))

    def place(self, number: float) -> float:
        """Where a number stands: finite for any that the scale can hold."""
        if self.kind == "logarithmic":
            return math.log10(number)
        if self.kind == "reversed":
            return -math.log10(max(1.0 - number, NEAREST))
        return number / 10.0 ** (self.exponent // 2) / 10.0 ** (self.exponent - self.exponent // 2)

    def find(self, text: str | None) -> float | None:
        """Where the value of a job stands; None where it has none, or one that the scale cannot hold."""
        if text is None:
            return None
        if self.kind == "places":
            return float(self.values.index(text)) if text in self.values else None
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number) or (self.kind == "logarithmic" and number <= 0.0):
            return None
        return self.place(number)

    def index(self, text: str | None) -> int | None:
        """Which of `values` it is; None where it is none of them."""
        if self.find(text) is None or text is None:
            return None
        if self.kind != "places":
            text = f"{float(text):.0f}"
        return self.values.index(text) if text in self.values else None


def _logarithmic(title: str, low: float, high: float) -> Axis:
    ends = math.log10(low), math.log10(high)
    axis = Axis.over_decades(title, *widened(*ends))
    return axis if len(axis.ticks) > 1 else _at_ends(axis, ends, (low, high))


def _reversed(title: str, low: float, high: float) -> Axis:
    """Ticks at 0, 0.9, 0.99 and so on, or at the ends where fewer than two of them are between."""
    ends = -math.log10(max(1.0 - low, NEAREST)), -math.log10(max(1.0 - high, NEAREST))
    begin, end = widened(*ends)
    nines = [power for power in range(18) if begin <= power <= end]
    axis = Axis(title, begin, end, [float(power) for power in nines], [f"0.{'9' * n}" if n else "0" for n in nines])
    return axis if len(nines) > 1 else _at_ends(axis, ends, (low, high))


def _at_ends(axis: Axis, ends: tuple[float, float], values: tuple[float, float]) -> Axis:
    count = 1 if ends[0] == ends[1] else 2
    return replace(axis, ticks=ends[:count], labels=[f"{value:.5g}" for value in values[:count]])
