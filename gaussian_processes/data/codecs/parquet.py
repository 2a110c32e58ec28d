"""application/x-parquet: columns of numbers, read by Rust's Arrow."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from gzip import GzipFile
from io import BytesIO
from typing import BinaryIO

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_parquet as read_arrow
from numpy.typing import NDArray

from gaussian_processes.data.bad_records import finite_or_placeholders
from gaussian_processes.data.codecs.parquet_footer import read_footer
from gaussian_processes.data.dataset import Array
from gaussian_processes.data.records import Records
from gaussian_processes.data.table import Faults, Table, accepted, fault_of_value, not_finite
from gaussian_processes.errors import DataError, ExplainedError, PayloadTooLargeError

ROWS = 1 << 16  # of a piece
NUMBERS = 1 << 20  # of a piece, unless a single row has more
MARK = b"PAR1"
INDEX = "__index_level_"  # how pandas calls an index without a name


def read_parquet(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], *, most: float = math.inf
) -> Iterator[Table]:
    """The numbers in a Parquet file, in pieces: integers, floats, truth values as 1 and 0, decimals.

    Args:
        stream: the bytes; read whole into memory where seeking would mean to decompress them again.
        source: the name that messages give them.
        parameters: of the media type; none is needed.
        most: numbers that are taken, however few bytes hold them.

    Raises:
        DataError: no Parquet file; columns of anything else, by name; values that are missing or not finite, by row and
            column, both from 1.
        PayloadTooLargeError: there are more numbers.
    """
    del parameters
    return accepted(source, _pieces(BytesIO(stream.read()) if isinstance(stream, GzipFile) else stream, source, most))


def read_parquet_records(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int, *, most: float = math.inf
) -> Iterator[Records]:
    """The same rows, `width` numbers each; one with a missing value or another number of them is at fault.

    Raises:
        DataError: no Parquet file, or columns of anything but numbers.
        PayloadTooLargeError: there are more than `most` numbers.
    """
    del parameters
    batches, rows = _open(stream, source, most)
    names = tuple(batches.schema.names)
    yield Records(np.empty((0, width)), columns=names)
    row = 1
    for batch in _each(batches, rows, source):
        columns, missing = zip(*map(_numbers_or_nan, batch.columns), strict=True)
        yield finite_or_placeholders(np.column_stack(columns), row, width, names, np.column_stack(missing))
        row += batch.num_rows


def _pieces(stream: BinaryIO, source: str, most: float) -> Iterator[Table | Faults]:
    batches, rows = _open(stream, source, most)
    names = tuple(batches.schema.names)
    yield Table(np.empty((0, len(names))), names)
    row = 1
    for batch in _each(batches, rows, source):
        if any(column.null_count for column in batch.columns):
            yield _missing(batch, row)
        else:
            values = np.column_stack([_numbers(column) for column in batch.columns])
            yield Table(values, names) if np.isfinite(values).all() else not_finite(values, row, names)
        row += batch.num_rows


def _open(stream: BinaryIO, source: str, most: float) -> tuple[RecordBatchReader, int]:
    """The file's batches, and how many rows it says they have."""
    if stream.read(len(MARK)) != MARK:
        raise DataError(f"{source} is not a Parquet file: it does not begin with PAR1.")
    with _refusals(source):
        rows, columns = read_footer(stream)
        if rows * columns > most:
            raise PayloadTooLargeError(
                f"{source} has {rows} rows of {columns} numbers by its footer, and {most:.0f} numbers are taken; send fewer "
                "rows at a time, or set MODEL_SERVER_MAX_PAYLOAD_MB."
            )
        batches = read_arrow(stream, batch_size=ROWS)
        schema = batches.schema
        if len(schema) * ROWS > NUMBERS:  # which is known only now
            batches = read_arrow(stream, batch_size=max(1, NUMBERS // len(schema)))
    _require_numbers(schema, source)
    return batches, rows


def _each(batches: RecordBatchReader, rows: int, source: str) -> Iterator[RecordBatch]:
    """The batches. The footer says how many rows they have; a file with more is refused."""
    left = rows
    while True:
        with _refusals(source):
            batch = next(batches, None)
        if batch is None:
            return
        left -= batch.num_rows
        if left < 0:
            raise DataError(
                f"{source} is not a Parquet file that can be read: it has more than the {rows} rows it says."
            )
        yield batch


@contextmanager
def _refusals(source: str) -> Iterator[None]:
    """Rust's Arrow refuses a broken file with exceptions of many kinds, or panics, which is not even an Exception."""
    try:
        yield
    except ExplainedError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise DataError(f"{source} is not a Parquet file that can be read: {error}.") from None


def _require_numbers(schema: Schema, source: str) -> None:
    if not schema.names:
        raise DataError(f"{source} has no columns.")
    index = _index(schema)
    others = [
        f"column {number} ({field.name!r}) holds {_kind(field.type)}; numbers are wanted"
        for number, field in enumerate(map(schema.field, range(len(schema))), start=1)
        if not (_is_number(field.type) or field.name in index)
    ]
    if index:
        others.append(
            f"it holds pandas' index as a column ({', '.join(map(repr, index))}); write it with to_parquet(index=False), "
            "in Dask with to_parquet(write_index=False)"
        )
    if others:
        raise DataError.listing(source, others)


def _index(schema: Schema) -> list[str]:
    """The columns that are a data frame's index: by what pandas has noted in the file, or by its name for one without a name."""
    noted: object = None
    with suppress(ValueError, LookupError, TypeError, RecursionError):  # a note that pandas did not write says nothing
        noted = json.loads(schema.metadata[b"pandas"])["index_columns"]
    # A range of numbers is noted as an object, and is no column.
    return [name for name in schema.names if name.startswith(INDEX) or (isinstance(noted, list) and name in noted)]


def _kind(kind: DataType) -> str:
    """Arrow's name for it, without Python's around it."""
    return str(kind).strip().removeprefix("arro3.core.DataType<").removesuffix(">")[:60]


def _is_number(kind: DataType) -> bool:
    if DataType.is_dictionary(kind):
        return kind.value_type is not None and _is_number(kind.value_type)
    return any(
        known(kind) for known in (DataType.is_floating, DataType.is_integer, DataType.is_boolean, DataType.is_decimal)
    )


def _numbers(column: ArrowArray) -> Array:
    return column.cast(DataType.float64()).to_numpy()


def _numbers_or_nan(column: ArrowArray) -> tuple[Array, NDArray[np.bool_]]:
    """The numbers, NaN where one is missing, and which of them are missing."""
    if not column.null_count:
        return _numbers(column), np.zeros(len(column), np.bool_)
    values = column.cast(DataType.float64()).to_pylist()
    return np.array(values, np.float64), np.array([value is None for value in values])


def _missing(batch: RecordBatch, first_row: int) -> Faults:
    names = tuple(batch.schema.names)
    for index, column in enumerate(batch.columns):
        if column.null_count:
            for row in range(len(column)):
                if not column[row].is_valid:
                    yield fault_of_value(None, first_row + row, index, names)
