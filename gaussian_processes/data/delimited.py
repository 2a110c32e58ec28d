"""text/csv: rows of numbers, under a header line or none."""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from gaussian_processes.data.blocks import BLOCK, Block, read_blocks
from gaussian_processes.data.cells import are_names, fault_of_line, number, split_line
from gaussian_processes.data.dataset import Array
from gaussian_processes.data.table import Faults, Table, accepted, rows_or_faults
from gaussian_processes.errors import DataError

# What else stands between cells, in a line that has no comma.
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class _Shape:
    """What every line of a stream has to match: its first one that is not blank.

    Attributes:
        line: that line's number.
        width: its number of cells.
        columns: its cells, where it is a header line.
        repeated: its text, where it is one and no row could look like it.
    """

    line: int
    width: int
    columns: tuple[str, ...] | None = None
    repeated: bytes | None = None


@dataclass(frozen=True, eq=False)
class _Parsed:
    """A block's rows, and its number of lines."""

    values: Array
    lines: int


def read_csv(  # noqa: PLR0913  # what the bytes say, and how they are read
    stream: BinaryIO,
    source: str,
    parameters: Mapping[str, str],
    *,
    allow_header: bool,
    threads: int,
    block_size: int = BLOCK,
) -> Iterator[Table]:
    """The numbers in a stream of CSV, a block of lines at a time; the stream is read once, from its start to its end.

    A line like the header line holds no row: it stands where files were joined.

    Args:
        stream: the bytes.
        source: the name that messages give them.
        parameters: of the media type; `charset` is honoured, and so is `header`, 'present' or 'absent' [RFC 4180].
            Without it, a first line that has words in all its cells is a header line.
        allow_header: whether there may be one.
        threads: how many blocks to parse at the same time; with 1 that is done in the calling thread.
        block_size: in bytes.

    Raises:
        DataError: no lines, ragged lines, or cells that are not finite numbers; names lines and columns, both from 1.
    """
    blocks = read_blocks(stream, source, parameters.get("charset", "utf-8"), block_size)
    line = 1  # the number of the line that the first block begins with
    for first in blocks:
        lines = first.text.splitlines(keepends=True)
        blank = next((index for index, text in enumerate(lines) if text.strip()), len(lines))
        line += blank
        if blank < len(lines):
            break
    else:
        raise DataError(f"{source} is empty; rows of numbers separated by commas are wanted.")
    shape = _shape(lines[blank], line, source, parameters.get("header") if allow_header else "absent")
    if shape.columns is not None:
        blank, line = blank + 1, line + 1
    rest = Block((b"".join(lines[blank:]),)) if blank else first
    return accepted(source, _pieces(chain([rest], blocks), shape, line, threads))


def write_csv(columns: Mapping[str, Array]) -> bytes:
    """One line a row, the columns separated by commas; every number as the shortest text that reads back the same."""
    lines = zip(*(column.tolist() for column in columns.values()), strict=True)
    return "".join(",".join(map(repr, line)) + "\n" for line in lines).encode("ascii")


def _shape(text: bytes, line: int, source: str, header: str | None) -> _Shape:
    try:
        cells = split_line(text)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError.listing(source, [fault_of_line(line, error)]) from None
    other = next((mark for mark in SEPARATORS if len(cells) == 1 and mark in cells[0].strip()), None)
    if other:
        raise DataError(f"{source}: its cells seem to be separated by {SEPARATORS[other]}; commas are wanted.")
    names = tuple(cell.strip() for cell in cells)
    if header == "present" or (header != "absent" and are_names(names)):
        repeated = text.strip() if any(number(cell) is None for cell in cells) else None
        return _Shape(line, len(cells), names, repeated)
    if header == "absent" and are_names(names):
        fault = f"line {line} ({','.join(cells)[:60]!r}) has no number in it; if it is a header line, remove it"
        raise DataError.listing(source, [fault])
    return _Shape(line, len(cells))


def _pieces(blocks: Iterator[Block], shape: _Shape, line: int, threads: int) -> Iterator[Table | Faults]:
    """The blocks, parsed; `line` is the number of the first one's first line."""
    yield _table([], shape)
    for block, parsed in _in_order(partial(_parse, shape.width), blocks, threads):
        if parsed is None:
            examined = rows_or_faults(partial(_examine, block, line, shape))
            yield _table(examined, shape) if isinstance(examined, list) else examined
            line += block.count()
        else:
            yield _table(parsed.values, shape)
            line += parsed.lines


def _table(rows: Array | list[list[float]], shape: _Shape) -> Table:
    values = np.asarray(rows, dtype=np.float64).reshape(-1, shape.width)
    return Table(values, shape.columns, header=shape.columns is not None)


def _in_order(
    parse: Callable[[Block], _Parsed | None], blocks: Iterator[Block], threads: int
) -> Iterator[tuple[Block, _Parsed | None]]:
    """Every block with what is made of it, in order; the calling thread parses too, once the others have enough."""
    if threads == 1:
        for block in blocks:
            yield block, parse(block)
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        waiting: deque[tuple[Block, Future[_Parsed | None]]] = deque()
        for block in blocks:
            if sum(not future.done() for _, future in waiting) < threads:  # one more than the others are at
                future = pool.submit(parse, block)
            else:
                future = Future()
                future.set_result(parse(block))
            waiting.append((block, future))
            while waiting[0][1].done() and len(waiting) > 1:
                done, parsed = waiting.popleft()
                yield done, parsed.result()
        for done, parsed in waiting:
            yield done, parsed.result()


def _parse(width: int, block: Block) -> _Parsed | None:
    """The rows of a block, fast; None where only `_examine` can say whether they are what is wanted."""
    for blank_lines in (False, True):
        text: Any = _Whole(block.parts)  # a file, as far as pandas looks
        try:
            frame = pd.read_csv(
                text, header=None, dtype=np.float64, na_filter=False, low_memory=False, skip_blank_lines=blank_lines
            )
        except ValueError:  # pandas' own parser errors are ValueErrors, and so is text that is not UTF-8
            continue
        values = frame.to_numpy()
        if values.shape[1] != width or not _all_finite(values):
            return None
        quoted = any(b'"' in part for part in block.parts)
        lines = block.count() if blank_lines or quoted else len(values)
        # Whether a line can end within quotes must not depend on where blocks are cut: it cannot.
        return None if quoted and lines != len(values) else _Parsed(values, lines)
    return None


def _all_finite(values: Array) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()  # finite only if all of them are, and found in a third of the time
    return bool(np.isfinite(total) or np.isfinite(values).all())


class _Whole:
    """A file that is read in two large parts.

    pandas asks for 256 kB at a time, and each time holds the interpreter's lock; between these it parses without it.
    """

    def __init__(self, parts: tuple[bytes, ...]) -> None:
        self._parts = iter(parts)

    def read(self, _size: int = -1) -> bytes:
        return next(self._parts, b"")

    def __iter__(self) -> Iterator[bytes]:
        """What pandas asks of a file, to know it from a path; it reads nothing in this way."""
        return iter(())


def _examine(block: Block, first_line: int, shape: _Shape) -> Iterator[list[float] | str]:
    """The rows of a block, line by line, each as its numbers or, in their place, what is wrong with it."""
    for line_number, line in block.lines(first_line):
        if line.strip() == shape.repeated:
            continue
        try:
            cells = split_line(line)
        except (UnicodeDecodeError, csv.Error) as error:
            yield fault_of_line(line_number, error)
            continue
        numbers = list(map(number, cells))
        row = [value for value in numbers if value is not None]
        if len(cells) != shape.width:
            wanted = f"another number of columns than line {shape.line}"
            yield f"line {line_number} has {wanted}: {len(cells)} and not {shape.width}"
        elif len(row) == len(numbers):
            yield row
        for column, (cell, value) in enumerate(zip(cells, numbers, strict=True), start=1):
            if value is None:
                found = f"found {cell[:40]!r}" if cell.strip() else "the cell is empty"
                yield f"line {line_number}, column {column}: {found}, a finite number is wanted"
