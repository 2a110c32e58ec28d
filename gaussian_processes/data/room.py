"""Room: what is about to take memory on a request's behalf asks for it here. Where nobody counts, there is always enough."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Takes a number of bytes; gives bytes back where the number is negative. Who counts sets it for each request.
TAKE: ContextVar[Callable[[float], None]] = ContextVar("TAKE", default=lambda _size: None)
# A request may take this many bytes uncounted. Most take no more.
LITTLE = 2**14
# The memory that an answer's bytes take, with what lies between them.
SPREAD = 1.5


def take(size: float) -> None:
    """Take this many bytes, until the request is answered.

    Raises:
        NoRoomError: there is no room for them.
    """
    TAKE.get()(size)


@contextmanager
def taken(size: float) -> Iterator[None]:
    """The same while the block runs."""
    change = TAKE.get()  # of this request, whoever runs the end of a generator
    change(size)
    try:
        yield
    finally:
        change(-size)


def kept(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of an answer. They are all kept until it is sent, and so each is counted."""
    for piece in pieces:
        if len(piece) > LITTLE:
            take(SPREAD * len(piece))
        yield piece
