"""Body: the bytes of a request, however they come, and not more of them than are taken."""

import random
import time
from io import BytesIO

from gunicorn.http.errors import ParseException
from werkzeug.wrappers import Request

from gaussian_processes.data.room import LITTLE, take
from gaussian_processes.errors import (
    DataError,
    NoRoomError,
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)

BLOCK = 2**16
# Bytes that are asked room for at a time, and as many again that it takes for each: a buffer grows by an eighth.
ROOM, GROWTH = 2**20, 1.25
# How long to wait for room, at least and at most: by chance, or all would give up who stand in each other's way.
WAITING = (0.1, 2.0)
# How long to go on reading what is too large: many a client reads no answer before it has sent everything.
DRAINING = 10.0


def read_body(request: Request, most: int | None) -> BytesIO:
    """The whole body, at its beginning.

    It is read before anything is said of the request, and grows in place: it is in memory once.

    Args:
        request: whose body it is; with a Content-Length or in chunks.
        most: bytes that are taken; None for any number.

    Raises:
        PayloadTooLargeError: there are more.
        NoRoomError: there is no memory for them.
        RequestTimeoutError: nothing more came for the time that the socket waits.
        DataError: it breaks off, or its chunks are malformed.
        UnsupportedMediaTypeError: it is packed.
    """
    body, stream, size = BytesIO(), request.environ["wsgi.input"], 0
    deadline, room, refusal = None, LITTLE, None
    try:
        while block := stream.read(BLOCK):
            size += len(block)
            time.sleep(0)  # to gevent, a pause: what comes as fast as it is read would keep others waiting
            if refusal is None and (most is None or size <= most):
                if size > room:
                    room, refusal = room + ROOM, _no_room(GROWTH * ROOM)
                body.write(block)
                continue
            body = BytesIO()
            take(-GROWTH * room)  # at once: others wait for it
            deadline = deadline or time.monotonic() + DRAINING
            if time.monotonic() > deadline:
                break
    except TimeoutError as error:
        raise RequestTimeoutError("The request body stopped coming; send it without pauses.") from error
    except (OSError, ParseException) as error:
        raise DataError("The request body cannot be read: it breaks off, or its chunks are malformed.") from error
    if most is not None and size > most:
        raise PayloadTooLargeError(
            f"The request body has more than the {most} bytes that are taken; send fewer rows at a time, or set "
            "MODEL_SERVER_MAX_PAYLOAD_MB."
        )
    if refusal is not None:
        raise refusal
    if request.content_length is not None and size != request.content_length:
        raise DataError(f"The request body breaks off: {size} of {request.content_length} bytes came.")
    _require_plain(request)
    body.seek(0)
    return body


def _no_room(size: float) -> NoRoomError | None:
    """Take `size` bytes, and wait a little for them. The refusal, where there is still no room; else None."""
    deadline = time.monotonic() + random.uniform(*WAITING)  # noqa: S311  # no secret
    while True:
        try:
            take(size)
        except NoRoomError as error:
            if time.monotonic() > deadline:
                return error
        else:
            return None
        time.sleep(0.02)  # to gevent, a pause


def _require_plain(request: Request) -> None:
    packed = request.headers.get("Content-Encoding", "")
    if not {name.strip().lower() for name in packed.split(",")} <= {"", "identity"}:
        raise UnsupportedMediaTypeError(
            f"The request body is packed (Content-Encoding: {packed[:40]!r}), and nothing is unpacked here; send it as it is."
        )
