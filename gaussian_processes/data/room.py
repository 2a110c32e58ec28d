"""Room: what is about to take memory on a request's behalf asks for it here. Where nobody counts, there is always enough."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Takes so many bytes more, or gives them back where they are less than none; set for each request by who counts.
TAKE: ContextVar[Callable[[float], None]] = ContextVar("TAKE", default=lambda _size: None)
# Bytes of which nobody keeps an account: many requests have no more.
LITTLE = 2**14
# The memory that an answer's bytes take, with what lies between them.
SPREAD = 1.5


def take(size: float) -> None:
    """So many bytes, until the request is answered.

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
    """Pieces of an answer, all of which someone keeps."""
    for piece in pieces:
        if len(piece) > LITTLE:
            take(SPREAD * len(piece))
        yield piece
