"""Pairs: the objective over two parameters with countable values, as a heat map."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from gaussian_processes.report.heat_map import Cell, Side
from gaussian_processes.report.heat_map import heat_map as drawn_map
from gaussian_processes.report.plot import Plot
from gaussian_processes.report.quantities import aligned, plain, shortened
from gaussian_processes.tuning.ranking import Ranking, value_of
from gaussian_processes.tuning.scale import Scale

MOST = 30  # values of a parameter


def can_be_mapped(parameters: Sequence[Scale]) -> bool:
    """Whether these are two whose values can be counted, and are not too many."""
    return len(parameters) == 2 and all(0 < len(scale.values) <= MOST for scale in parameters)


def heat_map(ranking: Ranking) -> Plot | None:
    """Mean values of the combinations that completed; None where there are none."""
    x, y = ranking.parameters
    tried: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for trial in ranking.completed:
        column, row = x.index(trial.combination.get(x.name)), y.index(trial.combination.get(y.name))
        value = value_of(trial)
        if column is not None and row is not None and value is not None:
            tried[column, row].append(value)
    if not tried:
        return None
    means = {at: float(statistics.mean(values)) for at, values in tried.items()}
    texts = dict(zip(means, aligned(list(means.values()), 4), strict=True))
    best = (min if ranking.minimize else max)(means, key=means.__getitem__)

    def where(column: int, row: int) -> str:
        return f"{shortened(x.name)} = {shortened(x.values[column])}, {shortened(y.name)} = {shortened(y.values[row])}"

    cells = []
    for at in product(range(len(x.values)), range(len(y.values))):
        if at in tried:
            told = f"{where(*at)}: {', '.join(plain(value) for value in tried[at][:20])}"
            shade = ranking.shade(means[at])
            cells.append(Cell(*at, told, shade, texts[at], _spread(tried[at]), marked=at == best))
        else:
            cells.append(Cell(*at, f"{where(*at)}: no job completed"))
    reading = "Each cell is a combination with its value"
    if any(len(values) > 1 for values in tried.values()):
        reading += ", the mean ± the standard deviation, and the number of jobs, where several had it"
    reading += "; the outlined one is the best"
    if len(tried) < len(cells):
        reading += ", and in empty ones no job completed"
    ends = (plain(ranking.values[end], 4) for end in (0, -1))
    return Plot(
        name="heat_map",
        title="Objective over both parameters",
        reading=f"{reading}. The colour is the rank of the value.",
        finding=f"Best is {where(*best)}, with {plain(means[best])}; {len(tried):,} of {len(cells):,} combinations completed.",
        breadth=40 * len(x.values) + 80,
        spec=drawn_map(Side(x.name, x.values), Side(y.name, y.values), cells, *ends),
    )


def _spread(values: Sequence[float]) -> str:
    """Such as: ± 0.25 (3); nothing of a single value."""
    if len(values) < 2:
        return ""
    # Halved, so that the sum of two very large ones is still a number.
    deviation = min(2.0 * statistics.stdev([value / 2.0 for value in values]), sys.float_info.max)
    return f"± {aligned([deviation], 2)[0]} ({len(values)})"
