"""Turns: the native threads in which a worker's requests are parsed and predicted; short work passes long work.

A BLAS call never yields to gevent; in a thread of its own it leaves the worker free to answer /ping. Short work has threads
that long work never takes. Long work is done a piece at a time: a thread that is free makes the next piece of the request
that has been served least. So a short request waits for one piece of a long one, and not for all of them.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import cached_property, partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

import gevent
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool
from gevent.util import wrap_errors

from gaussian_processes.errors import ClientGoneError, NoRoomError
from gaussian_processes.serving.models.batching import Gathering

T = TypeVar("T")

# Of a thread that does long work, which leaves the processor to whatever else wants it.
NICENESS = 10
END: Any = object()


class Computing:
    """A worker's threads. All but the work itself runs in gevent's hub, and needs no locks.

    Args:
        short: threads for short work.
        long: threads for long work.
        most: requests with long work that may wait.
    """

    def __init__(self, short: int, long: int, most: int = 100) -> None:
        self._counts = short, long
        self._most = most
        self._begun = time.monotonic()
        self.together = Gathering(self.short, self.long, short).of
        self._free = long
        self._waiting: list[tuple[int, float, int, Callable[[], Any], AsyncResult]] = []
        self._arrivals = count()

    def short(self, work: Callable[[], T]) -> T:
        """What `work` returns; for what takes less time than a person notices."""
        return in_thread(self._pools[0], _here(work))

    def long(self, work: Callable[[], T], size: float = 0.0, had: float = 0.0) -> T:
        """What `work` returns, when it is its turn: before what has had more seconds, and then before what is larger.

        Ten seconds of waiting count as one that others have had, so that all come to their turn.
        """
        answer = AsyncResult()
        rank = int(10 * had + time.monotonic() - self._begun)
        heappush(self._waiting, (rank, size, next(self._arrivals), _here(work), answer))
        if self._free:
            self._free -= 1
            gevent.spawn(self._work)
        result: T = answer.get()
        return result

    def pieces(self, pieces: Generator[T, None, None], size: float, is_gone: Callable[[], bool]) -> Iterator[T]:
        """The items of a generator, each made when it is its turn.

        Args:
            pieces: closed when there are no more of them, or nobody to have them.
            size: by which those that have had nothing yet are told apart; the smallest comes first.
            is_gone: whether nobody waits for them any more; asked in the thread, when it is the turn of the next one.

        Raises:
            ClientGoneError: nobody does.
            NoRoomError: too many wait already, and hold connections that others need.
        """
        had = 0.0

        def following() -> T:
            nonlocal had
            if is_gone():
                raise ClientGoneError("The client has gone; the rest of its answer is not computed.")
            started = time.perf_counter()
            piece = next(pieces, END)
            had += time.perf_counter() - started
            return piece

        try:
            if len(self._waiting) >= self._most:
                raise NoRoomError("The server has as much work as it can remember. Send the request again.")
            while True:
                piece = self.long(following, size, had)
                if piece is END:
                    return
                yield piece
        finally:
            with suppress(ValueError):  # where it is at work, for a server that ends
                self.short(pieces.close)

    def _work(self) -> None:
        """Do what waits, in a thread, until nothing does."""
        try:
            while self._waiting:
                *_, work, answer = heappop(self._waiting)
                try:
                    answer.set(in_thread(self._pools[1], partial(_nicely, work)))
                except BaseException as error:  # noqa: BLE001  # whatever it is, it is for who asked
                    answer.set_exception(error)
        finally:
            self._free += 1

    @cached_property
    def _pools(self) -> tuple[ThreadPool, ThreadPool]:
        """Made by the worker that uses them: no thread outlives a fork."""
        short, long = self._counts
        return ThreadPool(short), ThreadPool(long)


def _here(work: Callable[[], T]) -> Callable[[], T]:
    """The same in this request's context, wherever it runs: what it takes is counted there."""
    return partial(copy_context().run, work)


def _nicely(work: Callable[[], T]) -> T:
    if sys.platform == "linux":  # where a thread has a niceness of its own
        with suppress(OSError):  # it has more already
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work()


def in_thread(pool: ThreadPool, work: Callable[[], T]) -> T:
    """What `work` returns, from a thread of a pool: a BLAS call never yields to gevent."""
    # The pool would print the traceback of every error; most are a client's.
    answer: Any = pool.apply(wrap_errors(BaseException, work))
    if isinstance(answer, BaseException):
        raise answer
    result: T = answer
    return result
