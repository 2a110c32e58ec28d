"""Plain pickles: what pickle's protocol 5 makes of numbers, strings, bytes, lists, dictionaries and tuples of numbers.

`pickle.Unpickler` runs no code when it is refused every global, and can be hurt all the same: ten bytes that ask for
entry 2^31 of its memo take 34 GB, a key made of tuples in tuples overflows the stack, and one made of sixty tuples of
two references to the next is hashed for years. The reader here knows the opcodes of plain values, holds every size
against the bytes that are left, and lets nothing but a string be referred to twice: what it reads costs what the file
does.
"""

import hashlib
import pickle
import struct
from io import BufferedReader
from typing import Any

import numpy as np
from numpy.typing import NDArray

# How much is read or written between two moments at which Python can hear a signal.
BLOCK = 2**23

# The opcodes, with what each stands for or the form of the number that follows it. pickletools explains them.
CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
NUMBERS = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
LONG_NUMBERS = {pickle.LONG1: "<B", pickle.LONG4: "<i"}
STRINGS = {pickle.SHORT_BINUNICODE: "<B", pickle.BINUNICODE: "<I", pickle.BINUNICODE8: "<Q"}
ARRAYS = {pickle.SHORT_BINBYTES: "<B", pickle.BINBYTES: "<I", pickle.BINBYTES8: "<Q", pickle.BYTEARRAY8: "<Q"}
CONTAINERS = {pickle.EMPTY_LIST: list, pickle.EMPTY_DICT: dict}
REFERENCES = {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}
FRAMING = {pickle.PROTO: "<B", pickle.FRAME: "<Q"}
# How many values from the top of the stack go into a container; None for all from the last mark.
TUPLES = {pickle.EMPTY_TUPLE: 0, pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3, pickle.TUPLE: None}
APPENDS = {pickle.APPEND: 1, pickle.APPENDS: None}
SETITEMS = {pickle.SETITEM: 2, pickle.SETITEMS: None}

NAMES = {value: name for name, value in vars(pickle).items() if isinstance(value, bytes) and len(value) == 1}


class PlainReader:
    """Reads one pickle of plain values.

    Args:
        stream: where it begins.
        size: bytes that may be read.

    Attributes:
        digest: the SHA-256 of what has been read.
    """

    def __init__(self, stream: BufferedReader, size: int) -> None:
        self.digest = hashlib.sha256()
        self._stream = stream
        self._left = size
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[str | None] = []  # None for what may not be referred to

    def load(self) -> Any:
        """The value, in which bytes are read-only arrays of uint8.

        Raises:
            pickle.UnpicklingError: it is no pickle of plain values.
            EOFError: it breaks off.
            ValueError, IndexError: it is malformed.
            MemoryError: there is no room for an array that the file does hold.
        """
        while (opcode := self._take(1)) != pickle.STOP:
            if opcode in FRAMING:
                self._number(FRAMING[opcode])
            elif opcode == pickle.MARK:
                self._marks.append(len(self._stack))
            elif opcode == pickle.MEMOIZE:
                value = self._stack[-1]
                self._memo.append(value if type(value) is str else None)
            elif opcode in APPENDS or opcode in SETITEMS:
                self._fill(opcode)
            else:
                self._stack.append(self._value(opcode))
        (value,) = self._stack
        return value

    def skip(self) -> None:
        """Read what is left, for the digest."""
        while self._left > 0 and (data := self._stream.read(min(self._left, BLOCK))):
            self.digest.update(data)
            self._left -= len(data)

    def _value(self, opcode: bytes) -> Any:
        """What an opcode pushes."""
        if opcode in CONTAINERS:
            return CONTAINERS[opcode]()
        if opcode in TUPLES:
            return self._tuple(self._popped(TUPLES[opcode]))
        if opcode in ARRAYS:
            return self._array(self._number(ARRAYS[opcode]))
        if opcode in REFERENCES:
            return self._referred(self._number(REFERENCES[opcode]))
        return self._scalar(opcode)

    def _scalar(self, opcode: bytes) -> Any:
        if opcode in CONSTANTS:
            return CONSTANTS[opcode]
        if opcode in NUMBERS:
            return self._number(NUMBERS[opcode])
        if opcode in LONG_NUMBERS:
            return int.from_bytes(self._take(self._number(LONG_NUMBERS[opcode])), "little", signed=True)
        if opcode in STRINGS:
            return self._take(self._number(STRINGS[opcode])).decode("utf-8", "surrogatepass")
        raise pickle.UnpicklingError(
            f"it asks for {NAMES.get(opcode, opcode)}, and a pickle of plain values names no code"
        )

    def _fill(self, opcode: bytes) -> None:
        """Put values into the list or dictionary below them."""
        values = self._popped((APPENDS | SETITEMS)[opcode])
        container = self._stack[-1]
        if type(container) is list and opcode in APPENDS:
            container.extend(values)
        elif type(container) is dict and opcode in SETITEMS and all(type(key) is str for key in values[::2]):
            container.update(zip(values[::2], values[1::2], strict=True))
        else:
            raise pickle.UnpicklingError("it fills what is no list and no dictionary with strings for its keys")

    def _popped(self, count: int | None) -> list[Any]:
        start = self._marks.pop() if count is None else len(self._stack) - count
        if not 0 <= start <= len(self._stack):
            raise IndexError("it takes more values than it has")
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _tuple(self, values: list[Any]) -> tuple[int, ...]:
        if not all(type(value) is int for value in values):
            raise pickle.UnpicklingError("it holds a tuple of something else than whole numbers")
        return tuple(values)

    def _referred(self, index: int) -> str:
        value = self._memo[index]
        if value is None:
            raise pickle.UnpicklingError("it uses a list, a dictionary or an array twice")
        return value

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return value

    def _take(self, size: int) -> bytes:
        self._require(size)
        data = self._stream.read(size)
        self._count(memoryview(data), size)
        return data

    def _array(self, size: int) -> NDArray[np.uint8]:
        self._require(size)
        array = np.empty(size, np.uint8)
        for start in range(0, size, BLOCK):
            part = array.data[start : start + BLOCK]
            self._count(part[: self._stream.readinto(part)], len(part))
        array.flags.writeable = False
        return array

    def _require(self, size: int) -> None:
        if not 0 <= size <= self._left:
            raise EOFError("it breaks off")

    def _count(self, data: memoryview, wanted: int) -> None:
        self.digest.update(data)
        self._left -= len(data)
        if len(data) < wanted:
            raise EOFError("it has become shorter")
