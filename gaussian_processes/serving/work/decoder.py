"""Decoder: child processes that read Parquet for a worker, and can end without it; decoding.py is their other end.

A child is started when it is first needed, and kept. There are no more of them than requests being read at the same time.
"""

import fcntl
import json
import math
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from io import FileIO
from itertools import repeat
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

import numpy as np
from gevent import monkey

from gaussian_processes import errors
from gaussian_processes.data.dataset import NUMBER, Array
from gaussian_processes.data.http import PARQUET, REQUESTS, Request
from gaussian_processes.data.records import Records
from gaussian_processes.data.room import take
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.serving.work import decoding

# gevent's own are for its hub's thread alone.
_poll: Any = monkey.get_original("select", "poll")
_posix_spawn: Any = monkey.get_original("os", "posix_spawn")
_waitpid: Any = monkey.get_original("os", "waitpid")

# Seconds in which a body has to be read.
PATIENCE = 30.0
# Seconds after which a child that says nothing is looked at.
LOOK = 1.0
BUFFER = 2**20  # bytes of the pipe that a child answers through
# Above the numbers that a child's files get.
FREE = 10
FAULT = 200  # bytes of what is wrong with a record, in words
# The child finds the package where this process did, has one thread, and says little when it ends.
ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}

# The names of the columns, what is wrong with a record by its index, and the numbers.
Piece = tuple[tuple[str, ...] | None, dict[int, str], Array]


class _LostError(Exception):
    """A child has ended, or says nothing any more; `cause` is the signal or the exit code that it ended by."""

    def __init__(self, cause: int | None) -> None:
        self.cause = cause
        super().__init__("it says nothing" if cause is None else f"it has ended by {cause}")


class Decoders:
    """The children, for any thread.

    Args:
        max_body: bytes of a request that are taken; its numbers may take four times as many. None for any number.
    """

    def __init__(self, max_body: int | None) -> None:
        self._most = math.inf if max_body is None else max_body / 2
        self._idle: deque[_Child] = deque()

    def formats(self) -> tuple[Request, ...]:
        """The formats of requests, of which Parquet is read in the children."""
        if not hasattr(os, "memfd_create"):  # on another system than Linux
            return REQUESTS

        def read(stream: BinaryIO, source: str, _parameters: Mapping[str, str]) -> Iterator[Table]:
            for columns, _, values in self._read(stream, source, None):
                yield Table(values, columns)

        def read_records(
            stream: BinaryIO, source: str, _parameters: Mapping[str, str], width: int
        ) -> Iterator[Records]:
            for columns, faults, values in self._read(stream, source, width):
                yield Records(values, faults, columns)

        parquet = replace(PARQUET, read=read, read_records=read_records)
        return tuple(parquet if known is PARQUET else known for known in REQUESTS)

    def close(self) -> None:
        """End the children."""
        while self._idle:
            self._idle.pop().end()

    def _read(self, stream: BinaryIO, source: str, width: int | None) -> Iterator[Piece]:
        """A body's pieces; it is read to its end, and the child free for others, before there is the first of them.

        Raises:
            DataError: what the child found wrong with the body, or that it did not survive it.
            PlatformError: no child can be started.
        """
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child()
        if child.cause(os.WNOHANG):  # when memory is scarce, the system ends children first
            child.end()
            child = _Child()
        try:
            pieces, refusal = child.read(stream, source, width, self._most)
        except _LostError as error:
            child.end()
            if error.cause in {None, signal.SIGKILL}:  # endless work ends by another signal, and much memory by itself
                raise PlatformError(
                    "The machine lacks time or memory to read the request body. Send it again."
                ) from None
            raise DataError(
                f"{source} is not a Parquet file that can be read: its bytes make no sense, or take too much time or memory."
            ) from None
        except BaseException:
            child.end()
            raise
        self._idle.append(child)
        if refusal:
            raise getattr(errors, refusal["kind"])(refusal["refusal"])
        while pieces:
            yield pieces.popleft()


class _Child:
    """A child that waits for a body; `end` ends it at once, and leaves nothing of it.

    Raises:
        PlatformError: it cannot be started.
    """

    def __init__(self) -> None:
        with ExitStack() as theirs, ExitStack() as ours:
            try:
                self._body = _file(ours, os.memfd_create("body"), "w+b")  # it needs no folder that can be written to
                orders, self._orders = map(_file, (theirs, ours), os.pipe(), ("rb", "wb"))
                self._answers, answers = map(_file, (ours, theirs), os.pipe(), ("rb", "wb"))
                with suppress(OSError):  # a user has only so much of it, and can do without
                    fcntl.fcntl(answers, fcntl.F_SETPIPE_SZ, BUFFER)
                # First to numbers that none of them has, so that none is replaced before it has its own.
                high = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, FREE) for file in (orders, answers, self._body)]
                for number in high:
                    theirs.callback(os.close, number)
                self._process = _posix_spawn(
                    sys.executable,
                    [sys.executable, "-m", decoding.__name__],
                    {**os.environ, **ENVIRONMENT},
                    file_actions=[
                        *zip(repeat(os.POSIX_SPAWN_DUP2), high, (0, 1, decoding.BODY)),
                        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),  # for what Rust says when it ends
                    ],
                    setpgroup=0,  # a terminal's Ctrl-C is not for it
                    setsigmask=[],
                )
                ours.callback(self._kill)
                self._hear(time.monotonic() + PATIENCE)
            except (OSError, _LostError) as error:
                raise PlatformError(
                    f"The process that reads Parquet cannot be started ({error}). Try again."
                ) from error
            self.end = ours.pop_all().close

    def read(
        self, stream: BinaryIO, source: str, width: int | None, most: float
    ) -> tuple[deque[Piece], Mapping[str, str] | None]:
        """What is in a body, which is taken from the stream; and what is wrong with it.

        Raises:
            _LostError: the child has not come to the end.
        """
        self._body.seek(0)
        copyfileobj(stream, self._body, BUFFER)
        size = self._body.tell()
        stream.seek(0)
        stream.truncate()  # it is in memory once
        order = {"source": source, "most": most, "width": width, "size": size}
        try:
            self._orders.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            raise _LostError(self.cause()) from None
        pieces: deque[Piece] = deque()
        deadline = time.monotonic() + PATIENCE
        while message := self._hear(deadline):
            if "refusal" in message:
                break
            take(NUMBER * math.prod(message["shape"]))
            values = np.empty(message["shape"])
            self._receive(memoryview(values.reshape(-1).view(np.uint8).data), deadline)
            columns = message["columns"] and tuple(message["columns"])
            take(FAULT * len(message["faults"]))
            faults = {int(row): fault for row, fault in message["faults"].items()}
            pieces.append((columns, faults, values))
        self._body.truncate(0)
        return pieces, message or None

    def cause(self, flags: int = 0) -> int | None:
        """The signal or exit code by which it has ended; it is waited for, unless flags say otherwise."""
        found = os.waitid(os.P_PID, self._process, os.WEXITED | os.WNOWAIT | flags)
        return found and found.si_status

    def _kill(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        _waitpid(self._process, 0)

    def _hear(self, deadline: float) -> dict[str, Any]:
        length = bytearray(decoding.LENGTH)
        self._receive(memoryview(length), deadline)
        text = bytearray(int.from_bytes(length, "little"))
        self._receive(memoryview(text), deadline)
        message: dict[str, Any] = json.loads(text)
        return message

    def _receive(self, data: memoryview, deadline: float) -> None:
        """Fill `data`.

        Raises:
            _LostError: the child has ended, or it is too late.
        """
        poll = _poll()
        poll.register(self._answers, select.POLLIN)
        while data:
            if poll.poll(1000 * LOOK):
                count = self._answers.readinto(data)
                data = data[count:]
                if not count:
                    raise _LostError(self.cause())
            # A process that is just being started by another thread holds the pipe's other end for a moment.
            elif cause := self.cause(os.WNOHANG):
                raise _LostError(cause)
            if time.monotonic() > deadline:
                raise _LostError(None)


def _file(owner: ExitStack, number: int, mode: str) -> FileIO:
    """An open file, which its owner closes."""
    return owner.enter_context(FileIO(number, mode))
