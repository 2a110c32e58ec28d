"""Sealed pickles: a dictionary of plain values and arrays, and after it the SHA-256 of the dictionary's bytes.

Both are pickles of protocol 5. Arrays stand in the first as {"dtype", "shape", "order", "data"}, so a reader needs no
class at all, NumPy's included: the file loads under any NumPy; and what reads it, plain_pickle.py, cannot name code,
which is what a malicious pickle lives by.
"""

import hashlib
import os
import pickle
import re
from collections.abc import Callable, Mapping
from io import BufferedReader
from typing import Any, BinaryIO, TypeVar

import numpy as np

from gaussian_processes.storage.plain_pickle import BLOCK, PlainReader

KINDS = "biuf"  # of arrays: booleans, integers, floats
DTYPE = re.compile(rf"[<>|][{KINDS}][0-9]{{1,2}}")
# What a file ends in: a pickle of 64 hexadecimal digits.
SEAL = re.compile(rb"\x80\x05\x95D.{7}\x8c@[0-9a-f]{64}\x94\.", re.DOTALL)
# What reading a forged file can end in, whatever its checksum says.
MALFORMED = (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, RecursionError)

T = TypeVar("T")


class BrokenSealError(Exception):
    """A file's bytes are not those that were written."""


class MalformedError(Exception):
    """A file is as it was written, and is not what is wanted."""


def size_of(document: Mapping[str, Any]) -> int:
    """Bytes of the file that a packed dictionary becomes."""
    counting = _CountingStream()
    pickle.dump(document, counting, protocol=5)
    return counting.size + len(_sealed(hashlib.sha256()))


def write_document(document: Mapping[str, Any], stream: BinaryIO, advance: Callable[[int], None] | None = None) -> None:
    """Write a packed dictionary, and its seal.

    Args:
        document: what to write.
        stream: where to.
        advance: told, again and again, how many bytes of the dictionary have been written.

    Raises:
        OSError: the stream takes no more.
    """
    hashing = _HashingStream(stream, advance)
    pickle.dump(document, hashing, protocol=5)
    stream.write(_sealed(hashing.digest))


def read_document(stream: BufferedReader, parse: Callable[[Any], T]) -> T:
    """What `parse` makes of the dictionary, whose arrays are still packed, if the file is as it was written.

    Args:
        stream: the file, at its beginning.
        parse: raises ValueError or TypeError, with the reason, for what is not wanted.

    Raises:
        BrokenSealError: the file is damaged, cut short, or was never sealed.
        MalformedError: it is no pickle of plain values, or `parse` does not want it; with the reason.
        OSError: it cannot be read.
        MemoryError: there is no room for an array that it does hold.
    """
    length = len(_sealed(hashlib.sha256()))
    size = os.fstat(stream.fileno()).st_size - length
    # The end comes first: what has no seal there is not read for hours.
    stream.seek(max(0, size))
    seal = stream.read(length)
    if not SEAL.fullmatch(seal):
        raise BrokenSealError("its bytes do not match the checksum at its end")
    stream.seek(0)
    reader = PlainReader(stream, size)
    malformed: Exception | None = None
    try:
        parsed = parse(reader.load())
    except MALFORMED as error:
        malformed = error
    reader.skip()
    # What has been read is only believed if the whole file is as it was written.
    if _sealed(reader.digest) != seal:
        raise BrokenSealError("its bytes do not match the checksum at its end")
    if malformed:
        raise MalformedError(str(malformed)) from malformed
    return parsed


def packed(value: Any) -> Any:
    """Arrays as plain values, without copying their data.

    Raises:
        TypeError: the value holds what cannot be stored.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
        array = value if value.flags.f_contiguous or value.flags.c_contiguous else np.ascontiguousarray(value)
        order = "C" if array.flags.c_contiguous else "F"
        # In-band pickling of a buffer writes it as bytes straight from the array's memory.
        flat: Any = np.ravel(array, order="K").view(np.uint8)
        data = pickle.PickleBuffer(flat)
        return {"dtype": array.dtype.str, "shape": array.shape, "order": order, "data": data}
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                raise TypeError(f"a state's dictionaries have strings for keys; found {key!r}")
        return {key: packed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [packed(entry) for entry in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    found = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(f"a state holds plain values, lists, dictionaries and arrays of numbers; found {found}")


def unpacked(value: Any) -> Any:
    """What was packed, with lists for its tuples and read-only arrays.

    Raises:
        ValueError: an array is malformed.
    """
    if isinstance(value, dict):
        if value.keys() == {"dtype", "shape", "order", "data"}:
            return _array(**value)
        return {key: unpacked(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [unpacked(entry) for entry in value]
    return value


def _array(dtype: Any, shape: Any, order: Any, data: Any) -> np.ndarray[Any, Any]:
    if not (isinstance(dtype, str) and DTYPE.fullmatch(dtype) and isinstance(data, np.ndarray)):
        raise ValueError("it holds an array of something else than numbers")
    return data.view(dtype).reshape(shape, order=order)


def _sealed(digest: "hashlib._Hash") -> bytes:
    """The second pickle, which ends the file; its length is always the same."""
    return pickle.dumps(digest.hexdigest(), protocol=5)


class _CountingStream:
    """A stream that keeps nothing but the number of bytes."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self.size += size
        return size


class _HashingStream:
    """A stream to write to in blocks, between which Python can hear a signal, and the digest of all that went through."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None] | None) -> None:
        self._stream = stream
        self._advance = advance
        self._written = 0
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        whole = memoryview(data).cast("B")
        for start in range(0, len(whole), BLOCK):
            block = whole[start : start + BLOCK]
            self.digest.update(block)
            self._written += self._stream.write(block)
            if self._advance:
                self._advance(self._written)
        return len(whole)
