"""text/csv: rows of numbers, no header line."""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gaussian_processes.errors import DataError


def read_csv(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> NDArray[np.float64]:
    """The numbers (rows, columns) in a seekable stream of CSV.

    Args:
        stream: the bytes.
        source: the name that messages give them.
        parameters: of the media type; `charset` is honoured.

    Raises:
        DataError: no rows, ragged rows, or cells that are not finite numbers; names rows and columns.
    """
    charset = parameters.get("charset", "utf-8").lower()
    try:
        table = pd.read_csv(stream, header=None, dtype=np.float64, encoding=charset, low_memory=False).to_numpy()
    except pd.errors.EmptyDataError:
        raise DataError(f"{source} is empty; rows of numbers separated by commas are wanted.") from None
    except (ValueError, LookupError) as error:  # pandas' own parser errors are ValueErrors
        raise _explanation(stream, source, charset, str(error)) from None
    if not np.isfinite(table).all():
        raise _explanation(stream, source, charset, "a number is missing or not finite")
    return table


def write_csv(columns: Mapping[str, NDArray[np.float64]]) -> bytes:
    """One line a row, the columns separated by commas; every number as the shortest text that reads back the same."""
    lines = zip(*(column.tolist() for column in columns.values()), strict=True)
    return "".join(",".join(map(repr, line)) + "\n" for line in lines).encode("ascii")


def _explanation(stream: BinaryIO, source: str, charset: str, otherwise: str) -> DataError:
    """What is wrong with a CSV that the fast reader refused, found by a slow one; `otherwise` if it finds nothing."""
    stream.seek(0)
    try:
        # pandas skips a byte order mark by itself.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig" if charset == "utf-8" else charset, newline="")
    except LookupError:
        return DataError(f"{source}: charset {charset!r} is unknown; use utf-8.")
    try:
        rows = (row for row in csv.reader(text) if row)
        faults = list(_faults(rows))
    except UnicodeDecodeError as error:
        return DataError(f"{source} is not text in {charset}: {error.reason} at byte {error.start}.")
    except csv.Error as error:
        return DataError(f"{source} is not CSV: {error}.")
    finally:
        text.detach()  # the stream belongs to the caller; a collected wrapper would close it
    return DataError.listing(source, faults or [otherwise])


def _faults(rows: Iterator[list[str]]) -> Iterator[str]:
    first = next(rows, None)
    if first is None:
        return
    if not any(map(_is_number, first)) and all(cell.strip() for cell in first):
        yield f"row 1 ({','.join(first)[:60]}) has no number in it; if it is a header line, remove it"
    else:
        yield from _bad_cells(1, first)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(first):
            yield f"row {number} has {len(row)} columns where row 1 has {len(first)}"
        yield from _bad_cells(number, row)


def _bad_cells(number: int, row: list[str]) -> Iterator[str]:
    for column, cell in enumerate(row, start=1):
        if not _is_number(cell):
            found = f"found {cell[:40]!r}" if cell.strip() else "the cell is empty"
            yield f"row {number}, column {column}: {found}, a finite number is wanted"


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False
