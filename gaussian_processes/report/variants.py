"""Variants: a comparison in numbers that can be drawn, and in words."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gaussian_processes.algorithm import Comparison
from gaussian_processes.data.dataset import Array
from gaussian_processes.report.digits import plain
from gaussian_processes.report.plot import shortened

Value = int | float | str

ROUNDING = 1e-9  # of a value: what two differ by less than that is none


@dataclass(frozen=True, eq=False)
class Variants:
    """Those among which a model was chosen, from the best to the worst, and then those that have no value.

    Attributes:
        criterion: what they were compared by.
        unit: of differences, with a space before it; empty where they have none.
        names: of the settings in which they differ; of all where they differ in none.
        choices: under each of these names, the values that there are: numbers by their size, others as they were tried.
        settings: the values under these names, None where a variant has none.
        values: (K,), NaN where there is none.
        behind: (K,), how much each lacks to the best, which lacks 0.
        chosen: which of them was taken; None where it is none of them.
        taken: the settings of that one, in words.
    """

    criterion: str
    unit: str
    names: tuple[str, ...]
    choices: tuple[tuple[Value | None, ...], ...]
    settings: tuple[tuple[Value | None, ...], ...]
    values: Array
    behind: Array
    chosen: int | None
    taken: str

    @classmethod
    def of(cls, comparison: Comparison) -> "Variants":
        """Of at least one; of equal ones, the one that was chosen comes first."""
        variants = comparison.variants
        names = _differing([variant.settings for variant in variants])
        wanted = _under(names, comparison.chosen)
        values = np.array([variant.value if math.isfinite(variant.value) else math.nan for variant in variants], float)
        behind = _behind(values)
        matches = [_under(names, variant.settings) == wanted for variant in variants]
        order = np.lexsort((~np.array(matches), behind)).tolist()
        # A logarithm's differences are nats, whatever it is of.
        unit = " nats" if "log" in comparison.criterion.split() else ""
        return cls(
            criterion=shortened(comparison.criterion, 60),
            unit=unit,
            names=names,
            choices=tuple(_distinct([variant.settings.get(name) for variant in variants]) for name in names),
            settings=tuple(_under(names, variants[i].settings) for i in order),
            values=values[order] + 0.0,  # no minus before a zero
            behind=behind[order],
            chosen=[matches[i] for i in order].index(True) if any(matches) else None,
            taken=_named(names, wanted),
        )

    def __len__(self) -> int:
        return len(self.settings)

    @property
    def known(self) -> int:
        """How many have a value: these come first."""
        return int(np.isfinite(self.behind).sum())

    @property
    def worst(self) -> float:
        """The greatest distance from the best; 0 where there is none."""
        return float(self.behind[self.known - 1]) if self.known else 0.0

    def level(self, which: int) -> float:
        """How bad it is, from 0 for the best to 1 for the worst: by a logarithm, so that the good ones differ too."""
        return math.log1p(float(self.behind[which])) / math.log1p(self.worst) if self.worst else 0.0

    def name(self, which: int) -> str:
        """Such as: q = 1, l = 2."""
        return _named(self.names, self.settings[which])

    def told(self, which: int) -> str:
        """What a pointer on it is told."""
        if which >= self.known:
            return f"{self.name(which)}: not computed"
        return f"{self.name(which)}: {self.criterion} {plain(float(self.values[which]))}, {self.difference(which)}"

    def difference(self, which: int) -> str:
        """From the best, such as −3.2."""
        return less(float(self.behind[which]))

    @property
    def finding(self) -> str:
        """Which is the best, by how much, and whether it was taken."""
        count = len(self)
        if not self.known:
            none = f"None of the {count:,} variants" if count > 1 else "The one variant there is"
            return f"{none} could{'' if count > 1 else ' not'} be computed; {self.taken} was chosen."
        said = f"Of {count:,} variants, " if count > 1 else ""
        said += f"{self.name(0)} has the best {self.criterion}, {plain(float(self.values[0]))}"
        said += ", and was chosen" if self.chosen == 0 else ""
        if self.known > 1:
            said += f"; the second, {self.name(1)}, {self._distance(1)}"
        said += f". {self._choice}" if self.chosen != 0 else "."
        missing = count - self.known
        return f"{said} {missing:,} variant{'s' if missing > 1 else ''} could not be computed." if missing else said

    @property
    def _choice(self) -> str:
        if self.chosen is None:
            return f"Chosen was {self.taken}, which is none of them."
        if self.chosen >= self.known:
            return f"Chosen was {self.taken}, which could not be computed."
        better = "it was better after its other hyperparameters were learned"
        return f"Chosen was {self.taken}, which {self._distance(self.chosen)}: {better}."

    def _distance(self, which: int) -> str:
        behind = self.difference(which).removeprefix("−")
        return "is as good" if behind == "0" else f"is {behind}{self.unit} behind"


def shown(value: Value | None) -> str:
    """A setting's value for people."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value)
        case int():
            return f"{value:,}".replace("-", "−")
        case float():
            return plain(value)
        case _:
            return shortened(str(value))


def is_number(value: Value | None) -> bool:
    """Whether it has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def less(behind: float) -> str:
    """A distance from the best as a difference: two digits below 1, one decimal below 100, whole numbers above."""
    if behind == 0.0:
        return "0"
    if behind < 0.995:
        return plain(-behind, 2)
    if behind < 999_999.5:
        return f"−{behind:,.{1 if behind < 99.95 else 0}f}"
    return plain(-behind, 3)


def _differing(settings: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for each in settings for name in each))
    differing = tuple(name for name in names if len({each.get(name) for each in settings}) > 1)
    return differing or names


def _distinct(values: Sequence[Value | None]) -> tuple[Value | None, ...]:
    each = tuple(dict.fromkeys(values))
    numbers = [value for value in each if isinstance(value, int | float) and is_number(value)]
    return tuple(sorted(numbers)) if len(numbers) == len(each) else each


def _under(names: Sequence[str], settings: Mapping[str, Value]) -> tuple[Value | None, ...]:
    return tuple(settings.get(name) for name in names)


def _named(names: Sequence[str], values: Sequence[Value | None]) -> str:
    return ", ".join(f"{shortened(name)} = {shown(value)}" for name, value in zip(names, values, strict=True)) or "it"


def _behind(values: Array) -> Array:
    if not np.isfinite(values).any():
        return values
    best = float(np.nanmax(values))
    with np.errstate(over="ignore"):
        behind = np.minimum(best - values, sys.float_info.max)
    return np.where(behind <= ROUNDING * np.abs(values), 0.0, behind)
