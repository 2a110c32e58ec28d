"""Table: the rows of a file, a piece at a time, and how the faults of a whole file become one error."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import DataError

# What is wrong with a piece, in words, one fault after the other.
Faults = Iterator[str]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers.

    Attributes:
        values: (rows, columns), finite.
        columns: the names of the columns, where the file has them.
        header: whether the names stood in a header line, and not in a schema.
    """

    values: Array
    columns: tuple[str, ...] | None = None
    header: bool = False


def accepted(source: str, pieces: Iterable[Table | Faults]) -> Iterator[Table]:
    """The pieces of a file, in order, until one is at fault.

    Raises:
        DataError: the faults of that piece and of all that follow: the first five in words, and how many more.
    """
    remaining = iter(pieces)
    for piece in remaining:
        if not isinstance(piece, Table):
            later = (faults for faults in remaining if not isinstance(faults, Table))
            raise DataError.listing(source, chain(piece, chain.from_iterable(later)))
        yield piece


def joined(tables: Iterable[Table]) -> Table:
    """The pieces of a file as one table; there is at least one."""
    pieces = list(tables)
    return Table(np.concatenate([piece.values for piece in pieces]), pieces[0].columns, pieces[0].header)


def rows_or_faults(examine: Callable[[], Iterator[list[float] | str]]) -> list[list[float]] | Faults:
    """The rows of a piece, or, where `examine` puts a fault in the place of one of them, all its faults.

    It is called again for these: every line of a large file can be at fault, so no list of them is made.
    """
    rows = []
    for row in examine():
        if isinstance(row, str):
            return (fault for fault in examine() if isinstance(fault, str))
        rows.append(row)
    return rows


def each_once(
    lines: Iterable[tuple[int, bytes]], examine: Callable[[int, bytes], Iterable[list[float] | str]]
) -> Iterator[list[float] | str]:
    """What `examine` says of numbered lines; a line that repeats another is not examined again.

    Faults begin with the line's number, "line 3", and have it from here.
    """
    known: dict[bytes, list[list[float] | str]] = {}
    for number, line in lines:
        if line not in known:
            found = examine(0, line)
            known[line] = [row.removeprefix("line 0") if isinstance(row, str) else row for row in found]
        for row in known[line]:
            yield f"line {number}{row}" if isinstance(row, str) else row


def not_finite(values: Array, first_row: int, columns: tuple[str, ...] | None = None) -> Faults:
    """A fault for each value that is not finite; rows count from `first_row`, columns from 1."""
    for row, column in np.argwhere(~np.isfinite(values)).tolist():
        yield fault_of_value(values[row, column], first_row + row, column, columns)


def fault_of_value(value: float | None, row: int, column: int, columns: tuple[str, ...] | None = None) -> str:
    """A value that is not finite, or None where it is missing, in words; `columns[column]` is its column's name."""
    name = f" ({columns[column]!r})" if columns else ""
    found = "the value is missing" if value is None else f"found {value}"
    return f"row {row}, column {column + 1}{name}: {found}, a finite number is wanted"
