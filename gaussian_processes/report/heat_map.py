"""Heat map: cells over two parameters, in colours from the best value to the worst."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gaussian_processes.report.plot import Spec, specification
from gaussian_processes.report.quantities import shortened

SHADES = 7  # from the best to the worst


def shade(level: float) -> int:
    """The colour of a level from 0, the best, to 1, the worst."""
    return min(int(level * SHADES), SHADES - 1)


@dataclass(frozen=True)
class Side:
    """A parameter and its values in words, in the order of its axis."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        column: counted from the left, from 0.
        row: counted from below, from 0.
        told: what a pointer on it shows.
        shade: its colour; None for an empty cell.
        text: in the cell.
        small: below that.
        marked: whether it has an outline.
    """

    column: int
    row: int
    told: str
    shade: int | None = None
    text: str = ""
    small: str = ""
    marked: bool = False


def heat_map(x: Side, y: Side, cells: Sequence[Cell], best: str, worst: str) -> Spec:
    """A specification; a text that is broader than its cell is left out.

    Args:
        x: what runs from the left to the right.
        y: what runs from below.
        cells: one for each pair of values.
        best: the best value, for the legend.
        worst: the worst value.
    """
    found: Spec = specification(
        "heat_map",
        cells=[asdict(cell) for cell in cells],
        best=f"best {best}  ",
        worst=f"worst {worst}",
        columns=[shortened(value, 20) for value in x.values],
        rows=[shortened(value, 24) for value in y.values],
        x=shortened(x.name),
        y=shortened(y.name),
        column_order=list(range(len(x.values))),
        row_order=list(range(len(y.values)))[::-1],
        height=(48 if any(cell.small for cell in cells) else 30) * len(y.values),
        shade=specification("shade"),
        on=specification("on_shade"),
    )
    return found
