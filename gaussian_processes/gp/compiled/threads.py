"""Threads: as many as BLAS uses, so that one limit (OMP_NUM_THREADS, threadpoolctl) governs all computation."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")

# Most rows per call of a pass: enough to hide the interpreter's overhead.
PANEL = 128


def threads() -> int:
    """The number of threads of NumPy's and SciPy's BLAS, the smaller if they differ."""
    counts = [library.num_threads for library in _blas()]
    return max(1, min(counts)) if counts else os.cpu_count() or 1


def in_threads(work: Callable[[T], None], items: Iterable[T], done: Callable[[T], None] = lambda _: None) -> None:
    """Call `work` with each item, in parallel threads.

    An exception from `work`, `done` or a signal stops the rest: no further item starts, and items in progress finish.

    Args:
        work: function of an item; should release the interpreter's lock.
        items: items in the order of their start.
        done: callback, called in this thread with each finished item in the same order.
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
                future.result()  # raises the exception of its work
                done(item)
        finally:
            pool.shutdown(cancel_futures=True)


def panels(rows: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, several per thread."""
    step = min(PANEL, max(16, -(-rows // (4 * threads()))))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


@cache
def _blas() -> tuple[Any, ...]:
    # Only finding the libraries is slow: it takes milliseconds.
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
