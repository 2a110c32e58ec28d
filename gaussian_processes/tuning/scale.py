"""Scale: where a value of a parameter, or of the objective, stands on an axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gaussian_processes.report.plot import drawn
from gaussian_processes.report.quantities import exponent_of, plain, scaled, shortened, titled
from gaussian_processes.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange

COUNTABLE = 20  # integers, at most, that have a place in a table
NEAREST = 1e-17  # to 1, on a reversed logarithmic axis

Kind = Literal["places", "linear", "logarithmic", "reversed"]


@dataclass(frozen=True)
class Scale:
    """An axis.

    Attributes:
        name: of what it shows.
        kind: how values are drawn: by their order among `values`, as they are, by their logarithm, or by that of 1 - x.
        low: the least number that is drawn.
        high: the greatest.
        exponent: numbers are drawn in units of 10**exponent where the scale is linear.
        values: all there are, in the axis' order; empty where they cannot be counted.
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 1.0
    exponent: int = 0
    values: tuple[str, ...] = ()

    @classmethod
    def of_choice(cls, known: CategoricalRange, tried: Sequence[str]) -> "Scale":
        """Of a categorical range; values that jobs had beside it come last."""
        return cls(known.name, "places", values=tuple(dict.fromkeys([*known.values, *tried])))

    @classmethod
    def of_range(cls, known: IntegerRange | ContinuousRange) -> "Scale":
        """Of numbers; whole ones, if they are few, each have a place in a table."""
        low, high = float(known.min_value), float(known.max_value)
        values: tuple[str, ...] = ()
        if isinstance(known, IntegerRange) and high - low < COUNTABLE:
            values = tuple(str(value) for value in range(round(low), round(high) + 1))
        if known.logarithmic:
            return cls(known.name, "logarithmic", low, high, values=values)
        if known.scaling_type == "ReverseLogarithmic":
            return cls(known.name, "reversed", max(1.0 - high, NEAREST), max(1.0 - low, NEAREST))
        return cls.of_numbers(known.name, low, high, values=values)

    @classmethod
    def of_numbers(
        cls, name: str, low: float, high: float, *, logarithmic: bool = False, values: tuple[str, ...] = ()
    ) -> "Scale":
        """From the lowest to the highest number."""
        if logarithmic:
            return cls(name, "logarithmic", low, high)
        exponent = exponent_of(np.array([low, high]))
        return cls(name, "linear", scaled(low, exponent), scaled(high, exponent), exponent, values)

    def number(self, value: float) -> float:
        """What is drawn of a number."""
        if self.kind == "reversed":
            return max(1.0 - value, NEAREST)
        return scaled(value, self.exponent)

    def find(self, text: str | None) -> float | str | None:
        """What is drawn of the value of a job; None where it has none, or one that the scale cannot hold."""
        if text is None or self.kind == "places":
            return text if text in self.values else None
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number) or (self.kind == "logarithmic" and number <= 0.0):
            return None
        return drawn(self.number(number))

    def index(self, text: str | None) -> int | None:
        """Which of `values` it is; None where it is none of them."""
        if self.find(text) is None or text is None:
            return None
        if self.kind != "places":
            text = f"{float(text):.0f}"
        return self.values.index(text) if text in self.values else None

    def share(self, found: float | str) -> float:
        """How far along the axis something stands that is drawn: from 0 to 1."""
        if isinstance(found, str):
            return self.values.index(found) / (len(self.values) - 1) if len(self.values) > 1 else 0.5
        low, high = self.low, self.high
        if self.kind in {"logarithmic", "reversed"}:
            found, low, high = math.log(found), math.log(low), math.log(high)
        share = (found - low) / (high - low) if high > low else 0.5
        return min(max(1.0 - share if self.kind == "reversed" else share, 0.0), 1.0)

    @property
    def ends(self) -> list[tuple[float, str]]:
        """Shares of the axis with a label: its ends, or each value of few."""
        if self.kind == "places":
            return [(self.share(value), shortened(value, 16)) for value in self.values]
        numbers = [self.low, self.high][: 1 if self.low == self.high else 2]
        shown = (1.0 - number if self.kind == "reversed" else number for number in numbers)
        return [(self.share(number), plain(label, 4)) for number, label in zip(numbers, shown, strict=True)]

    def axis(self, field: str) -> dict[str, Any]:
        """For Vega-Lite, of a field that has what `find` finds."""
        title = titled(shortened(self.name), self.exponent)
        if self.kind == "places":
            labels = {"labelLimit": 110, "labelAngle": 0}
            return {
                "field": field,
                "type": "nominal",
                "title": title,
                "sort": None,
                "scale": {"domain": self.values},
                "axis": labels,
            }
        scale = {"domain": [drawn(self.low), drawn(self.high)], "nice": False, "padding": 12, "clamp": True}
        axis: dict[str, Any] = {}
        if self.kind == "linear":
            scale |= {"zero": False}
            axis = {"values": [float(value) for value in self.values]} if self.values and not self.exponent else {}
        else:
            scale |= {"type": "log"}
            axis = {"tickCount": 4, "grid": False, "format": "~g"}
        if self.kind == "reversed":
            scale |= {"reverse": True}
            nines = [10.0**-power for power in range(18) if self.low <= 10.0**-power <= self.high]
            values = nines if len(nines) > 1 else [self.low, self.high]
            axis = {"values": values, "grid": False, "labelExpr": "format(1 - datum.value, '~r')"}
        return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}
