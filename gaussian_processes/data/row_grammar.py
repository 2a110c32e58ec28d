"""Row grammar: what a row is in JSON, whether it is an item of a document or has a line of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import AliasChoices, AliasPath, FailFast, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # before Python 3.12 pydantic takes no other

from gaussian_processes.data.dataset import Array
from gaussian_processes.faults import in_words

# Bytes of rows to parse at once: of the shortest, so many hold the interpreter's lock for 10 ms, and as long to validate.
PIECE = 1 << 18

# The way to something in a document.
Place = tuple[int | str, ...]

NESTED = ("data", "features", "values")  # where the requests of SageMaker's own algorithms have them

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# The first fault is enough: a description of each of a million would hold up the whole worker.
Numbers = Annotated[list[Number], Field(min_length=1), FailFast()]
Features = Annotated[Numbers, Field(validation_alias=AliasChoices("features", AliasPath(*NESTED)))]


class Record(TypedDict):
    """A row to predict; other fields are left alone."""

    features: Features


class Example(TypedDict):
    """A row to learn from; other fields are left alone."""

    target: Annotated[Number, Field(validation_alias=AliasChoices("target", "label"))]
    features: Features


@dataclass(frozen=True)
class Grammar:
    """A row as a list of numbers, or as an object with fields.

    Attributes:
        wanted: a row in words.
        objects: what validates rows of which each is an object.
    """

    wanted: str
    objects: TypeAdapter[Any]

    lists: ClassVar = TypeAdapter(Annotated[list[Numbers], FailFast()])

    def rows(self, items: Sequence[object]) -> list[list[float]]:
        """The numbers of parsed items, the target first where one is wanted; fast where all are of one kind.

        Raises:
            ValidationError: one of them is no row.
        """
        kinds = set(map(type, items))
        if kinds == {dict}:
            return [_numbers(row) for row in self.objects.validate_python(items)]
        if dict in kinds:
            return [row for item in items for row in self.rows([item])]
        rows: list[list[float]] = self.lists.validate_python(items)
        return rows

    def values(self, items: Sequence[object], width: int) -> Array | None:
        """The rows (n, width) of parsed items, fast; None where only `examine` can say what is wrong with which."""
        try:
            rows = self.rows(items)
        except ValidationError:
            return None
        if any(len(row) != width for row in rows):
            return None
        return np.array(rows, dtype=np.float64).reshape(-1, width)

    def examine(self, item: object, place: Place = ()) -> list[float] | str:
        """The numbers of one parsed item or, in their place, what is wrong with it; `place` is where it stands."""
        try:
            return self.rows([item])[0]
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            return in_words({**fault, "loc": (*place, *fault["loc"][1:])})


FEATURES = Grammar('[feature, ...] or {"features": [...]}', TypeAdapter(Annotated[list[Record], FailFast()]))
TARGET_AND_FEATURES = Grammar(
    '[feature, ...] or {"features": [...]}', TypeAdapter(Annotated[list[Example], FailFast()])
)


def numbers_of(item: object, place: Place) -> str:
    """Where the numbers of a valid item stand, in words such as 'instances[3].features'."""
    if isinstance(item, dict):
        place += ("features",) if "features" in item else NESTED
    words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return words or "the list"


def fault_of_ragged(first: str, place: str, found: int, width: int) -> str:
    """What is wrong with a row that is longer or shorter than the first one, in words."""
    return f"{place} has {found} numbers where {first} has {width}"


def _numbers(row: Any) -> list[float]:
    return [row["target"], *row["features"]] if "target" in row else row["features"]
