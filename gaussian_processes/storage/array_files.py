"""Array files: arrays that need not fit into memory, each a .npy file of its own that is written and read where it lies.

A file is believed as a sealed pickle is: what refers to it has its SHA-256. Nothing in it is parsed: it has to begin as
NumPy begins an array of the type and shape that are wanted, or it is refused, pickled objects and all.
"""

import hashlib
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.storage.atomic import open_file
from gaussian_processes.storage.plain_pickle import BLOCK
from gaussian_processes.storage.sealed_pickle import DTYPE

SUFFIX = ".npy"
# Names that stay in their folder, hide nothing, and are the same in S3 and on any file system.
NAME = re.compile(r"[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,9}\.npy")
DIGEST = re.compile(r"[0-9a-f]{64}")
UNKNOWN = "0" * 64
# A header of version 1.0: these bytes, the length of what follows in two more, a dictionary as Python prints it, blanks.
MAGIC = b"\x93NUMPY\x01\x00"
BEFORE = len(MAGIC) + 2
# In no file of ours does the array begin elsewhere, so its numbers lie where BLAS wants them.
ALIGNMENT = 64

Fill = Callable[[NDArray[Any], Callable[[float], None]], None]


@dataclass(frozen=True)
class ArrayFile:
    """What is known of an array's file by those who refer to it.

    Attributes:
        file: its name, in the folder of what refers to it.
        dtype: of the numbers, with their byte order.
        shape: of the array, which is in C's order.
        sha256: of all its bytes, in hexadecimal digits.

    Raises:
        TypeError, ValueError: this cannot be a file of ours.
    """

    file: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str = UNKNOWN

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.file):
            raise ValueError(f"{self.file[:100]!r} is no name of an array's file: letters, digits, _ and - are wanted")
        if not (DTYPE.fullmatch(self.dtype) and np.dtype(self.dtype).str == self.dtype):
            raise ValueError(f"{self.file} is an array of {self.dtype[:20]!r}, and of numbers alone can be one")
        if not all(type(size) is int and 0 <= size < 2**63 for size in self.shape):
            raise ValueError(f"{self.file} has no shape")
        if not DIGEST.fullmatch(self.sha256):
            raise ValueError(f"{self.file} has no checksum")

    @property
    def header(self) -> bytes:
        """What the file begins with."""
        stream = BytesIO()
        described = {"descr": self.dtype, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(stream, described)
        return stream.getvalue()

    @property
    def data_size(self) -> int:
        """Bytes of the numbers."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.header) + self.data_size


def write_array(planned: ArrayFile, stream: BinaryIO, fill: Fill, advance: Callable[[int], None]) -> str:
    """Have an array written into its file, and return the SHA-256 of that.

    Args:
        planned: what the file will be; its checksum is not known yet.
        stream: an empty file, open for reading and writing.
        fill: writes the array, of zeros so far, and says what fraction of it is done.
        advance: told, again and again, how many bytes are done; one is when it is half written and half read again.

    Raises:
        PlatformError: the disk has no room for it.
        OSError: it cannot be written.
    """
    header = planned.header
    stream.write(header)
    stream.flush()
    _reserve(stream, planned)
    array = np.memmap(stream, planned.dtype, "r+", len(header), planned.shape)
    fill(array, lambda fraction: advance(int(planned.size * fraction / 2)))
    del array
    # This writes what is mapped, too. The map's own flush would hold the interpreter's lock for as long as it takes.
    os.fsync(stream.fileno())
    return _digest(stream, planned.size, lambda read: advance((planned.size + read) // 2))


def map_array(wanted: ArrayFile, folder: Path) -> NDArray[Any]:
    """A read-only array that lies in its file, once all of that has been found to be as it was written.

    Raises:
        DataError: there is no such file, or it is damaged, or another one.
        OSError: it cannot be read.
    """
    path = folder / wanted.file
    try:
        with open_file(path) as stream:
            offset = _require_header(stream, wanted, path)
            found = os.fstat(stream.fileno()).st_size
            if found != offset + wanted.data_size:
                raise _damaged(path, f"it has {found} bytes, and {offset + wanted.data_size} are wanted")
            # From the first byte to the last, as disks like it; the pages that fit into memory stay there for the map.
            if _digest(stream, found, lambda _: None) != wanted.sha256:
                raise _damaged(path, "its bytes do not match the checksum that the model has of them")
            return np.memmap(stream, wanted.dtype, "r", offset, wanted.shape)
    except FileNotFoundError:
        raise DataError(
            f"{path} is missing, which holds an array of the model. Copy all of the model's files again, or train again."
        ) from None
    except IsADirectoryError:
        raise DataError(f"{path} is no file, but a folder. Put there what `train` wrote, or train again.") from None


def _reserve(stream: BinaryIO, planned: ArrayFile) -> None:
    """Take the disk's blocks now: a map on a disk that is full ends the process by SIGBUS, without a word."""
    if not hasattr(os, "posix_fallocate"):  # macOS, where that can happen
        return
    try:
        os.posix_fallocate(stream.fileno(), 0, planned.size)
    except OSError as error:
        raise PlatformError(
            f"The model cannot be written: {planned.file} takes {planned.size} bytes, which its disk does not give "
            f"({error.strerror}). Give the job a larger volume (VolumeSizeInGB)."
        ) from error


def _require_header(stream: BinaryIO, wanted: ArrayFile, path: Path) -> int:
    """Where the numbers begin."""
    beginning = stream.read(BEFORE)
    if not (beginning.startswith(MAGIC) and len(beginning) == BEFORE):
        raise _damaged(path, "it does not begin as an array that NumPy saved")
    length = int.from_bytes(beginning[len(MAGIC) :], "little")
    # How many blanks follow the dictionary differs between versions of NumPy.
    found, described = stream.read(length).strip(), wanted.header[BEFORE:].strip()
    if found != described or (BEFORE + length) % ALIGNMENT:
        raise _damaged(path, f"its header is {found[:120].decode('latin-1')!r}, and {described.decode()!r} is wanted")
    return BEFORE + length


def _digest(stream: BinaryIO, size: int, advance: Callable[[int], None]) -> str:
    """Of the first `size` bytes of a file. They are read in blocks, between which Python can hear a signal."""
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(min(BLOCK, size - stream.tell())):
        digest.update(block)
        advance(stream.tell())
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is damaged, cut short or of another model: {reason}. Copy all of the model's files again, or train again."
    )
