"""Blocks: large matrices are worked through so many entries at a time that what is needed on the way stays small."""

from collections.abc import Iterator

# 16 MiB of float64 for each matrix on the way.
ENTRIES = 2**21


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices that cover `rows` rows in order, each of about ENTRIES entries of `columns` columns, and never of none."""
    step = max(1, ENTRIES // max(1, columns))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
