"""Heat map: the objective over two parameters whose values can be counted."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gaussian_processes.report.digits import aligned, plain
from gaussian_processes.report.figure import Figure, Label, Mark, Panel
from gaussian_processes.report.heat_map import Grid, Side
from gaussian_processes.report.plot import RIGHT, TICKS, TITLE, WIDTH, Plot, shortened
from gaussian_processes.report.shades import legend, shade
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.scale import Scale

ROW, REPEATED = 40.0, 52.0  # the height of a cell, and where one has several jobs
MOST = 30  # values of a parameter


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
    grid = Grid.over(Side(x.name, x.values), Side(y.name, y.values), REPEATED if repeated else ROW)
    marks: list[Mark] = legend(ranking.values, grid.frame.left)
    tried = {(cell.column, cell.row) for cell in cells}
    for column, row in product(range(len(x.values)), range(len(y.values))):
        if (column, row) not in tried:
            marks.append(grid.cell("empty", column, row))
    for cell, mean in zip(cells, aligned([cell.mean for cell in cells], 4), strict=True):
        which = shade(ranking.level(cell.mean))
        marks.append(grid.cell(f"shade{which}", cell.column, cell.row))
        middle, down = grid.middle(cell.column, cell.row)
        several = len(cell.values) > 1
        marks.append(Label(middle, down + (-9.0 if several else 4.0), mean, f"on{which} mean", "middle"))
        if several:
            spread = aligned([cell.deviation], 2)[0]
            marks.append(Label(middle, down + 5.0, f"± {spread}", f"on{which} small", "middle"))
            marks.append(Label(middle, down + 19.0, f"n = {len(cell.values)}", f"on{which} small", "middle"))
    best = cells[0]
    marks += grid.outline(best.column, best.row)
    combinations = len(x.values) * len(y.values)
    reading = "Each cell is a combination with its value"
    if repeated:
        reading += ", the mean ± the standard deviation of n jobs where it was repeated"
    reading += "; the outlined one is the best"
    if len(tried) < combinations:
        reading += ", and for those with a dashed rim no job completed"
    across, up = shortened(x.values[best.column]), shortened(y.values[best.row])
    where = f"{shortened(x.name)} = {across}, {shortened(y.name)} = {up}"
    frame = grid.frame
    height = frame.top + frame.height + TICKS + TITLE
    return Plot(
        name="heat_map",
        title="Objective over both parameters",
        reading=f"{reading}.",
        finding=f"Best is {where}, with {plain(best.mean)}; {len(tried):,} of {combinations:,} combinations completed.",
        figure=Figure(max(WIDTH, frame.left + frame.width + RIGHT), height, (Panel(frame, tuple(marks)),)),
    )
