"""application/x-parquet: columns of numbers, read by Rust's Arrow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from gzip import GzipFile
from io import BytesIO
from typing import BinaryIO

import numpy as np
from arro3.core import Array as ArrowArray
from arro3.core import DataType, RecordBatch, Schema
from arro3.io import read_parquet as read_arrow

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.table import Faults, Table, accepted, not_finite
from gaussian_processes.errors import DataError

ROWS = 1 << 16  # of a piece
MARK = b"PAR1"
INDEX = "__index_level_"  # how pandas calls an index without a name


def read_parquet(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Iterator[Table]:
    """The numbers in a Parquet file, in pieces: integers, floats, truth values as 1 and 0, decimals.

    Args:
        stream: the bytes; read whole into memory where seeking would mean to decompress them again.
        source: the name that messages give them.
        parameters: of the media type; none is needed.

    Raises:
        DataError: no Parquet file; columns of anything else, by name; values that are missing or not finite, by row and
            column, both from 1.
    """
    del parameters
    return accepted(source, _pieces(BytesIO(stream.read()) if isinstance(stream, GzipFile) else stream, source))


def _pieces(stream: BinaryIO, source: str) -> Iterator[Table | Faults]:
    if stream.read(len(MARK)) != MARK:
        raise DataError(f"{source} is not a Parquet file: it does not begin with PAR1.")
    with _refusals(source):
        batches = read_arrow(stream, batch_size=ROWS)
        schema = batches.schema
    _require_numbers(schema, source)
    names = tuple(schema.names)
    if any(name.startswith(INDEX) for name in names):
        raise DataError(
            f"{source} holds pandas' index as a column ({names[-1]!r}); write it with to_parquet(index=False)."
        )
    yield Table(np.empty((0, len(names))), names)
    row = 1
    while True:
        with _refusals(source):
            batch = next(batches, None)
        if batch is None:
            return
        if any(column.null_count for column in batch.columns):
            yield _missing(batch, row)
        else:
            values = np.column_stack([_numbers(column) for column in batch.columns])
            yield Table(values, names) if np.isfinite(values).all() else not_finite(values, row, names)
        row += batch.num_rows


@contextmanager
def _refusals(source: str) -> Iterator[None]:
    """Rust's Arrow refuses a broken file with exceptions of many kinds, or panics, which is not even an Exception."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise DataError(f"{source} is not a Parquet file that can be read: {error}.") from None


def _require_numbers(schema: Schema, source: str) -> None:
    if not schema.names:
        raise DataError(f"{source} has no columns.")
    others = [
        f"column {number} ({field.name!r}) holds {_kind(field.type)}; numbers are wanted"
        for number, field in enumerate(map(schema.field, range(len(schema))), start=1)
        if not _is_number(field.type)
    ]
    if others:
        raise DataError.listing(source, others)


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


def _missing(batch: RecordBatch, first_row: int) -> Faults:
    for number, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True), start=1):
        if column.null_count:
            for row in range(len(column)):
                if not column[row].is_valid:
                    yield f"row {first_row + row}, column {number} ({name!r}): the value is missing, a finite number is wanted"
