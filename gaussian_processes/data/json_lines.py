"""application/jsonlines: a row a line, [target, feature, ...] or {"target": ..., "features": [...]}."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, BinaryIO

import numpy as np
from pydantic import AliasChoices, BaseModel, FailFast, Field, TypeAdapter, ValidationError

from gaussian_processes.data.blocks import BLOCK, Block, read_blocks
from gaussian_processes.data.table import Faults, Table, accepted, rows_or_faults
from gaussian_processes.errors import DataError
from gaussian_processes.faults import in_words

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Numbers = Annotated[list[Number], Field(min_length=1), FailFast()]


class Record(BaseModel):
    """A row whose target has a name."""

    target: Number = Field(validation_alias=AliasChoices("target", "label"))
    features: Numbers


RECORD, ROW = TypeAdapter(Record), TypeAdapter(Numbers)


def read_json_lines(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], *, block_size: int = BLOCK
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
    return accepted(source, _pieces(read_blocks(stream, source, "utf-8", block_size), source))


def parse_row(line: bytes) -> list[float]:
    """The numbers in one line, the target first.

    Raises:
        ValidationError: it is no row.
    """
    if line.lstrip().startswith(b"{"):
        record = RECORD.validate_json(line)
        return [record.target, *record.features]
    return ROW.validate_json(line)


def _pieces(blocks: Iterator[Block], source: str) -> Iterator[Table | Faults]:
    line, first = 1, None
    for block in blocks:
        if first is None:
            first = next(((number, _width(text)) for number, text in block.lines(line)), None)
        if first is not None:
            examined = rows_or_faults(partial(_examine, block, line, *first))
            yield Table(np.array(examined, dtype=np.float64)) if isinstance(examined, list) else examined
        line += block.count()
    if first is None:
        raise DataError(f"{source} is empty; a row a line is wanted: [target, feature, ...].")


def _width(line: bytes) -> int | None:
    """None where the line is no row."""
    try:
        return len(parse_row(line))
    except ValidationError:
        return None


def _examine(block: Block, line: int, first: int, width: int | None) -> Iterator[list[float] | str]:
    """The rows of a block or, in their place, what is wrong with them; `line` is its first, `width` that of line `first`."""
    for number, text in block.lines(line):
        try:
            row = parse_row(text)
        except ValidationError as error:
            yield f"line {number}: {in_words(error.errors(include_url=False)[0])}"
            continue
        yield (
            row if width in (None, len(row)) else f"line {number} has {len(row)} numbers where line {first} has {width}"
        )
