"""Heat map: cells over two parameters whose values can be counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from gaussian_processes.report.figure import Axis, Frame, Path, breadth
from gaussian_processes.report.label import fitted
from gaussian_processes.report.plot import LEGEND, RIGHT, TITLE, WIDTH, shortened

NARROWEST, BROADEST = 66.0, 130.0  # of a cell that may be as broad as it likes
SHORT = 6  # letters of a name that stands before each value
HATCH = 7.0  # from line to line


@dataclass(frozen=True)
class Side:
    """A parameter and its values, in the order of its axis."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A frame of cells: a column for each value of one parameter and, from below, a row for each of another."""

    frame: Frame

    @classmethod
    def over(cls, x: Side, y: Side, high: float, top: float = LEGEND, *, widens: bool = True) -> "Grid":
        """Cells of this height, at least.

        Args:
            x: what runs from the left to the right.
            y: what runs from the bottom to the top.
            high: a cell.
            top: of the frame.
            widens: whether it may be broader than other figures, for the sake of what is written.
        """
        below, beside = ([fitted(value, BROADEST - 25.0) for value in side.values] for side in (x, y))
        title = shortened(y.name)
        if len(title) <= SHORT:  # on its side, a single letter is hard to read
            beside, title = [f"{title} = {value}" for value in beside], ""
        left = TITLE + 16.0 + max(map(breadth, beside))
        broad = (WIDTH - left - RIGHT) / len(below)
        if widens:
            broad = max(broad, min(max(map(breadth, below)) + 20.0, BROADEST), NARROWEST)
        across = Axis(shortened(x.name), -0.5, len(below) - 0.5, range(len(below)), below)
        up = Axis(title, -0.5, len(beside) - 0.5, range(len(beside)), beside)
        height = max(high * len(beside), 8.0 * len(title))  # the title at the side has to fit
        return cls(Frame(left, top, broad * len(below), height, across, up))

    @property
    def size(self) -> tuple[float, float]:
        """How broad and how high a cell is, with the gaps around it."""
        return self.frame.width / len(self.frame.x.ticks), self.frame.height / len(self.frame.y.ticks)

    def middle(self, column: int, row: int) -> tuple[float, float]:
        """Of a cell."""
        broad, high = self.size
        return self.frame.left + broad * (column + 0.5), self.frame.top + self.frame.height - high * (row + 0.5)

    def cell(self, kind: str, column: int, row: int, title: str = "") -> Path:
        """Its area."""
        return Path(f"cell {kind}", self._box(column, row, 1.5), title)

    def hatch(self, column: int, row: int) -> Path:
        """Lines across a cell that has no value."""
        (broad, high), (x, y) = self.size, self.middle(column, row)
        left, top, right, bottom = x - broad / 2 + 1.5, y - high / 2 + 1.5, x + broad / 2 - 1.5, y + high / 2 - 1.5
        lines = []
        for i in range(1, int((right - left + bottom - top) / HATCH) + 1):
            whole = left + top + i * HATCH  # x + y along the line
            begin, end = max(left, whole - bottom), min(right, whole - top)
            lines.append(f"M{begin:.1f} {whole - begin:.1f}L{end:.1f} {whole - end:.1f}")
        return Path("hatch", "".join(lines))

    def outline(self, column: int, row: int) -> list[Path]:
        """Around the cell that matters most."""
        return [Path("rim", self._box(column, row, 4.0)), Path("outline", self._box(column, row, 1.5))]

    def _box(self, column: int, row: int, gap: float) -> str:
        """A cell, less a gap on each side."""
        (broad, high), (x, y) = self.size, self.middle(column, row)
        left, top = x - broad / 2 + gap, y - high / 2 + gap
        return f"M{left:.1f} {top:.1f}h{broad - 2 * gap:.1f}v{high - 2 * gap:.1f}h-{broad - 2 * gap:.1f}Z"
