"""Heat map: the objective over two parameters whose values can be counted."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gaussian_processes.report.figure import Axis, Figure, Frame, Label, Mark, Panel, Path, breadth
from gaussian_processes.report.plot import LEGEND, RIGHT, TICKS, TITLE, WIDTH, Plot, shortened
from gaussian_processes.tuning.digits import aligned, plain
from gaussian_processes.tuning.label import fitted
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.scale import Scale
from gaussian_processes.tuning.shades import legend, shade

NARROWEST, BROADEST = 66.0, 130.0  # of a cell
ROW, REPEATED = 40.0, 52.0  # the height of a cell, and where one has several jobs
MOST = 30  # values of a parameter
SHORT = 6  # letters of a name that stands before each value


@dataclass(frozen=True)
class Cell:
    """A combination that completed.

    Attributes:
        column: which value of the first parameter it has.
        row: which of the second.
        values: the objective of each job that had it.
    """

    column: int
    row: int
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the values."""
        return float(statistics.mean(self.values))

    @property
    def deviation(self) -> float:
        """The sample standard deviation, of at least two values."""
        # Halved, so that the sum of two very large ones is still a number.
        return min(2.0 * statistics.stdev([value / 2.0 for value in self.values]), sys.float_info.max)


def can_be_mapped(parameters: Sequence[Scale]) -> bool:
    """Whether these are two whose values can be counted, and are not too many."""
    return len(parameters) == 2 and all(0 < len(scale.values) <= MOST for scale in parameters)


def cells_of(ranking: Ranking) -> list[Cell]:
    """From the best mean to the worst."""
    x, y = ranking.parameters
    found: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in ranking.completed:
        column, row = x.index(trial.combination.get(x.name)), y.index(trial.combination.get(y.name))
        value = value_of(trial)
        if column is not None and row is not None and value is not None:
            found[column, row].append(value)
    sign = 1.0 if ranking.minimize else -1.0
    return sorted((Cell(*at, tuple(values)) for at, values in found.items()), key=lambda cell: sign * cell.mean)


def heat_map(ranking: Ranking) -> Plot | None:
    """Mean values of the combinations that completed; None where there are none."""
    cells = cells_of(ranking)
    if not cells:
        return None
    x, y = ranking.parameters
    repeated = any(len(cell.values) > 1 for cell in cells)
    frame = _frame(x, y, REPEATED if repeated else ROW)
    broad, high = _size(frame)
    marks: list[Mark] = legend(ranking, frame.left)
    tried = {(cell.column, cell.row) for cell in cells}
    for column, row in product(range(len(x.values)), range(len(y.values))):
        if (column, row) not in tried:
            marks += [Path("cell empty", _box(frame, column, row))]
    for cell, mean in zip(cells, aligned([cell.mean for cell in cells], 4), strict=True):
        which = shade(ranking.level(cell.mean))
        marks.append(Path(f"cell shade{which}", _box(frame, cell.column, cell.row)))
        middle = frame.left + broad * (cell.column + 0.5)
        down = frame.top + frame.height - high * (cell.row + 0.5)
        several = len(cell.values) > 1
        marks.append(Label(middle, down + (-9.0 if several else 4.0), mean, f"on{which} mean", "middle"))
        if several:
            spread = aligned([cell.deviation], 2)[0]
            marks.append(Label(middle, down + 5.0, f"± {spread}", f"on{which} small", "middle"))
            marks.append(Label(middle, down + 19.0, f"n = {len(cell.values)}", f"on{which} small", "middle"))
    best = cells[0]
    marks.append(Path("rim", _box(frame, best.column, best.row, gap=4.0)))
    marks.append(Path("outline", _box(frame, best.column, best.row, gap=1.5)))
    combinations = len(x.values) * len(y.values)
    reading = "Each cell is a combination with its value"
    if repeated:
        reading += ", the mean ± the standard deviation of n jobs where it was repeated"
    reading += "; the outlined one is the best"
    if len(tried) < combinations:
        reading += ", and for those with a dashed rim no job completed"
    across, up = shortened(x.values[best.column]), shortened(y.values[best.row])
    where = f"{shortened(x.name)} = {across}, {shortened(y.name)} = {up}"
    height = frame.top + frame.height + TICKS + TITLE
    return Plot(
        name="heat_map",
        title="Objective over both parameters",
        reading=f"{reading}.",
        finding=f"Best is {where}, with {plain(best.mean)}; {len(tried):,} of {combinations:,} combinations completed.",
        figure=Figure(max(WIDTH, frame.left + frame.width + RIGHT), height, (Panel(frame, tuple(marks)),)),
    )


def _frame(x: Scale, y: Scale, high: float) -> Frame:
    below, beside = ([fitted(value, BROADEST - 25.0) for value in scale.values] for scale in (x, y))
    title = shortened(y.name)
    if len(title) <= SHORT:  # on its side, a single letter is hard to read
        beside, title = [f"{title} = {value}" for value in beside], ""
    left = TITLE + 16.0 + max(map(breadth, beside))
    broad = max((WIDTH - left - RIGHT) / len(below), min(max(map(breadth, below)) + 20.0, BROADEST), NARROWEST)
    across = Axis(shortened(x.name), -0.5, len(below) - 0.5, range(len(below)), below)
    up = Axis(title, -0.5, len(beside) - 0.5, range(len(beside)), beside)
    height = max(high * len(beside), 8.0 * len(title))  # the title at the side has to fit
    return Frame(left, LEGEND, broad * len(below), height, across, up)


def _size(frame: Frame) -> tuple[float, float]:
    """How broad and how high a cell is, with the gaps around it."""
    return frame.width / len(frame.x.ticks), frame.height / len(frame.y.ticks)


def _box(frame: Frame, column: int, row: int, gap: float = 1.5) -> str:
    """A cell, less a gap on each side."""
    broad, high = _size(frame)
    left, top = frame.left + broad * column + gap, frame.top + frame.height - high * (row + 1) + gap
    return f"M{left:.1f} {top:.1f}h{broad - 2 * gap:.1f}v{high - 2 * gap:.1f}h-{broad - 2 * gap:.1f}Z"
