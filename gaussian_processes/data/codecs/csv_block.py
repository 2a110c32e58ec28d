"""A block of CSV: its numbers, fast, or line by line what is wrong with them."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gaussian_processes.data.codecs.csv_cells import fault_of_line, number, split_line
from gaussian_processes.data.codecs.text_blocks import Block
from gaussian_processes.data.dataset import Array

# Columns from which pandas takes longer to make them than to fill them, and gigabytes for a few megabytes.
WIDE = 1 << 13


@dataclass(frozen=True, eq=False)
class Parsed:
    """A block's rows, and its number of lines."""

    values: Array
    lines: int


def parse_block(width: int, small: int, block: Block) -> Parsed | None:
    """The rows of a block, fast; None where only `examine` can say whether they are what is wanted.

    So it is, too, where the block has no more than `small` bytes, or very many columns: pandas prepares for longer than
    their lines take.
    """
    if width > WIDE or (small and sum(map(len, block.parts)) <= small):
        return None
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
        return None if quoted and lines != len(values) else Parsed(values, lines)
    return None


def examine(
    line_number: int, line: bytes, width: int, fault: Callable[[str, int, int], str]
) -> Iterator[list[float] | str]:
    """The numbers of a line or, in their place, all that is wrong with it; `fault` words another number of them."""
    try:
        cells = split_line(line)
    except (UnicodeDecodeError, csv.Error) as error:
        yield fault_of_line(line_number, error)
        return
    numbers = list(map(number, cells))
    row = [value for value in numbers if value is not None]
    if len(cells) != width:
        yield fault(f"line {line_number}", len(cells), width)
    elif len(row) == len(numbers):
        yield row
    for column, (cell, value) in enumerate(zip(cells, numbers, strict=True), start=1):
        if value is None:
            found = f"found {cell[:40]!r}" if cell.strip() else "the cell is empty"
            yield f"line {line_number}, column {column}: {found}, a finite number is wanted"


def _all_finite(values: Array) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()  # finite only if all of them are, and found in a third of the time
    return bool(np.isfinite(total) or np.isfinite(values).all())


class _Whole:
    """A file that is read in large parts.

    pandas asks for 256 kB at a time, and each time holds the interpreter's lock; between these it parses without it.
    """

    def __init__(self, parts: tuple[bytes, ...]) -> None:
        self._parts = iter(parts)

    def read(self, _size: int = -1) -> bytes:
        return next(filter(None, self._parts), b"")

    def __iter__(self) -> Iterator[bytes]:
        """What pandas asks of a file, to know it from a path; it reads nothing in this way."""
        return iter(())
