"""Plot: a figure of a page, as a specification for Vega-Lite, in words and in numbers."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gaussian_processes.data.dataset import Array

Spec = Mapping[str, Any]

SPECS = Path(__file__).parent / "specs"
# Digits of a number that is drawn: a screen shows no more.
DIGITS = 7


@dataclass(frozen=True)
class Table:
    """What a plot says, in numbers.

    Attributes:
        headings: one for each column.
        rows: cells as they are printed.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Plot:
    """A figure of a page.

    Attributes:
        name: of its element.
        title: of the figure.
        reading: how it is read.
        finding: what it says of this job.
        table: the same in numbers; None where the page has it elsewhere.
        spec: for Vega-Lite; None where the table says all.
        breadth: pixels, at least: a narrower window scrolls.
    """

    name: str
    title: str
    reading: str
    finding: str
    table: Table | None = None
    spec: Spec | None = None
    breadth: int = 0


def specification(name: str, folder: Path = SPECS, **values: Any) -> Any:
    """The JSON file of that name, with each string `$key` replaced by the value of that name.

    Raises:
        KeyError: a value is missing.
    """
    return _filled(json.loads((folder / f"{name}.json").read_bytes()), values)


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    match part:
        case dict():
            return {key: _filled(inner, values) for key, inner in part.items()}
        case list():
            return [_filled(inner, values) for inner in part]
        case str() if part.startswith("$"):
            return values[part[1:]]
        case _:
            return part


def drawn(value: float) -> float | None:
    """A number with the digits that are drawn; None where JSON has no word for it."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def column(values: Array) -> list[float | None]:
    """Numbers (N,), drawn."""
    return [drawn(value) for value in np.asarray(values, float).tolist()]


def records(**columns: Array) -> list[dict[str, float | None]]:
    """Columns (N,) as rows, drawn."""
    cells = [column(values) for values in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def widened(low: float, high: float) -> list[float]:
    """A little more than from `low` to `high`, and something to draw on where that is nothing."""
    # A billionth of the numbers themselves is nothing: the ticks would have no digits left.
    something = high - low > 1e-9 * max(abs(low), abs(high))
    margin = 0.04 * (high - low) if something else 0.05 * abs(high) or 0.5
    return [low - margin, high + margin]
