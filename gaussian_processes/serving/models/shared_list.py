"""Shared list: what a process knows, for the one that takes its place; in memory, as a disk may be full, or not be there."""

import json
import mmap
import sys
from operator import itemgetter
from typing import Any

# Bytes of a value, at most. They are taken when they are used.
SIZE = 2**25


class Record:
    """A value of JSON, which the processes that are forked after this was made share.

    Two copies are written in turn: at whatever moment the writer is killed, one of them is whole.
    """

    def __init__(self) -> None:
        self._copies = [mmap.mmap(-1, SIZE), mmap.mmap(-1, SIZE)]
        self._turn = 0

    def write(self, value: Any) -> None:
        """Take the last value's place. One that is too large does not, and the log says so."""
        turn = self._turn + 1
        copy, data = self._copies[turn % 2], json.dumps([turn, value]).encode()
        if len(data) >= SIZE:
            print(f"What is loaded takes {len(data)} bytes to note, and {SIZE} are there.", file=sys.stderr, flush=True)
            return
        self._turn = turn
        copy[0] = 0  # it is empty until it is whole
        copy[1 : len(data) + 1] = data[1:] + b"\0"
        copy[0] = data[0]

    def read(self, default: Any) -> Any:
        """The value that was written last; `default` where none was."""
        whole = [json.loads(copy[:end]) for copy in self._copies if (end := copy.find(b"\0"))]
        self._turn, value = max(whole, key=itemgetter(0), default=(0, default))
        return value
