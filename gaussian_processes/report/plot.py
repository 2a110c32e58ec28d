"""Plot: a figure of the report and what it says in words, and how all of them are laid out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gaussian_processes.report.figure import Axis, Figure, Frame, Key, Mark, Panel, breadth
from gaussian_processes.report.quantities import number, power_of_ten

WIDTH = 440.0  # of a figure: three stand side by side on a large screen, one fills a telephone's
LEGEND = 30.0  # above a frame
TITLE = 22.0  # of an axis
TICKS = 24.0  # below a frame
LEFT, RIGHT = 70.0, 20.0  # of a frame, at least; figures side by side are of one height then
ROW, MANY, LOW = 30.0, 12, 20.0  # the height of a row, and that of each of more than so many
ASIDE = 100.0  # at the right of rows


@dataclass(frozen=True)
class Plot:
    """A figure of the report.

    Attributes:
        name: of its file, without the suffix.
        title: of the figure.
        reading: how it is read.
        finding: what it says of this job.
        figure: what is drawn.
    """

    name: str
    title: str
    reading: str
    finding: str
    figure: Figure


def frame_for(x: Axis, y: Axis, right: float = RIGHT) -> Frame:
    """As high as it would be broad with nothing at its right."""
    left = max(LEFT, TITLE + 12.0 + max(map(breadth, y.labels), default=0.0))
    return Frame(left, LEGEND, WIDTH - left - right, WIDTH - left - RIGHT, x, y)


def rows_for(x: Axis, names: Sequence[str], top: float) -> Frame:
    """A row for each name, and room for values at their right."""
    shown = [shortened(name) for name in names]
    left = 16.0 + max(map(breadth, shown))
    return Frame(left, top, WIDTH - left - ASIDE, row_for(len(names)) * len(names), x, Axis.of_rows(shown))


def row_for(count: int) -> float:
    """How high each of so many rows is."""
    return LOW if count > MANY else ROW


def figure_of(frame: Frame, marks: Sequence[Mark], keys: Sequence[Key] = (), *others: Panel) -> Figure:
    """The figure with this frame at its left."""
    height = frame.top + frame.height + TICKS + TITLE
    return Figure(WIDTH, height, (Panel(frame, tuple(marks)), *others), tuple(keys))


def widened(low: float, high: float) -> tuple[float, float]:
    """A little more than from `low` to `high`, and something to draw on where that is nothing."""
    # A billionth of the numbers themselves is nothing: the ticks would have no digits left.
    something = high - low > 1e-9 * max(abs(low), abs(high))
    margin = 0.04 * (high - low) if something else 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def titled(title: str, exponent: int) -> str:
    """An axis title that says by what the numbers are to be multiplied."""
    return f"{title} (× {power_of_ten(exponent)})" if exponent else title


def in_units(value: float, exponent: int) -> str:
    """A number that was scaled by 10**exponent, in words."""
    digits, power = f"{value:.2e}".split("e")
    exponent += int(power)
    whole = float(f"{digits}e{exponent}")
    return number(whole) if math.isfinite(whole) else f"{digits} × {power_of_ten(exponent)}"


def rows_of(count: int, source: str) -> str:
    """Such as: 100 rows (validation channel)."""
    return f"{count:,} row{'s' if count > 1 else ''} ({source})"


def shortened(text: str, length: int = 28) -> str:
    """A name that fits into a figure, without characters that SVG cannot hold."""
    shown = "".join(character if character.isprintable() else "�" for character in text)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
