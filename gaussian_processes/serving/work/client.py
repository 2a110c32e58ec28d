"""Client: whether who sent a request still waits for its answer; any thread may ask."""

import os
import select
import time
from typing import Any

from gevent import monkey

# gevent's own would wait for its hub.
_poll: Any = monkey.get_original("select", "poll")
# What a client sees of a question whether it is there: an interim answer, which every client of HTTP/1.1 passes over.
QUESTION = b"HTTP/1.1 100 Continue\r\n\r\n"
# Seconds of work after which it is worth asking.
PATIENCE = 2.0
# Linux alone tells that the other end sends no more.
ENDED = getattr(select, "POLLRDHUP", 0)


class Client:
    """The other end of a request's connection.

    Args:
        connection: its socket; None where there is none, and the client is there for ever.
        can_be_asked: whether it speaks HTTP/1.1.
    """

    def __init__(self, connection: Any, *, can_be_asked: bool) -> None:
        self._connection = connection
        self._since = time.monotonic()
        self._watch(ENDED if can_be_asked else 0)

    def is_gone(self) -> bool:
        """Whether nobody is there to be answered.

        One who sends no more may have closed the connection, or half of it, and then waits for the answer. After a while it
        is asked: where nobody is, the system says so when the question has arrived.
        """
        for _, events in self._poll.poll(0):
            if events != ENDED:
                return True
            if time.monotonic() < self._since + PATIENCE:
                return False
            self._watch(0)  # from now on for the end of the whole connection alone
            try:
                os.write(self._connection.fileno(), QUESTION)
            except OSError:
                return True
            return self.is_gone()
        return False

    def _watch(self, events: int) -> None:
        self._poll = _poll()
        if self._connection is not None:
            self._poll.register(self._connection.fileno(), events)
