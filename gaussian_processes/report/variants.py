"""Variants: the alternatives to a chosen model, as a heat map and a table."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from gaussian_processes.algorithm import Comparison
from gaussian_processes.data.dataset import Array
from gaussian_processes.report.heat_map import Cell, Side, heat_map, shade
from gaussian_processes.report.plot import Plot, Spec, Table
from gaussian_processes.report.quantities import Value, is_number, less, plain, shortened, shown

COLUMNS, PANELS = 20, 4  # of a map, at most
LISTED = 40  # rows of the table
ROUNDING = 1e-9  # of a value: what two differ by less than that is none


@dataclass(frozen=True, eq=False)
class Variants:
    """Those among which a model was chosen, from the best to the worst, and then those that have no value.

    Attributes:
        criterion: what they were compared by.
        names: of the settings in which they differ; of all where they differ in none.
        settings: the values under these names, None where a variant has none.
        values: (K,), NaN where there is none.
        behind: (K,), the difference from the best, which has 0.
        chosen: the place of the one that was taken; None where it is none of them.
        taken: the settings of that one.
    """

    criterion: str
    names: tuple[str, ...]
    settings: tuple[tuple[Value, ...], ...]
    values: Array
    behind: Array
    chosen: int | None
    taken: tuple[Value, ...]

    @classmethod
    def of(cls, comparison: Comparison) -> "Variants":
        """Of at least one; of equal ones, the one that was chosen comes first."""
        every = [variant.settings for variant in comparison.variants]
        names = tuple(dict.fromkeys(name for settings in every for name in settings))
        names = tuple(name for name in names if len({settings.get(name) for settings in every}) > 1) or names
        taken = _under(names, comparison.chosen)
        values = np.array([v.value if math.isfinite(v.value) else math.nan for v in comparison.variants], float) + 0.0
        behind = _behind(values)
        matches = np.array([_under(names, settings) == taken for settings in every])
        order = np.lexsort((~matches, behind)).tolist()
        return cls(
            criterion=shortened(comparison.criterion, 60),
            names=names,
            settings=tuple(_under(names, every[i]) for i in order),
            values=values[order],
            behind=behind[order],
            chosen=order.index(int(matches.argmax())) if matches.any() else None,
            taken=taken,
        )

    @property
    def known(self) -> int:
        """How many have a value: these come first."""
        return int(np.isfinite(self.behind).sum())

    @property
    def unit(self) -> str:
        """Differences of any logarithm are nats."""
        return " nats" if "log" in self.criterion.split() else ""

    def choices(self, place: int) -> list[Value]:
        """The values of a setting: numbers by their size, others as they were tried."""
        each = list(dict.fromkeys(settings[place] for settings in self.settings))
        return sorted(each, key=float) if all(map(is_number, each)) else each  # type: ignore[arg-type]

    def name(self, settings: Sequence[Value]) -> str:
        """Such as: q = 1, l = 2."""
        return ", ".join(f"{shortened(n)} = {shown(v)}" for n, v in zip(self.names, settings, strict=True)) or "it"

    def told(self, which: int) -> str:
        """What a pointer on it shows."""
        if which >= self.known:
            return f"{self.name(self.settings[which])}: not computed"
        said = f"{self.criterion} {plain(float(self.values[which]))}, {less(float(self.behind[which]))}"
        return f"{self.name(self.settings[which])}: {said}"

    @property
    def finding(self) -> str:
        """Which is the best, by how much, and whether it was taken."""
        count, missing, taken = len(self.settings), len(self.settings) - self.known, self.name(self.taken)
        if not self.known:
            none = f"None of the {count:,} variants could" if count > 1 else "The one variant there is could not"
            return f"{none} be computed; {taken} was chosen."
        said = f"Of {count:,} variants, " if count > 1 else ""
        said += f"{self.name(self.settings[0])} has the best {self.criterion}, {plain(float(self.values[0]))}"
        said += ", and was chosen" if self.chosen == 0 else ""
        if self.known > 1:
            said += f"; the second, {self.name(self.settings[1])}, {self._distance(1)}"
        if self.chosen is None:
            said += f". Chosen was {taken}, which is none of them"
        elif self.chosen >= self.known:
            said += f". Chosen was {taken}, which could not be computed"
        elif self.chosen:
            better = "it was better after its other hyperparameters were learned"
            said += f". Chosen was {taken}, which {self._distance(self.chosen)}: {better}"
        return f"{said}." + (f" {missing:,} variant{'s' * (missing > 1)} could not be computed." if missing else "")

    def _distance(self, which: int) -> str:
        behind = less(float(self.behind[which])).removeprefix("−")
        return "is as good" if behind == "0" else f"is {behind}{self.unit} behind"


def comparison(compared: Comparison) -> Plot | None:
    """A map where two settings are numbers, a table elsewhere; None where nothing was compared."""
    if not compared.variants:
        return None
    v = Variants.of(compared)
    spec = _map(v)
    nats = f", in{v.unit}" if v.unit else ""
    reading = f"Each {'cell' if spec else 'row'} is a variant, its number its {v.criterion} less that of the best{nats}"
    if spec:
        reading += "; the one that was chosen is outlined. The colour follows the logarithm of that difference."
        reading += " Numbers that do not fit are left out."
        reading += " A cross stands for a variant that could not be computed." if v.known < len(v.settings) else ""
    else:
        reading += f". The table has the best {LISTED} of {len(v.settings):,}." if len(v.settings) > LISTED else "."
    breadth = 130 + 44 * len(spec["encoding"]["x"]["scale"]["domain"]) if spec else 0
    return Plot("comparison", f"Variants by {v.criterion}", reading, v.finding, _table(v), spec, breadth)


def _map(v: Variants) -> Spec | None:
    """None where two numbers, or two and something of a few values, do not say which variant it is."""
    choices = [v.choices(place) for place in range(len(v.names))]
    if len(choices) not in {2, 3} or any(None in each for each in choices):
        return None
    numeric = [place for place, each in enumerate(choices) if all(map(is_number, each))]
    other = None
    if len(choices) == 3:
        words = [place for place in range(3) if place not in numeric]
        other = words[0] if words else min((2, 1, 0), key=lambda place: len(choices[place]))
    axes = [place for place in numeric if place != other]
    if (
        len(axes) != 2
        or max(len(choices[place]) for place in axes) > COLUMNS
        or (other is not None and len(choices[other]) > PANELS)
        or len(set(v.settings)) < len(v.settings)
        or 2 * len(v.settings) < math.prod(map(len, choices))
    ):
        return None
    x, y = axes
    groups = [()] if other is None else [(value,) for value in reversed(choices[other])]
    rows = [(*group, value) for group, value in product(groups, choices[y])]
    places = {settings: which for which, settings in enumerate(v.settings)}
    worst = float(v.behind[v.known - 1]) if v.known else 0.0
    cells = []
    for (column, across), (row, up) in product(enumerate(choices[x]), enumerate(rows)):
        settings = {x: across, y: up[-1], **({} if other is None else {other: up[0]})}
        which = places.get(tuple(settings[place] for place in range(len(choices))))
        if which is None:
            cells.append(Cell(column, row, "not compared"))
        elif which >= v.known:
            cells.append(Cell(column, row, v.told(which), text="×", marked=which == v.chosen))
        else:
            behind = float(v.behind[which])
            # By a logarithm, so that the good ones differ too.
            colour = shade(math.log1p(behind) / math.log1p(worst) if worst else 0.0)
            cells.append(Cell(column, row, v.told(which), colour, less(behind), marked=which == v.chosen))
    title = ", ".join(shortened(v.names[place], 13) for place in (other, y) if place is not None)
    side = Side(title, [", ".join(map(shown, row)) for row in rows])
    return heat_map(Side(v.names[x], list(map(shown, choices[x]))), side, cells, "0", less(worst))


def _table(v: Variants) -> Table:
    """From the best to the worst; the chosen one is in it wherever it ranks."""
    listed = list(range(min(len(v.settings), LISTED)))
    listed += [v.chosen] if v.chosen is not None and v.chosen >= LISTED else []
    rows = []
    for which in listed:
        numbers = ["not computed", ""]
        if which < v.known:
            numbers = [plain(float(v.values[which])), less(float(v.behind[which]))]
        rows.append([*map(shown, v.settings[which]), *numbers, "chosen" if which == v.chosen else ""])
    return Table([*map(shortened, v.names), v.criterion, "Difference", ""], rows)


def _under(names: Sequence[str], settings: Mapping[str, Value]) -> tuple[Value, ...]:
    return tuple(settings.get(name) for name in names)


def _behind(values: Array) -> Array:
    if not np.isfinite(values).any():
        return values
    best = float(np.nanmax(values))
    with np.errstate(over="ignore"):
        behind = np.minimum(best - values, sys.float_info.max)
    return np.where(behind <= ROUNDING * np.abs(values), 0.0, behind)
