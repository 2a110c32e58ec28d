"""Figures: axes and marks, in the units of the SVG that the template plot.svg makes of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.report.quantities import power_of_ten

NARROW, WIDE = set("fijlrtI.,:;'|()[]! "), set("mwMW%@…")


def breadth(text: str) -> float:
    """About that of a text in a figure, in whatever font."""
    return sum(3.9 if character in NARROW else 10.0 if character in WIDE else 6.9 for character in text)


@dataclass(frozen=True)
class Axis:
    """One direction of a frame. `low` may be above `high`: rows are read from the top.

    Attributes:
        title: what it shows, and in which units.
        low: the value at the left, or at the bottom.
        high: the value at the right, or at the top.
        ticks: values with a label, in the order of `labels`.
        labels: what stands there.
    """

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]

    @classmethod
    def over(cls, title: str, low: float, high: float, about: int = 5) -> "Axis":
        """An axis from `low` to `high`, with round numbers at `about` as many ticks."""
        raw = (high - low) / about
        decade = math.floor(math.log10(raw))
        factor = min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda factor: abs(math.log(factor * 10.0**decade / raw)))
        step = factor * 10.0**decade
        decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (factor == 2.5))
        ticks = [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
        return cls(title, low, high, ticks, [f"{tick or 0.0:,.{decimals}f}".replace("-", "−") for tick in ticks])

    @classmethod
    def over_decades(cls, title: str, low: float, high: float) -> "Axis":
        """The same for logarithms to base 10: powers of ten at the ticks, at most seven, or 1, 2, 5 within few decades."""
        first, last = math.floor(low), math.ceil(high)
        if last - first > 2:
            every = -(-(last - first) // 7)
            powers = [power for power in range(first, last + 1, every) if low <= power <= high]
            return cls(title, low, high, [float(power) for power in powers], [power_of_ten(power) for power in powers])
        values = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
        ticks = [value for value in values if low <= math.log10(value) <= high]
        return cls(title, low, high, [math.log10(tick) for tick in ticks], [f"{tick:g}" for tick in ticks])

    @classmethod
    def of_rows(cls, names: Sequence[str]) -> "Axis":
        """One row for each name, the first at the top."""
        return cls("", len(names) - 0.5, -0.5, range(len(names)), names)


@dataclass(frozen=True)
class Path:
    """Lines and areas.

    Attributes:
        kind: by which the style sheet knows it.
        d: SVG's path data.
        title: what a pointer on it is told; nothing where it is empty.
    """

    kind: str
    d: str
    title: str = ""


@dataclass(frozen=True)
class Dots:
    """Points (x, y), and what a pointer on each is told where `titles` are given."""

    kind: str
    points: Sequence[tuple[float, float]]
    radius: float = 3.0
    titles: Sequence[str] = ()


@dataclass(frozen=True)
class Label:
    """Text that begins at (x, y), or has its middle or its end there: `anchor` is SVG's word for that."""

    x: float
    y: float
    text: str
    kind: str = "value"
    anchor: str = "start"


Mark = Path | Dots | Label


@dataclass(frozen=True)
class Frame:
    """Where a panel stands, and what its axes are; makes marks of data."""

    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis

    def across(self, x: Array) -> Array:
        """From the units of the data to the SVG's."""
        return self.left + self.width * (np.clip(x, *_ordered(self.x)) - self.x.low) / (self.x.high - self.x.low)

    def down(self, y: Array) -> Array:
        """From the units of the data to the SVG's, where up is down."""
        return self.top + self.height * (self.y.high - np.clip(y, *_ordered(self.y))) / (self.y.high - self.y.low)

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Where the ticks stand, and what their labels are: as many as fit beside each other."""
        ticks = list(zip(self.across(np.array(self.x.ticks, float)).tolist(), self.x.labels, strict=True))
        if len(ticks) < 2:
            return ticks
        widest = max(map(breadth, self.x.labels)) + 8.0
        return ticks[:: math.ceil(widest / (ticks[1][0] - ticks[0][0]))]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Where the ticks stand, and what their labels are."""
        return list(zip(self.down(np.array(self.y.ticks, float)).tolist(), self.y.labels, strict=True))

    def dots(self, kind: str, x: Array, y: Array, radius: float = 3.0) -> Dots:
        """A point for each pair."""
        return Dots(kind, list(zip(self.across(x).tolist(), self.down(y).tolist(), strict=True)), radius)

    def line(self, kind: str, x: Array, y: Array) -> Path:
        """From pair to pair."""
        return Path(kind, "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in self.dots(kind, x, y).points))

    def area(self, kind: str, x: Array, low: Array, high: Array) -> Path:
        """Between two lines."""
        outline = self.line(kind, np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]))
        return Path(kind, outline.d + "Z")

    def verticals(self, kind: str, x: Array, low: Array, high: Array) -> Path:
        """A bar without breadth at each x."""
        ends = zip(self.across(x).tolist(), self.down(low).tolist(), self.down(high).tolist(), strict=True)
        return Path(kind, "".join(f"M{a:.1f} {b:.1f}V{c:.1f}" for a, b, c in ends))

    def bars(self, kind: str, low: Array, high: Array, length: Array) -> Path:
        """Horizontal bars from zero, from `low` to `high` in y."""
        zero = float(self.across(np.zeros(1))[0])
        sides = zip(self.down(low).tolist(), self.down(high).tolist(), self.across(length).tolist(), strict=True)
        return Path(kind, "".join(f"M{zero:.1f} {a:.1f}V{b:.1f}H{end:.1f}V{a:.1f}Z" for a, b, end in sides))


@dataclass(frozen=True)
class Panel:
    """A frame and what is drawn in it, in that order."""

    frame: Frame
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Key:
    """An entry of the legend: `shape` is 'dot', 'line', 'cross' or 'band'."""

    kind: str
    shape: str
    text: str


@dataclass(frozen=True)
class Figure:
    """Panels, and a legend above them."""

    width: float
    height: float
    panels: tuple[Panel, ...]
    keys: tuple[Key, ...] = ()

    @property
    def legend(self) -> list[tuple[float, Key]]:
        """The entries, and where they begin."""
        lengths = [36.0 + breadth(key.text) for key in self.keys]
        begin = self.panels[0].frame.left
        return [(begin + sum(lengths[:i]), key) for i, key in enumerate(self.keys)]


def _ordered(axis: Axis) -> tuple[float, float]:
    return min(axis.low, axis.high), max(axis.low, axis.high)
