"""Threads: as many as BLAS has, so that one limit (OMP_NUM_THREADS, or threadpoolctl's) holds for all that computes."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")

# Most rows that a thread takes at a time: enough to hide the cost of the interpreter.
PANEL = 128


def threads() -> int:
    """How many threads to compute in: those of NumPy's and SciPy's BLAS, the fewer if they differ."""
    counts = [library.num_threads for library in _blas()]
    return max(1, min(counts)) if counts else os.cpu_count() or 1


def in_threads(work: Callable[[T], None], items: Iterable[T], done: Callable[[T], None] = lambda _: None) -> None:
    """Do `work`, which should release the interpreter's lock, on every item; in this thread where one is enough.

    Args:
        work: what to do with an item.
        items: in the order in which they are begun.
        done: is called in this thread, in the same order, with each item that is done. An exception that it, or `work`,
            or a signal raises ends the rest: items that are begun are finished, others are not begun.
    """
    items = list(items)
    count = min(threads(), len(items))
    if count <= 1:
        for item in items:
            work(item)
            done(item)
        return
    with ThreadPoolExecutor(count) as pool:
        try:
            for item, future in [(item, pool.submit(work, item)) for item in items]:
                future.result()  # raises what its work raised
                done(item)
        finally:
            pool.shutdown(cancel_futures=True)


def panels(rows: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, several for each thread."""
    step = min(PANEL, max(16, -(-rows // (4 * threads()))))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


@cache
def _blas() -> tuple[Any, ...]:
    # Finding the libraries takes milliseconds; asking a library for its number of threads does not.
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
