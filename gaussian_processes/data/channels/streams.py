"""Streams: a channel's files and pipes as bytes, unpacked and counted while they are read."""

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from gaussian_processes.errors import DataError, PlatformError

# Called again and again while files are read, with the bytes read of all of them so far, as they lie on the disk.
Advance = Callable[[int], None]

GZIP_MAGIC = b"\x1f\x8b"
BUFFER = 1 << 16
PIPE_WAIT = 300.0  # seconds
PIPE_POLL = 0.05


@dataclass
class Meter:
    """The bytes read so far of some files, told to `advance` as they grow."""

    advance: Advance
    total: int = 0

    def add(self, count: int) -> None:
        """So many more."""
        if count > 0:
            self.total += count
            self.advance(self.total)


@contextmanager
def open_stream(path: Path, source: str, meter: Meter) -> Iterator[BinaryIO | None]:
    """The bytes of a file or pipe, unpacked if they are gzip, whatever the name; None where there are none.

    Args:
        path: of the file.
        source: the name that messages give it.
        meter: told of what is read.

    Raises:
        DataError: gzip that is broken, when it is read.
    """
    with path.open("rb", buffering=0) as file:
        size = path.stat().st_size if path.is_file() else None
        plain = BufferedReader(_Counted(file, meter, size), BUFFER)
        try:
            packed = plain.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
            stream = gzip.GzipFile(fileobj=plain) if packed else plain
            yield cast("BinaryIO", stream) if stream.peek(1) else None
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{source} is a broken gzip file: {error}.") from None


def wait_for_pipe(path: Path, patience: float = PIPE_WAIT) -> None:
    """Return once there is something at `path`: SageMaker makes a pipe when it comes to it.

    Raises:
        PlatformError: nothing after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not path.exists():
        if time.monotonic() > deadline:
            raise PlatformError(
                f"{path}: there is no such pipe after {patience:.0f} s, though the channel is in Pipe mode."
            )
        time.sleep(PIPE_POLL)


class _Counted(RawIOBase):
    """A file that tells the meter what is read of it, and no more than its size: Parquet is read here and there."""

    def __init__(self, file: Any, meter: Meter, size: int | None) -> None:
        self._file = file
        self._meter = meter
        self._left = size
        self._begun = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._left is not None

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        count = int(self._file.readinto(buffer))
        # The first two bytes say whether it is gzip, and a pipe may give them one by one.
        while not self._begun and 0 < count < min(2, len(buffer)):
            more = int(self._file.readinto(memoryview(buffer)[count:]))
            if not more:
                break
            count += more
        self._begun = True
        fresh = count if self._left is None else min(count, self._left)
        if self._left is not None:
            self._left -= fresh
        self._meter.add(fresh)
        return count
