"""How many rows and columns a Parquet file says it has, by its footer: no codec says so without reading a row group.

The footer is a Thrift structure in the compact protocol [1]; of FileMetaData [2] the first fields are enough.

[1] https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
[2] https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

TAIL = 8  # the footer's length in 4 bytes, and PAR1
TRUTHS = (1, 2)
BYTE, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = 3, 6, 7, 8, 9, 10, 11, 12, 13
WIDTHS = {BYTE: 1, DOUBLE: 8, UUID: 16}  # in bytes
LONGEST = 10  # bytes of an integer of 64 bits
MOST = 1 << 32  # bytes of a footer, whose length takes 4
SCHEMA, ROWS = 2, 3  # fields of FileMetaData
NAME, CHILDREN = 4, 5  # fields of SchemaElement


def read_footer(stream: BinaryIO) -> tuple[int, int]:
    """Rows and columns; nested columns count as one each.

    Raises:
        ValueError: the file ends in no such footer, or a column's name holds a NUL, at which Rust's Arrow ends the process.
    """
    end = stream.seek(0, os.SEEK_END) - TAIL
    stream.seek(max(0, end))
    tail = stream.read(TAIL)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > end:
        raise ValueError("it ends in no footer")
    stream.seek(end - length)
    footer = BytesIO(stream.read(length))
    columns = 0
    try:
        for field, kind in _fields(footer):
            if field == SCHEMA:
                columns = _children_of_root(footer)
            elif field == ROWS:
                return max(0, _integer(footer)), columns
            else:
                _skip(footer, kind)
    except RecursionError:
        raise ValueError("its footer is nested too deeply") from None
    raise ValueError("its footer lacks the number of rows")


def _children_of_root(footer: BinaryIO) -> int:
    """What the first element of the schema says, which is the root."""
    count, _ = _list(footer)
    root = 0
    for element in range(count):
        children = 0
        for field, kind in _fields(footer):
            if field == CHILDREN:
                children = _integer(footer)
            elif field == NAME:
                name = _bytes(footer, _varint(footer))
                if b"\0" in name:
                    raise ValueError(f"the name of a column, {name[:40].decode(errors='replace')!r}, holds a NUL")
            else:
                _skip(footer, kind)
        root = root if element else children
    return root


def _fields(footer: BinaryIO) -> Iterator[tuple[int, int]]:
    """The number and type of each field of a structure; the caller reads or skips its value before the next."""
    field = 0
    while byte := _byte(footer):
        delta, kind = divmod(byte, 16)
        field = field + delta if delta else _integer(footer)
        yield field, kind


def _skip(footer: BinaryIO, kind: int) -> None:
    if kind in WIDTHS:
        _bytes(footer, WIDTHS[kind])
    elif BYTE < kind <= I64:
        _varint(footer)
    elif kind == BINARY:
        _bytes(footer, _varint(footer))
    elif kind in {LIST, SET}:
        _skip_items(footer, *_list(footer))
    elif kind == MAP:
        if count := _varint(footer):
            _skip_items(footer, count, *divmod(_byte(footer), 16))
    elif kind == STRUCT:
        for _, of_kind in _fields(footer):
            _skip(footer, of_kind)
    elif kind not in TRUTHS:  # which a field has in its type
        raise ValueError(f"its footer has a field of the unknown type {kind}")


def _skip_items(footer: BinaryIO, count: int, *kinds: int) -> None:
    """Each takes a byte at least, so there are no more of them than bytes."""
    for _ in range(count):
        for kind in kinds:
            _skip(footer, BYTE if kind in TRUTHS else kind)


def _list(footer: BinaryIO) -> tuple[int, int]:
    count, kind = divmod(_byte(footer), 16)
    return (_varint(footer) if count == 15 else count), kind


def _integer(footer: BinaryIO) -> int:
    number = _varint(footer)
    return (number >> 1) ^ -(number & 1)


def _varint(footer: BinaryIO) -> int:
    number = 0
    for shift in range(0, 7 * LONGEST, 7):
        byte = _byte(footer)
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number
    raise ValueError("its footer has a number that is too long")


def _byte(footer: BinaryIO) -> int:
    return _bytes(footer, 1)[0]


def _bytes(footer: BinaryIO, count: int) -> bytes:
    found = footer.read(min(count, MOST))
    if len(found) < count:
        raise ValueError("its footer breaks off")
    return found
