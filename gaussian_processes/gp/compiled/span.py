"""Span: where in a matrix a pass writes, row by row."""

from collections.abc import Iterator
from typing import TypeAlias

# Row i has the columns begin + i begin_step <= j < end + i end_step; column j goes to place j - shift of the row.
# The five numbers, in this order: begin, begin_step, end, end_step, shift.
Span: TypeAlias = tuple[int, int, int, int, int]


def full(columns: int) -> Span:
    """All columns of every row, each in its own place."""
    return 0, 0, columns, 0, 0


def places(span: Span, rows: int) -> Iterator[tuple[int, slice, slice]]:
    """For each row: its number, its columns, and their places in the row."""
    begin, begin_step, end, end_step, shift = span
    for i in range(rows):
        first, last = begin + begin_step * i, end + end_step * i
        yield i, slice(first, last), slice(first - shift, last - shift)
