"""Survey: how much there is to read, from a look at the beginning of a few files."""

import csv
import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from pydantic import ValidationError

from gaussian_processes.data.channels.channel import Channel, ChannelFile
from gaussian_processes.data.channels.formats import CSV, NPY, PARQUET
from gaussian_processes.data.channels.streams import GZIP_MAGIC
from gaussian_processes.data.codecs.csv_cells import are_names, split_line
from gaussian_processes.data.codecs.json_lines import parse_row
from gaussian_processes.data.codecs.npy import MAGIC, read_header
from gaussian_processes.data.codecs.parquet_footer import read_footer
from gaussian_processes.data.format import Format
from gaussian_processes.errors import DataError

FILES = 16  # that are looked into; opening one is a request to S3 in the input mode FastFile
SMALL = 1 << 18  # bytes of text that are read whole
SAMPLE = 1 << 16  # bytes of text that stand for the rest
MOST = 1 << 60  # rows that a header is believed to have
MARGIN = 1.05  # rows for which room is made, over those that are expected

UNREADABLE = (DataError, ValidationError, OSError, EOFError, ValueError, LookupError, csv.Error, zlib.error)


@dataclass(frozen=True)
class Survey:
    """How much a channel holds; what cannot be said is None.

    Attributes:
        rows: their number.
        exact: whether that is no estimate.
        columns: their number, the target included.
        bytes: of its files, packed as they are.
    """

    rows: int | None = None
    exact: bool = False
    columns: int | None = None
    bytes: int | None = None

    @property
    def capacity(self) -> int:
        """Rows to make room for before reading: at most one number a byte, however wrong an estimate is."""
        if not self.rows or not self.columns or not self.bytes:
            return 0
        return min(int(MARGIN * self.rows), self.bytes // self.columns)


def survey_channel(channel: Channel) -> Survey:
    """What a channel holds, in milliseconds; what is wrong with it is left for the reading to say."""
    if channel.piped:
        return Survey()
    try:
        files = channel.files()
        sizes = [file.path.stat().st_size for file in files]
    except (DataError, OSError):
        return Survey()
    try:
        looks = [_look(file, size, channel.parameters) for file, size in zip(files[:FILES], sizes, strict=False)]
    except UNREADABLE:
        looks = []
    if not any(look.columns for look in looks):
        return Survey(bytes=sum(sizes))
    rows = round(sum(min(max(look.rows, 0), MOST) for look in looks) * sum(sizes) / sum(sizes[:FILES]))
    exact = len(files) <= FILES and all(look.exact for look in looks)
    return Survey(rows, exact, max(look.columns for look in looks), sum(sizes))


@dataclass(frozen=True)
class _Look:
    rows: int
    exact: bool
    columns: int


def _look(file: ChannelFile, size: int, parameters: Mapping[str, str]) -> _Look:
    with file.path.open("rb") as raw:
        if file.format is PARQUET:
            rows, columns = read_footer(raw)
            return _Look(rows, True, columns)
        packed = raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        if file.format is NPY:
            array = cast("BinaryIO", gzip.GzipFile(fileobj=raw) if packed else raw)
            return _array(array, None if packed else size, file.name)
        sample = raw.read(SMALL if size <= SMALL else SAMPLE)
        if not packed:
            return _text(sample, size, file.format, parameters)
        unpacker = zlib.decompressobj(wbits=31)  # gzip's
        text = unpacker.decompress(sample, SMALL)
        used = len(sample) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        if used == size and not unpacker.eof:
            raise EOFError("the gzip file breaks off")
        return _text(text, size * len(text) / used, file.format, parameters)


def _array(stream: BinaryIO, size: int | None, name: str) -> _Look:
    header = read_header(stream.read(MAGIC), stream, name)
    if size is None:
        return _Look(header.rows, False, header.columns)
    # Of arrays one after the other the first one's header is seen, and the bytes of all.
    rows = (size - stream.tell()) // (header.columns * header.dtype.itemsize)
    return _Look(rows, rows == header.rows, header.columns)


def _text(sample: bytes, size: float, format_: Format, parameters: Mapping[str, str]) -> _Look:
    """The lines in a sample of `size` bytes of text."""
    charset = parameters.get("charset", "utf-8")
    whole = size == len(sample)
    text = sample.decode(charset, "strict" if whole else "ignore").encode().removeprefix(BOM_UTF8)
    seen = text if whole else text[: 1 + max(text.rfind(b"\n"), text.rfind(b"\r"))]
    lines = [line for line in seen.splitlines() if line.strip()]
    if not lines:
        return _Look(0, whole, 0)
    rows = round(len(lines) * size / len(sample) * len(text) / len(seen))
    if format_ is not CSV:
        return _Look(rows, whole, len(parse_row(lines[0])))
    cells = split_line(lines[0])
    header = parameters.get("header", "present" if are_names(cells) else "absent") == "present"
    return _Look(rows - header, whole, len(cells))
