"""application/jsonlines: a row a line, as a list or as an object, with its target in channels; an answer a line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import BinaryIO

from pydantic_core import from_json

from gaussian_processes.data.bad_records import fault_of_width, with_placeholders
from gaussian_processes.data.codecs.json_answers import answer_objects
from gaussian_processes.data.codecs.json_rows import FEATURES, PIECE, TARGET_AND_FEATURES, Grammar, fault_of_ragged
from gaussian_processes.data.codecs.text_blocks import LONGEST, SEAM, Block, read_blocks
from gaussian_processes.data.dataset import Array
from gaussian_processes.data.records import Answer, Records
from gaussian_processes.data.table import Faults, Table, accepted, each_once
from gaussian_processes.errors import DataError


def read_json_lines(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], *, block_size: int = PIECE
) -> Iterator[Table]:
    """The numbers in a stream of JSON Lines, a block of lines at a time, the target first.

    Args:
        stream: the bytes, UTF-8 as JSON demands.
        source: the name that messages give them.
        parameters: of the media type; none is needed.
        block_size: in bytes.

    Raises:
        DataError: no lines, or lines that are no rows of finite numbers or have different numbers of them; named from 1.
    """
    del parameters
    return accepted(source, _pieces(read_blocks(stream, source, "utf-8", block_size), source, TARGET_AND_FEATURES))


def read_json_line_features(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], *, block_size: int = PIECE
) -> Iterator[Table]:
    """The same of a request, without a target; there, lines that are too long to be rows are refused, too."""
    del parameters
    return accepted(source, _pieces(read_blocks(stream, source, "utf-8", block_size, LONGEST), source, FEATURES))


def read_json_line_records(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int, *, block_size: int = PIECE
) -> Iterator[Records]:
    """The features of every line, `width` of them or what is wrong with it; a blank line is a record at fault.

    Raises:
        DataError: the lines are too long to be rows.
    """
    del parameters
    number = 1
    for block in read_blocks(stream, source, "utf-8", block_size, LONGEST):
        lines = list(block.lines(number, blank=True))
        values = _values([line for _, line in lines], FEATURES, width)
        if values is None:
            examined = each_once(lines, partial(_examine, FEATURES, width, fault_of_width))
            yield with_placeholders(examined, width)
        else:
            yield Records(values)
        number += len(lines)


def write_json_lines(answers: Iterable[Answer]) -> Iterator[bytes]:
    """One object a record, a line each, in pieces.

    Raises:
        ValueError: a number that JSON has no word for.
    """
    for objects in answer_objects(answers):
        yield "\n".join([*objects, ""]).encode("ascii")


def parse_row(line: bytes) -> list[float]:
    """The numbers in one line of a channel, the target first.

    Raises:
        ValueError, DataError: it is no row.
    """
    row = TARGET_AND_FEATURES.examine(from_json(line))
    if isinstance(row, str):
        raise DataError(row)
    return row


def _pieces(blocks: Iterator[Block], source: str, grammar: Grammar) -> Iterator[Table | Faults]:
    before, first, width = 0, 0, None  # the lines before a block; the line of the first row, and that row's width
    for block in blocks:
        lines = list(block.lines(before + 1))
        if lines and not first:
            first, row = lines[0][0], next(_examine(grammar, None, fault_of_width, *lines[0]))
            width = None if isinstance(row, str) else len(row)
        if lines:
            values = _values([line for _, line in lines], grammar, width) if width else None
            ragged = partial(fault_of_ragged, f"line {first}")
            examined = each_once(lines, partial(_examine, grammar, width, ragged))
            yield Table(values) if values is not None else (row for row in examined if isinstance(row, str))
        before += block.count()
    if not first:
        raise DataError(f"{source} is empty; a row a line is wanted: {grammar.wanted}.")


def _values(lines: list[bytes], grammar: Grammar, width: int) -> Array | None:
    """The rows, fast; None where only `_examine` can say what is wrong with which."""
    places = {line: place for place, line in enumerate(dict.fromkeys(lines))}  # a line can repeat another
    try:
        values = grammar.values([from_json(line) for line in places], width)
    except ValueError:
        return None
    return values if values is None or len(values) == len(lines) else values[[places[line] for line in lines]]


def _examine(
    grammar: Grammar, width: int | None, fault: Callable[[str, int, int], str], number: int, line: bytes
) -> Iterator[list[float] | str]:
    """The numbers of a line, `width` of them, or, in their place, what is wrong with it."""
    try:
        row = grammar.examine(from_json(line))
    except ValueError as error:
        row = f"Invalid JSON: {error}{SEAM if 'trailing' in str(error) else ''}"
    if not line.strip():
        yield f"line {number} is empty"
    elif isinstance(row, str):
        yield f"line {number}: {row}"
    else:
        yield row if width in (None, len(row)) else fault(f"line {number}", len(row), width)
