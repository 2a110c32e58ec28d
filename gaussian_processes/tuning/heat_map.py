"""Heat map: the objective over two parameters whose values can be counted."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from gaussian_processes.report import heat_map as drawing
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.quantities import aligned, plain, shortened
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.scale import Scale

MOST = 30  # values of a parameter


@dataclass(frozen=True)
class Combination:
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


def cells_of(ranking: Ranking) -> list[Combination]:
    """From the best mean to the worst."""
    x, y = ranking.parameters
    found: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in ranking.completed:
        column, row = x.index(trial.combination.get(x.name)), y.index(trial.combination.get(y.name))
        value = value_of(trial)
        if column is not None and row is not None and value is not None:
            found[column, row].append(value)
    sign = 1.0 if ranking.minimize else -1.0
    return sorted((Combination(*at, tuple(values)) for at, values in found.items()), key=lambda cell: sign * cell.mean)


def heat_map(ranking: Ranking) -> Plot | None:
    """Mean values of the combinations that completed; None where there are none."""
    found = cells_of(ranking)
    if not found:
        return None
    x, y = ranking.parameters
    repeated = any(len(one.values) > 1 for one in found)
    best = found[0]
    means = aligned([one.mean for one in found], 4)
    tried = {(one.column, one.row): (one, mean) for one, mean in zip(found, means, strict=True)}
    cells = []
    for column, row in product(range(len(x.values)), range(len(y.values))):
        where = f"{shortened(x.name)} = {shortened(x.values[column])}, {shortened(y.name)} = {shortened(y.values[row])}"
        if (column, row) not in tried:
            cells.append(drawing.Cell(column, row, f"{where}: no job completed"))
            continue
        one, mean = tried[column, row]
        small = f"± {aligned([one.deviation], 2)[0]} ({len(one.values)})" if len(one.values) > 1 else ""
        told = f"{where}: {', '.join(plain(value) for value in one.values[:20])}"
        cells.append(drawing.Cell(column, row, told, ranking.shade(one.mean), mean, small, marked=one is best))
    combinations = len(x.values) * len(y.values)
    reading = "Each cell is a combination with its value"
    if repeated:
        reading += ", the mean ± the standard deviation where (as many) jobs repeated it"
    reading += "; the outlined one is the best"
    if len(tried) < combinations:
        reading += ", and in empty ones no job completed"
    across, up = shortened(x.values[best.column]), shortened(y.values[best.row])
    where = f"{shortened(x.name)} = {across}, {shortened(y.name)} = {up}"
    sides = drawing.Side(x.name, x.values), drawing.Side(y.name, y.values)
    spec = drawing.heat_map(*sides, cells, plain(ranking.values[0], 4), plain(ranking.values[-1], 4))
    return Plot(
        name="heat_map",
        title="Objective over both parameters",
        reading=f"{reading}. The colour is the rank of the value.",
        finding=f"Best is {where}, with {plain(best.mean)}; {len(tried):,} of {combinations:,} combinations completed.",
        breadth=40 * len(x.values) + 80,
        spec=spec,
    )
