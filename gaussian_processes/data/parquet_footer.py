"""How many rows and columns a Parquet file has, by its footer alone: no codec says so without reading a row group.

The footer is a Thrift structure in the compact protocol [1]; of FileMetaData [2] the first fields are enough.

[1] https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
[2] https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

TAIL = 8  # the footer's length in 4 bytes, and PAR1
I64, BINARY, LIST, STRUCT = 6, 8, 9, 12
SCHEMA, ROWS = 2, 3  # fields of FileMetaData
CHILDREN = 5  # field of SchemaElement


def read_footer(stream: BinaryIO) -> tuple[int, int]:
    """Rows and columns; nested columns count as one each.

    Raises:
        ValueError: the file ends in no such footer.
    """
    end = stream.seek(-TAIL, os.SEEK_END)
    tail = stream.read(TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > end:
        raise ValueError("no Parquet footer")
    stream.seek(end - length)
    footer = BytesIO(stream.read(length))
    columns = 0
    for field, kind in _fields(footer):
        if field == SCHEMA:
            columns = _children_of_root(footer)
        elif field == ROWS:
            return _integer(footer), columns
        else:
            _skip(footer, kind)
    raise ValueError("no number of rows in the Parquet footer")


def _children_of_root(footer: BinaryIO) -> int:
    """What the first element of the schema says, which is the root; the others are passed over."""
    count, kind = _list(footer)
    children = 0
    for field, of_kind in _fields(footer):
        if field == CHILDREN:
            children = _integer(footer)
        else:
            _skip(footer, of_kind)
    for _ in range(count - 1):
        _skip(footer, kind)
    return children


def _fields(footer: BinaryIO) -> Iterator[tuple[int, int]]:
    """The number and type of each field of a structure; the caller reads or skips its value before the next."""
    field = 0
    while byte := _byte(footer):
        delta, kind = divmod(byte, 16)
        field = field + delta if delta else _integer(footer)
        yield field, kind


def _skip(footer: BinaryIO, kind: int) -> None:
    if kind <= 2:  # a truth value is in its type
        return
    if kind <= I64:
        _varint(footer)
    elif kind == BINARY:
        footer.read(_varint(footer))
    elif kind == LIST:
        count, of_kind = _list(footer)
        for _ in range(count):
            _skip(footer, of_kind)
    elif kind == STRUCT:
        for _, of_kind in _fields(footer):
            _skip(footer, of_kind)
    else:
        raise ValueError(f"type {kind} in the Parquet footer's schema")


def _list(footer: BinaryIO) -> tuple[int, int]:
    count, kind = divmod(_byte(footer), 16)
    return (_varint(footer) if count == 15 else count), kind


def _integer(footer: BinaryIO) -> int:
    number = _varint(footer)
    return (number >> 1) ^ -(number & 1)


def _varint(footer: BinaryIO) -> int:
    number = shift = 0
    while (byte := _byte(footer)) & 0x80:
        number |= (byte & 0x7F) << shift
        shift += 7
    return number | byte << shift


def _byte(footer: BinaryIO) -> int:
    byte = footer.read(1)
    if not byte:
        raise ValueError("the Parquet footer breaks off")
    return byte[0]
