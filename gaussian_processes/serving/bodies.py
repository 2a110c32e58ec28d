"""Body: the bytes of a request, however they come, and not more of them than are taken."""

import time
from io import BytesIO

from gunicorn.http.errors import ParseException
from werkzeug.wrappers import Request

from gaussian_processes.errors import DataError, PayloadTooLargeError, RequestTimeoutError, UnsupportedMediaTypeError

BLOCK = 2**16
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
        RequestTimeoutError: nothing more came for the time that the socket waits.
        DataError: it breaks off, or its chunks are malformed.
        UnsupportedMediaTypeError: it is packed.
    """
    body, stream, size = BytesIO(), request.environ["wsgi.input"], 0
    deadline = None
    try:
        while block := stream.read(BLOCK):
            size += len(block)
            time.sleep(0)  # to gevent, a pause: what comes as fast as it is read would keep others waiting
            if most is None or size <= most:
                body.write(block)
                continue
            body = BytesIO()
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
    if request.content_length is not None and size != request.content_length:
        raise DataError(f"The request body breaks off: {size} of {request.content_length} bytes came.")
    packed = request.headers.get("Content-Encoding", "")
    if not {name.strip().lower() for name in packed.split(",")} <= {"", "identity"}:
        raise UnsupportedMediaTypeError(
            f"The request body is packed (Content-Encoding: {packed[:40]!r}), and nothing is unpacked here; send it as it is."
        )
    body.seek(0)
    return body
