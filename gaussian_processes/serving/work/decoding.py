"""Decoding: the life of a child process that reads Parquet for the server; decoder.py is its other end.

Rust's Arrow ends the process on some bytes, takes gigabytes for a few kilobytes, or never ends. Here that costs one answer.
"""

import json
import resource
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gaussian_processes.data.records import Records
from gaussian_processes.data.table import Table
from gaussian_processes.errors import ExplainedError

# The number of the file that the body is in, beside standard input, for orders, and standard output, for what is read.
BODY = 3
# Bytes of a message's length, which comes before it.
LENGTH = 8
# What reading may take beyond the body's own memory, and of the processor: many times what good files do.
MEMORY = 2**28
SECONDS = 10


def main() -> None:
    """Read a body for each line of standard input, until there are no more lines."""
    from gaussian_processes.data.codecs import parquet  # noqa: PLC0415  # the other end needs this module, and not that one

    with suppress(OSError):  # where it cannot be said, it is not
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # of all processes, this one can be missed first
    own = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    _say({})
    sys.stdout.flush()
    for line in sys.stdin.buffer:
        order = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_AS, own + MEMORY + 2 * order["size"])
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)
        with open(BODY, "rb", closefd=False) as body:  # it has no name
            body.seek(0)
            source, width, most = order["source"], order["width"], order["most"]
            if width is None:
                _answer(parquet.read_parquet(body, source, {}, most=most))
            else:
                _answer(parquet.read_parquet_records(body, source, {}, width, most=most))


def _limit(kind: int, amount: int) -> None:
    resource.setrlimit(kind, (amount, resource.getrlimit(kind)[1]))


def _answer(pieces: Iterable[Table | Records]) -> None:
    try:
        for piece in pieces:
            faults = piece.faults if isinstance(piece, Records) else {}
            values = np.ascontiguousarray(piece.values, np.float64)
            _say({"columns": piece.columns, "shape": values.shape, "faults": faults}, values.data)
    except ExplainedError as error:
        _say({"refusal": str(error), "kind": type(error).__name__})
    else:
        _say({})
    sys.stdout.flush()


def _say(message: Mapping[str, Any], data: memoryview | bytes = b"") -> None:
    text = json.dumps(message).encode()
    for part in (len(text).to_bytes(LENGTH, "little"), text, data):
        sys.stdout.buffer.write(part)


if __name__ == "__main__":
    main()
