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

FIELD = ("features",)
NESTED = ("data", "features", "values")  # where the requests of SageMaker's own algorithms have them
NUMBERS = frozenset((float, int, bool))  # true and false are 1 and 0, as in CSV
MISSING = ...  # a value that JSON has not


@dataclass(frozen=True)
class Grammar:
    """A row: a list of numbers, or an object that has one. Other fields of the object do not matter.

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

    def examine(self, item: object, place: str = "") -> list[float] | str:
        """The numbers of one parsed item or, in their place, what is wrong with it; `place` is where it stands."""
        target: Mapping[str, Any] = {}
        features: Any = item
        if type(item) is dict:
            target, way, features = self._fields(item)
            for name, value in target.items():
                if not _is_number(value):
                    return fault_of(value, f"{place}.{name}")
            place = ".".join((place, *way))
        if type(features) is not list or not features:
            return fault_of(features, place, "a list with at least 1 item" if features == [] else "a valid list")
        for index, value in enumerate(features):
            if not _is_number(value):
                return fault_of(value, f"{place}[{index}]")
        return [*target.values(), *features]

    def _numbers(self, item: object) -> list[Any] | None:
        """What stands where the numbers should; None where there is no list of features."""
        target, _, features = self._fields(item) if type(item) is dict else ({}, FIELD, MISSING)
        return [*target.values(), *features] if type(features) is list and features else None

    def _fields(self, item: Any) -> tuple[Mapping[str, Any], tuple[str, ...], Any]:
        """The target by its name, where there has to be one; where the features stand; and the features."""
        name = next((name for name in self.targets if name in item), None)
        target = {name or self.targets[0]: item.get(name, MISSING)} if self.targets else {}
        way = _way(item)
        features: Any = item
        for step in way:
            features = features.get(step, MISSING) if type(features) is dict else MISSING
        return target, FIELD if features is MISSING else way, features


FEATURES = Grammar(())
TARGET_AND_FEATURES = Grammar(("target", "label"))


def numbers_of(item: object, place: str) -> str:
    """Where the numbers of a valid item stand, in words such as 'instances[3].features'."""
    return ".".join((place, *(_way(item) if isinstance(item, dict) else ()))).lstrip(".") or "the list"


def fault_of(value: object, place: str, wanted: str = "") -> str:
    """What is wrong with a value, in words such as "instances[3].features[1]: wanted a valid number, found 'a'"."""
    place = place.lstrip(".")
    if value is MISSING:
        return f"{place} is missing"
    wanted = wanted or ("a finite number" if type(value) in NUMBERS else "a valid number")
    found = "" if type(value) in (dict, list) else f", found {str(value)[:40]!r}"
    return f"{place}: wanted {wanted}{found}" if place else f"wanted {wanted}{found}"


def fault_of_ragged(first: str, place: str, found: int, width: int) -> str:
    """What is wrong with a row that is longer or shorter than the first one, in words."""
    return f"{place} has {found} numbers where {first} has {width}"


def _is_number(value: Any) -> bool:
    return type(value) in NUMBERS and abs(value) <= sys.float_info.max


def _way(item: Mapping[str, object]) -> tuple[str, ...]:
    return FIELD if "features" in item else NESTED
