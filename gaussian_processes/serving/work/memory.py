"""Memory: what requests hold, in all workers together, is never more than there is. Who finds no room is told to come again."""

import mmap
from collections.abc import Callable, Iterable
from typing import Any

from gevent.monkey import get_original
from werkzeug.wsgi import ClosingIterator

from gaussian_processes.data.room import LITTLE, SPREAD, TAKE
from gaussian_processes.errors import NoRoomError

Application = Callable[[Any, Any], Iterable[bytes]]


class Memory:
    """Bytes that requests may hold.

    A worker writes one number, and reads those of all: there is no lock that one could leave closed when it dies.

    Args:
        most: bytes.
        available: how many the container has left, of which some stay free, whatever was counted: no count is exact.
        workers: that there may be.
    """

    def __init__(self, most: float, available: Callable[[], float], workers: int = 512) -> None:
        self._most = most
        self._available = available
        self._margin = min(2**27, available() / 8)
        self._held = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")  # of all processes that are forked
        self._slot = 0
        self._lock = get_original("_thread", "allocate_lock")()  # of native threads, of which gevent's knows nothing

    def enter(self, slot: int) -> None:
        """Be the worker of this number, from its fork on. What another one of that number held is free."""
        self._slot = slot % len(self._held)
        self._held[self._slot] = 0

    def change(self, size: int) -> None:
        """Hold so many bytes more, or less.

        Raises:
            NoRoomError: there are not so many.
        """
        with self._lock:
            self._held[self._slot] += size  # before the others' are read: of two workers at once, both may find no room
            if size > 0 and (sum(self._held) > self._most or self._available() < size + self._margin):
                self._held[self._slot] -= size
                raise NoRoomError(
                    "The server has no memory left for this request. Send it again, or fewer rows at a time."
                )

    def around(self, application: Application) -> Application:
        """The application; each request gives back what it held when its answer has been sent, or given up."""

        def answered(environ: Any, start_response: Any) -> Iterable[bytes]:
            held, over = 0, False

            def take(size: float) -> None:
                nonlocal held
                # When it is over all of it has been given back, whoever still works on it.
                size = 0 if over else max(int(size), -held)
                self.change(size)
                held += size

            def give_back() -> None:
                nonlocal over
                take(-held)
                over = True

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                # What the answer was made of is gone. The answer itself may stay until a slow client has taken it.
                length = int(dict(headers).get("Content-Length", 0))
                take(min(0, (length > LITTLE) * SPREAD * length - held))
                return start_response(status, headers, *rest)

            token = TAKE.set(take)
            try:
                return ClosingIterator(application(environ, start), give_back)
            except BaseException:
                give_back()
                raise
            finally:
                TAKE.reset(token)

        return answered
