"""Bad records: a row of NaN in place of each, so that a piece of a request keeps its number of records."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.records import Records
from gaussian_processes.data.table import fault_of_value


def with_placeholders(examined: Iterable[list[float] | str], width: int) -> Records:
    """Records of which each is given as its `width` numbers or, in their place, as what is wrong with it."""
    rows = list(examined)
    faults = {index: row for index, row in enumerate(rows) if isinstance(row, str)}
    values = np.full((len(rows), width), np.nan)
    good = [row for row in rows if not isinstance(row, str)]
    values[np.delete(np.arange(len(rows)), list(faults))] = np.array(good, dtype=np.float64).reshape(-1, width)
    return Records(values, faults)


def finite_or_placeholders(
    values: Array,
    first_row: int,
    width: int,
    columns: tuple[str, ...] | None = None,
    missing: NDArray[np.bool_] | None = None,
) -> Records:
    """Rows of a matrix, of which `width` numbers each are wanted.

    Args:
        values: (rows, columns), NaN where they are missing; changed in place.
        first_row: the number of the first one.
        width: of a row that is no fault.
        columns: their names.
        missing: which values are; None where none is.
    """
    if values.shape[1] != width:
        found = values.shape[1]
        faults = {row: fault_of_width(f"row {first_row + row}", found, width) for row in range(len(values))}
        return Records(np.full((len(values), width), np.nan), faults)
    faults = {}
    bad = ~np.isfinite(values)
    for row in np.flatnonzero(bad.any(axis=1)).tolist():
        column = int(bad[row].argmax())
        value = None if missing is not None and missing[row, column] else values[row, column]
        faults[row] = fault_of_value(value, first_row + row, column, columns)
    values[list(faults)] = np.nan
    return Records(values, faults)


def fault_of_width(place: str, found: int, width: int) -> str:
    """What is wrong with a record of another number of values than the model wants, in words."""
    hint = "; leave the target out" if found == width + 1 else ""
    return f"{place} has {found} {'value' if found == 1 else 'values'} where {width} {'is' if width == 1 else 'are'} wanted{hint}"
