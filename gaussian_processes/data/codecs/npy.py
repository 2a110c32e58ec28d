"""application/x-npy: a matrix of numbers as NumPy saves it, or several of them, one after the other."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import groupby, islice
from typing import Any, BinaryIO, Literal

import numpy as np

from gaussian_processes.data.bad_records import finite_or_placeholders
from gaussian_processes.data.dataset import NUMBER, Array
from gaussian_processes.data.records import Answer, Records
from gaussian_processes.data.room import LITTLE, take
from gaussian_processes.data.table import Faults, Table, accepted, not_finite
from gaussian_processes.errors import DataError

PIECE = 1 << 22  # bytes
SMALL, TOGETHER = 1 << 10, 1 << 8  # bytes of an array that costs less than a piece does, and how many make one
MAGIC = np.lib.format.MAGIC_LEN
MOST = 1 << 31  # columns, of which a header may claim any number
LONGEST = 10_000  # bytes of a header; NumPy's have about 100

# Bytes that hold a header's length, by what stands before them.
LENGTHS = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4, b"\x93NUMPY\x03\x00": 4}
# A header is a dictionary in Python's words. NumPy's reader compiles it, which can take all the stack there is; this takes
# a time in proportion to its length, as nothing that has matched is given up for another try.
HEADER = re.compile(
    rb"""\s*+\{\s*+(?:(?:
        ['"]descr['"]\s*+:\s*+(?:['"](?P<type>[\w<>=|?\[\]]{1,20}+)['"]|(?P<fields>\[[^\]]*+\])) |
        ['"]fortran_order['"]\s*+:\s*+(?P<order>True|False) |
        ['"]shape['"]\s*+:\s*+\((?P<shape>(?:\s*+-?\d{1,40}+L?\s*+(?:,|(?=\)))){0,32}+)\s*+\)
    )\s*+(?:,\s*+|(?=\})))++\}\s*+""",
    re.VERBOSE,
)
NAMED = "is an array with named fields; a matrix of numbers is wanted."
BROKEN = "is not an array that NumPy saved (.npy): {} Write it with numpy.save."


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


def read_npy_records(stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int) -> Iterator[Records]:
    """The same rows, `width` numbers each; one that is not finite or has another number of them is at fault.

    Raises:
        DataError: no array, one that is no matrix of numbers, or that breaks off.
    """
    del parameters
    row = 1
    for values in _arrays(stream, source):
        yield finite_or_placeholders(values, row, width)
        row += len(values)


def write_npy(answers: Iterable[Answer]) -> Iterator[bytes]:
    """One array of float64: (rows,) for one column of numbers, else (rows, columns); a record at fault is NaN there, too.

    Its header has the number of rows, so all of it is made before anything is returned.
    """
    pieces = [_matrix(answer) for answer in answers] or [np.empty(0)]
    header = BytesIO()
    shape = (sum(map(len, pieces)), *pieces[0].shape[1:])
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    yield header.getvalue()
    for piece in pieces:
        yield piece.tobytes()


def read_header(magic: bytes, stream: BinaryIO, source: str) -> Header:
    """What an array says whose first `MAGIC` bytes were read, and the rest of which is in the stream.

    Raises:
        DataError: it is no matrix of real numbers.
    """
    if magic not in LENGTHS:
        raise DataError(f"{source} {BROKEN.format('its first bytes say otherwise.')}")
    size = int.from_bytes(stream.read(LENGTHS[magic]), "little")
    text = stream.read(min(size, LONGEST + 1))
    header = NAMED if magic[MAGIC - 2] == 3 else _described(text)  # version 3 is for names that are not ASCII
    if isinstance(header, str):
        raise DataError(f"{source} {header}")
    return header


@lru_cache(64)  # of arrays one after the other most have the same
def _described(text: bytes) -> Header | str:
    """What a header says or, in its place, what is wrong with it."""
    found = HEADER.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or None in (found["order"], found["shape"], found["type"] or found["fields"]):
        return BROKEN.format("it has no header that says type and shape.")
    if found["fields"] is not None:
        return NAMED
    shape = tuple(map(int, re.findall(rb"-?\d+", found["shape"])))
    try:
        dtype = np.dtype(found["type"].decode("ascii"))
    except (TypeError, ValueError, OverflowError, SyntaxError, Warning):
        return BROKEN.format("its header names a type that is not known here.")
    if dtype.kind == "O":
        return "holds pickled Python objects, which are never loaded; save an array of numbers."
    if dtype.kind not in "biuf" or len(shape) != 2 or not (shape[0] >= 0 and 0 < shape[1] < MOST):
        hint = f": for one row, reshape it to (1, {shape[0]})" if len(shape) == 1 else ""
        return f"is an array of shape {shape} and type {dtype}; a matrix of real numbers is wanted{hint}."
    return Header(*shape, found["order"] == b"True", dtype)


def _pieces(stream: BinaryIO, source: str) -> Iterator[Table | Faults]:
    row, columns = 1, None
    for values in _arrays(stream, source):
        if columns not in (None, values.shape[1]):
            raise DataError(f"{source} holds an array of {values.shape[1]} columns after one of {columns}.")
        columns = values.shape[1]
        yield Table(values) if np.isfinite(values).all() else not_finite(values, row)
        row += len(values)


def _arrays(stream: BinaryIO, source: str) -> Iterator[Array]:
    """The rows of all arrays, in pieces: of small arrays that look the same, some hundreds in one."""
    for header, same in groupby(_headers(stream, source)):
        size = header.rows * header.columns * header.dtype.itemsize
        if size > SMALL or (header.fortran_order and header.rows > 1):
            for _ in same:
                yield from _values(stream, header, source)
        while parts := [_read(stream, size, source) for _ in islice(same, TOGETHER)]:
            shape = len(parts) * header.rows, header.columns
            yield np.ndarray(shape, header.dtype, b"".join(parts)).astype(np.float64)


def _headers(stream: BinaryIO, source: str) -> Iterator[Header]:
    """Of all arrays; between two of them, who asks reads the numbers."""
    magic = stream.read(MAGIC)
    if not magic:
        raise DataError(f"{source} is empty; an array that NumPy saved is wanted.")
    while magic:
        yield read_header(magic, stream, source)
        magic = stream.read(MAGIC)


def _values(stream: BinaryIO, header: Header, source: str) -> Iterator[Array]:
    step = max(1, PIECE // (NUMBER * header.columns))
    # In Fortran's order the first row is whole when the last column begins.
    together = max(1, header.rows) if header.fortran_order else step
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    for start in range(0, header.rows, together) or (0,):
        shape = min(together, header.rows - start), header.columns
        size = shape[0] * shape[1] * header.dtype.itemsize
        data = _read(stream, size, source)
        take(len(data) * header.fortran_order)  # and not before: a header may claim any size
        array = np.ndarray(shape, header.dtype, data, order=order)
        for first in range(0, shape[0], step) or (0,):
            yield array[first : first + step].astype(np.float64, order="C")


def _read(stream: BinaryIO, size: int, source: str) -> bytearray:
    """Piece by piece: a header may claim any size."""
    data = bytearray()  # which grows in place
    while len(data) < size and (part := stream.read(min(size - len(data), PIECE))):
        data += part
    if len(data) < size:
        raise DataError(f"{source} breaks off: its header announces {size - len(data)} bytes more than there are.")
    return data


def _matrix(answer: Answer) -> Array:
    """The columns beside each other; a single one by itself."""
    columns = list(answer.columns.values())
    parts = [column if column.ndim == 2 else column[:, np.newaxis] for column in columns]
    values = np.concatenate(parts, axis=1, dtype="<f8")
    take(values.nbytes * (values.nbytes > LITTLE))
    return values if len(columns) > 1 or columns[0].ndim == 2 else values[:, 0]
