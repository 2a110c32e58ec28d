"""text/csv: rows of numbers, under a header line or none."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO

import numpy as np

from gaussian_processes.data.bad_records import fault_of_width, with_placeholders
from gaussian_processes.data.codecs.csv_block import Parsed, examine, parse_block
from gaussian_processes.data.codecs.csv_cells import (
    are_names,
    fault_of_line,
    fault_of_names,
    fault_of_separator,
    number,
    split_line,
)
from gaussian_processes.data.codecs.text_blocks import BLOCK, LONGEST, SEAM, Block, read_blocks
from gaussian_processes.data.dataset import Array
from gaussian_processes.data.records import Answer, Records, in_steps
from gaussian_processes.data.table import Faults, Table, accepted, each_once, rows_or_faults
from gaussian_processes.errors import DataError

REQUEST_BLOCK = 1 << 20  # bytes
SMALL = 1 << 12


@dataclass(frozen=True)
class _Shape:
    """What every line of a stream has to match: its first one that is not blank.

    Attributes:
        line: that line's number.
        text: of it.
        width: its number of cells.
        columns: its cells, where it is a header line.
        repeated: whether it is one, and no row could look like it.
    """

    line: int
    text: bytes
    width: int
    columns: tuple[str, ...] | None = None
    repeated: bool = False


def read_csv(  # noqa: PLR0913  # what the bytes say, and how they are read
    stream: BinaryIO,
    source: str,
    parameters: Mapping[str, str],
    *,
    allow_header: bool,
    threads: int,
    block_size: int = BLOCK,
    longest: int | None = None,
    small: int = 0,
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
        longest: bytes of a line that may be one.
        small: bytes of a block that is read line by line, without pandas' preparations.

    Raises:
        DataError: no lines, lines that are too long or ragged, or cells that are not finite numbers; names lines and
            columns, both from 1.
    """
    blocks = read_blocks(stream, source, parameters.get("charset", "utf-8"), block_size, longest)
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
    return accepted(
        source, _pieces(chain([rest], blocks), shape, line, partial(parse_block, shape.width, small), threads)
    )


def read_csv_records(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int, *, block_size: int = REQUEST_BLOCK
) -> Iterator[Records]:
    """The numbers of every line, `width` of them or what is wrong with it; a blank line is a record at fault.

    Raises:
        DataError: the bytes are not text in the charset of `parameters`, or the lines are too long to be rows.
    """
    line_number, begun = 1, False
    for block in read_blocks(stream, source, parameters.get("charset", "utf-8"), block_size, LONGEST):
        parsed = parse_block(width, SMALL, block)
        if parsed is not None and parsed.lines == len(parsed.values):
            yield Records(parsed.values)
            line_number, begun = line_number + parsed.lines, True
            continue
        lines = list(block.lines(line_number, blank=True))
        blank = next((index for index, (_, line) in enumerate(lines) if line.strip()), len(lines))
        first = [] if begun else [_record(*line, width, first=True) for line in lines[: blank + 1]]
        rest = each_once(lines[len(first) :], lambda at, line: [_record(at, line, width)])
        yield with_placeholders(chain(first, rest), width)
        line_number, begun = line_number + len(lines), begun or blank < len(lines)


def write_csv(answers: Iterable[Answer]) -> Iterator[bytes]:
    """One line a record, in pieces: its columns, each number as the shortest text that reads back the same, or its fault."""
    for answer in in_steps(answers):
        numbers = [column.reshape(len(answer), -1).T.tolist() for column in answer.columns.values()]
        cells = [map(repr, column) for columns in numbers for column in columns]
        lines = list(map(",".join, zip(*cells, strict=True)))
        for index, reason in answer.faults.items():
            text = " ".join(f"error: {reason}".splitlines())
            lines[index] = '"{}"'.format(text.replace('"', '""'))
        yield "\n".join([*lines, ""]).encode()


def _shape(text: bytes, line: int, source: str, header: str | None) -> _Shape:
    try:
        cells = split_line(text)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError.listing(source, [fault_of_line(line, error)]) from None
    if fault := fault_of_separator(cells):
        raise DataError.listing(source, [fault])
    names = tuple(cell.strip() for cell in cells)
    if header == "present" or (header != "absent" and are_names(names)):
        return _Shape(line, text, len(cells), names, any(number(cell) is None for cell in cells))
    if header == "absent" and are_names(names):
        raise DataError.listing(source, [fault_of_names(line, cells)])
    return _Shape(line, text, len(cells))


def _pieces(
    blocks: Iterator[Block], shape: _Shape, line: int, parse: Callable[[Block], Parsed | None], threads: int
) -> Iterator[Table | Faults]:
    """The blocks, parsed; `line` is the number of the first one's first line."""
    yield _table([], shape)
    for block, parsed in _in_order(parse, blocks, threads):
        if parsed is None:
            examined = rows_or_faults(partial(_examine, block, line, shape))
            yield _table(examined, shape) if isinstance(examined, list) else examined
            line += block.count()
        else:
            yield _table(parsed.values, shape)
            line += parsed.lines


def _examine(block: Block, first_line: int, shape: _Shape) -> Iterator[list[float] | str]:
    """The rows of a block, line by line, each as its numbers or, in their place, what is wrong with it."""
    lines = block.lines(first_line)
    rows = ((at, line) for at, line in lines if not (shape.repeated and line.strip() == shape.text.strip()))
    return each_once(rows, lambda at, line: examine(at, line, shape.width, partial(_ragged, shape, line)))


def _ragged(shape: _Shape, line: bytes, place: str, found: int, width: int) -> str:
    """What is wrong with a line of `found` cells; of two lines that were joined, the last cell and the first are one."""
    least, joined = min(found, width), line if found > width else shape.text
    seam = SEAM if max(found, width) == 2 * least - 1 and len(split_line(joined)[least - 1].strip()) > 1 else ""
    return f"{place} has another number of columns than line {shape.line}: {found} and not {width}{seam}"


def _record(line_number: int, line: bytes, width: int, *, first: bool = False) -> list[float] | str:
    """The numbers of a line or, in their place, the first thing that is wrong with it; names can be above the rows."""
    if not line.strip():
        return f"line {line_number} is empty"
    row = next(examine(line_number, line, width, fault_of_width))
    if isinstance(row, str):
        with suppress(UnicodeDecodeError, csv.Error):
            cells = split_line(line)
            if first and are_names(cells):
                return fault_of_names(line_number, cells)
            if fault := fault_of_separator(cells):
                return f"line {line_number}: {fault}"
    return row


def _table(rows: Array | list[list[float]], shape: _Shape) -> Table:
    values = np.asarray(rows, dtype=np.float64).reshape(-1, shape.width)
    return Table(values, shape.columns, header=shape.columns is not None)


def _in_order(
    parse: Callable[[Block], Parsed | None], blocks: Iterator[Block], threads: int
) -> Iterator[tuple[Block, Parsed | None]]:
    """Every block with what is made of it, in order; the calling thread parses too, once the others have enough."""
    if threads == 1:
        for block in blocks:
            yield block, parse(block)
        return
    with ThreadPoolExecutor(threads - 1) as pool:
        waiting: deque[tuple[Block, Future[Parsed | None]]] = deque()
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
