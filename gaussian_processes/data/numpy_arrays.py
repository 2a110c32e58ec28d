"""application/x-npy: a matrix of numbers as NumPy saves it, or several of them, one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Literal

import numpy as np

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.table import Faults, Table, accepted, not_finite
from gaussian_processes.errors import DataError

PIECE = 1 << 22  # bytes
MAGIC = np.lib.format.MAGIC_LEN
MOST = 1 << 31  # columns, of which a header may claim any number


@dataclass(frozen=True)
class Header:
    """What an array says of itself before its numbers."""

    rows: int
    columns: int
    fortran_order: bool
    dtype: np.dtype[Any]


def read_npy(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Iterator[Table]:
    """The numbers in a stream of arrays, in pieces; never unpickles, and takes no more memory than there are bytes.

    Args:
        stream: the bytes.
        source: the name that messages give them.
        parameters: of the media type; none is needed.

    Raises:
        DataError: no array, one that is no matrix of numbers, or that breaks off; values that are not finite, named by
            row and column, both from 1.
    """
    del parameters
    return accepted(source, _pieces(stream, source))


def read_header(magic: bytes, stream: BinaryIO, source: str) -> Header:
    """What an array says whose first `MAGIC` bytes were read, and the rest of which is in the stream.

    Raises:
        DataError: it is no matrix of real numbers.
    """
    try:
        version = np.lib.format.read_magic(BytesIO(magic))
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{source} is an array with named fields; a matrix of numbers is wanted.")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read(stream)
    except (ValueError, SyntaxError, TypeError, RecursionError) as error:
        raise DataError(f"{source} is not an array that NumPy saved (.npy): {error}") from None
    if dtype.kind == "O":
        raise DataError(f"{source} holds pickled Python objects, which are never loaded; save an array of numbers.")
    if dtype.kind not in "biuf" or len(shape) != 2 or not (shape[0] >= 0 and 0 < shape[1] < MOST):
        raise DataError(f"{source} is an array of shape {shape} and type {dtype}; a matrix of real numbers is wanted.")
    return Header(*shape, fortran_order, dtype)


def _pieces(stream: BinaryIO, source: str) -> Iterator[Table | Faults]:
    magic = stream.read(MAGIC)
    if not magic:
        raise DataError(f"{source} is empty; an array that NumPy saved is wanted.")
    row, columns = 1, None
    while magic:
        header = read_header(magic, stream, source)
        if columns not in (None, header.columns):
            raise DataError(f"{source} holds an array of {header.columns} columns after one of {columns}.")
        columns = header.columns
        for values in _values(stream, header, source):
            yield Table(values) if np.isfinite(values).all() else not_finite(values, row)
            row += len(values)
        magic = stream.read(MAGIC)


def _values(stream: BinaryIO, header: Header, source: str) -> Iterator[Array]:
    width = header.columns * header.dtype.itemsize
    # In Fortran's order the first row is whole when the last column begins.
    step = max(1, header.rows if header.fortran_order else PIECE // width)
    for start in range(0, header.rows, step) or (0,):
        rows = min(step, header.rows - start)
        data = _read(stream, rows * width, source)
        order: Literal["F", "C"] = "F" if header.fortran_order else "C"
        yield np.ndarray((rows, header.columns), header.dtype, data, order=order).astype(np.float64)


def _read(stream: BinaryIO, size: int, source: str) -> bytes:
    """Piece by piece: a header may claim any size."""
    parts, missing = [], size
    while missing and (part := stream.read(min(missing, PIECE))):
        parts.append(part)
        missing -= len(part)
    if missing:
        raise DataError(f"{source} breaks off: its header announces {missing} bytes more than there are.")
    return b"".join(parts)
