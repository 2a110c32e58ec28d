"""Blocks: a stream of text in pieces of some megabytes, cut where lines end."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase, TextIOWrapper
from typing import Any, BinaryIO, cast

from gaussian_processes.data.room import taken
from gaussian_processes.errors import DataError

BLOCK = 3 << 20  # bytes; more of them outgrow the caches, fewer cost as many more calls of the parser
# Bytes of a request's line that can be one row: JSON without line ends, taken for lines, would be a single one.
LONGEST = 1 << 23
LONG = 50  # bytes that each of them takes, as the several copies of a number
# A pipe joins files as they are: one that does not end with a line end runs into the next one.
SEAM = " (two joined lines? end every file with a line end)"


@dataclass(frozen=True)
class Block:
    """Whole lines of UTF-8, ended by LF or CR LF, or by CR.

    Attributes:
        parts: the bytes, as they were read; copying them together would cost a tenth of the time that parsing takes.
    """

    parts: tuple[bytes, ...]

    @property
    def text(self) -> bytes:
        """The bytes in one piece."""
        return b"".join(self.parts)

    def lines(self, first: int, *, blank: bool = False) -> Iterator[tuple[int, bytes]]:
        """Every line by its number, where `first` is that of the first line; those that are blank only if asked for.

        A byte order mark can begin any of them where files were joined.
        """
        text = self.text
        lines = text.splitlines()
        if codecs.BOM_UTF8 in text:
            lines = [line.removeprefix(codecs.BOM_UTF8) for line in lines]
        numbered = enumerate(lines, start=first)
        return numbered if blank else ((number, line) for number, line in numbered if line.strip())

    def count(self) -> int:
        """How many lines there are, blank ones included."""
        return len(self.text.splitlines())


def read_blocks(
    stream: BinaryIO, source: str, charset: str, size: int = BLOCK, longest: int | None = None
) -> Iterator[Block]:
    """A stream's lines in blocks of about `size` bytes, without its byte order mark; none where the stream is empty.

    Raises:
        DataError: the charset is unknown, or the bytes are not text in it; or a line has more than `longest` bytes.
    """
    encoding = _encoding(charset, source)
    if encoding != "utf-8":
        stream = cast("BinaryIO", BufferedReader(_Utf8(stream, encoding)))
    bom = codecs.BOM_UTF8
    parts: list[bytes] = []  # of a block that is not whole yet
    try:
        while chunk := stream.read(max(size, len(bom))):
            chunk, bom = chunk.removeprefix(bom), b""
            if chunk.endswith(b"\r"):
                chunk += stream.read(1)  # the other half of a line's end, perhaps
            end = 1 + chunk.rfind(b"\n") or 1 + chunk.rfind(b"\r", 0, -1)
            if end:
                yield from _counted(Block((*parts, chunk[:end])), longest)
                parts = []
            parts.append(chunk[end:])
            if longest is not None and sum(map(len, parts)) > longest:
                raise DataError(
                    f"{source} has a line of more than {longest >> 20} MB; lines of one row each are wanted."
                )
    except UnicodeError as error:
        raise DataError(f"{source} is not text in {encoding}: {error}.") from None
    if any(parts):
        yield from _counted(Block(tuple(parts)), longest)


def _counted(block: Block, longest: int | None) -> Iterator[Block]:
    """A block of a request, with the room that its long line takes while it is parsed."""
    with taken(LONG * sum(map(len, block.parts[:-1])) if longest else 0):
        yield block


def _encoding(charset: str, source: str) -> str:
    try:
        TextIOWrapper(BytesIO(), encoding=charset)  # which alone refuses codecs that are not of text
        return codecs.lookup(charset).name
    except (LookupError, ValueError):  # a name with a NUL in it is a ValueError
        raise DataError(f"{source}: charset {charset[:40]!r} is unknown; use utf-8.") from None


class _Utf8(RawIOBase):
    """A stream of text in another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        more = True
        while more and not self._ready:
            chunk = self._stream.read(BLOCK)
            more = bool(chunk)
            self._ready = self._decoder.decode(chunk, final=not more).encode()
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count
