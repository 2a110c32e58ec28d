"""Row grammar: what a row is in JSON, whether it is an item of a document or has a line of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from gaussian_processes.data.dataset import Array

# Bytes of rows to parse at once: of the shortest, so many hold the interpreter's lock for 10 ms, and as long to validate.
PIECE = 1 << 18

# The way to something in a document.
Place = tuple[int | str, ...]

NESTED = ("data", "features", "values")  # where the requests of SageMaker's own algorithms have them
NUMBERS = frozenset((float, int, bool))  # true and false are 1 and 0, as in CSV
MISSING = ...  # a value that JSON has not


@dataclass(frozen=True)
class Grammar:
    """A row as a list of numbers, or as an object of which other fields are left alone.

    Attributes:
        targets: the names that an object may give its target; none where there is no target.
        wanted: a row in words.
    """

    targets: tuple[str, ...]
    wanted: str = '[feature, ...] or {"features": [...]}'

    def values(self, items: Sequence[object], width: int) -> Array | None:
        """The rows (n, width) of parsed items, fast; None where only `examine` can say what is wrong with which."""
        rows: list[Any] = [item if type(item) is list else self._numbers(item) for item in items]
        if not ({list}.issuperset(map(type, rows)) and {width}.issuperset(map(len, rows))):
            return None
        if not NUMBERS.issuperset(map(type, chain.from_iterable(rows))):
            return None
        try:
            values = np.array(rows, dtype=np.float64).reshape(-1, width)
        except OverflowError:  # a whole number of hundreds of digits
            return None
        return values if np.isfinite(values).all() else None

    def examine(self, item: object, place: Place = ()) -> list[float] | str:
        """The numbers of one parsed item or, in their place, what is wrong with it; `place` is where it stands."""
        target, way, features = self._fields(item)
        for name, value in target.items():
            if not _is_number(value):
                return _fault((*place, name), value)
        if type(features) is not list or not features:
            return _fault(place + way, features, "a list with at least 1 item" if features == [] else "a valid list")
        if all(map(_is_number, features)):
            return [*target.values(), *features]
        index = next(index for index, value in enumerate(features) if not _is_number(value))
        return _fault((*place, *way, index), features[index])

    def _numbers(self, item: object) -> list[Any] | None:
        """What stands where the numbers should; None where there is no list of features."""
        target, _, features = self._fields(item)
        return [*target.values(), *features] if type(features) is list and features else None

    def _fields(self, item: Any) -> tuple[Mapping[str, Any], Place, Any]:
        """The target by its name, where there has to be one; where the features stand; and the features."""
        if type(item) is not dict:
            return {}, (), item
        name = next((name for name in self.targets if name in item), None)
        target = {name or self.targets[0]: item.get(name, MISSING)} if self.targets else {}
        way = ("features",) if "features" in item else NESTED
        features: Any = item
        for step in way:
            features = features.get(step, MISSING) if type(features) is dict else MISSING
        return target, ("features",) if features is MISSING else way, features


FEATURES = Grammar(())
TARGET_AND_FEATURES = Grammar(("target", "label"))


def numbers_of(item: object, place: Place) -> str:
    """Where the numbers of a valid item stand, in words such as 'instances[3].features'."""
    if isinstance(item, dict):
        place += ("features",) if "features" in item else NESTED
    return _spelled(place) or "the list"


def fault_of_ragged(first: str, place: str, found: int, width: int) -> str:
    """What is wrong with a row that is longer or shorter than the first one, in words."""
    return f"{place} has {found} numbers where {first} has {width}"


def _is_number(value: Any) -> bool:
    return type(value) in NUMBERS and abs(value) <= sys.float_info.max


def _fault(place: Place, value: object, wanted: str = "") -> str:
    where = _spelled(place)
    if value is MISSING:
        return f"{where} is missing"
    wanted = wanted or ("a finite number" if type(value) in NUMBERS else "a valid number")
    found = "" if isinstance(value, (dict, list)) else f", found {str(value)[:40]!r}"
    return f"{where}: wanted {wanted}{found}" if where else f"wanted {wanted}{found}"


def _spelled(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
