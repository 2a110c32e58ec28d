"""text/csv: rows of numbers, no header line."""

import codecs
import csv
import io
import math
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import BinaryIO

import numpy as np
import pandas as pd

from gaussian_processes.data.dataset import Array
from gaussian_processes.errors import DataError


def read_csv(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Array:
    """The numbers (rows, columns) in a seekable stream of CSV.

    Args:
        stream: the bytes.
        source: the name that messages give them.
        parameters: of the media type; `charset` is honoured.

    Raises:
        DataError: no rows, ragged rows, or cells that are not finite numbers; names rows and columns, both from 1,
            blank lines left out.
    """
    charset = parameters.get("charset", "utf-8")
    try:
        encoding = codecs.lookup(charset).name
    except (LookupError, ValueError):  # a name with a NUL in it is a ValueError
        raise DataError(f"{source}: charset {charset[:40]!r} is unknown; use utf-8.") from None
    try:
        table = pd.read_csv(stream, header=None, dtype=np.float64, encoding=encoding, low_memory=False).to_numpy()
    except pd.errors.EmptyDataError:
        raise DataError(f"{source} is empty; rows of numbers separated by commas are wanted.") from None
    except (ValueError, LookupError) as error:  # pandas' own parser errors are ValueErrors
        raise _explanation(stream, source, encoding, str(error)) from None
    if not np.isfinite(table).all():
        raise _explanation(stream, source, encoding, "a number is missing or not finite")
    return table


def write_csv(columns: Mapping[str, Array]) -> bytes:
    """One line a row, the columns separated by commas; every number as the shortest text that reads back the same."""
    lines = zip(*(column.tolist() for column in columns.values()), strict=True)
    return "".join(",".join(map(repr, line)) + "\n" for line in lines).encode("ascii")


def _explanation(stream: BinaryIO, source: str, encoding: str, otherwise: str) -> DataError:
    """What is wrong with a CSV that the fast reader refused, found by a slow one; `otherwise` if it finds nothing."""
    stream.seek(0)
    try:
        # pandas skips a byte order mark by itself.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")
    except LookupError:
        return DataError(f"{source}: charset {encoding!r} is not one of text; use utf-8.")
    lines = csv.reader(text)
    try:
        # One by one, never as a list: every cell of a large file can be at fault.
        faults = _faults(row for row in lines if len(row) > 1 or any(cell.strip() for cell in row))
        first = next(faults, otherwise)
        return DataError.listing(source, chain([first], faults))
    except UnicodeError as error:
        return DataError(f"{source} is not text in {encoding}: {error}.")
    except csv.Error as error:
        return DataError(f"{source} is not CSV near line {lines.line_num}: {error}; is a quote left open?")
    finally:
        text.detach()  # the stream belongs to the caller; a collected wrapper would close it


def _faults(rows: Iterator[list[str]]) -> Iterator[str]:
    first = next(rows, None)
    if first is None:
        return
    if not any(map(_is_number, first)) and all(cell.strip() for cell in first):
        yield f"row 1 ({','.join(first)[:60]!r}) has no number in it; if it is a header line, remove it"
    else:
        yield from _bad_cells(1, first)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(first):
            yield f"row {number} has another number of columns than row 1: {len(row)} and not {len(first)}"
        yield from _bad_cells(number, row)


def _bad_cells(number: int, row: list[str]) -> Iterator[str]:
    for column, cell in enumerate(row, start=1):
        if not _is_number(cell):
            found = f"found {cell[:40]!r}" if cell.strip() else "the cell is empty"
            yield f"row {number}, column {column}: {found}, a finite number is wanted"


def _is_number(cell: str) -> bool:
    """Whether pandas reads the cell as a finite number; Python's float admits other digits, and underscores."""
    try:
        return cell.isascii() and "_" not in cell and math.isfinite(float(cell))
    except ValueError:
        return False
