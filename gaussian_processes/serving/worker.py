"""The worker: gunicorn's gevent worker, which tells idle connections from those in use, and quotes nobody."""

import errno
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from gaussian_processes.serving.request_log import REQUEST_ID, log_request, new_request_id

# What gunicorn's parser refuses, by the status that says so; 400 for the rest of its refusals.
STATUSES = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
)
# What ends a worker. From the fork until it has handlers of its own they wait: those that the fork copied only note a signal
# for the parent's loop, which the child does not run.
ENDINGS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
# Bytes a second that a request has to come with, on the whole, once it has been coming for as long as the server's timeout.
PACE = 2**10


class _Paced:
    """A client's socket, on which a request that has begun goes on coming at a certain pace.

    A byte at a time would keep it open for ever: each of them comes before the socket's own timeout.
    """

    def __init__(self, sock: Any, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self.rest()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def rest(self) -> None:
        """Until the next request begins, it may take its time."""
        self._begun: float | None = None
        self._received = 0

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError, too, for a client that is too slow."""
        block: bytes = self._sock.recv(size)
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        self._received += len(block)
        if now - self._begun > self._timeout and self._received < PACE * (now - self._begun):
            raise TimeoutError(errno.ETIMEDOUT, "the request comes too slowly")
        return block


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """Ends connections on which no request is under way as soon as the server is to stop, and those that are too slow.

    gunicorn would wait for them as for those in use, for as long as it is allowed to.

    Attributes:
        slot: the smallest number, from 0, that no other worker has: who takes a dead worker's place has its number.
    """

    slot: int

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._idle: dict[gevent.Greenlet, gevent.Timeout] = {}

    def init_signals(self) -> None:
        """Hear from here on."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """A connection."""
        super().handle(listener, _Paced(client, self.cfg.timeout), addr)

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a request and its head: at most `keepalive` seconds, and none once the server stops."""
        greenlet = gevent.getcurrent()
        with gevent.Timeout(self.cfg.keepalive, False) as timeout:
            self._idle[greenlet] = timeout
            try:
                yield
            except TimeoutError:
                raise BrokenPipeError(errno.EPIPE, "the client takes too long over a head") from None
            finally:
                del self._idle[greenlet]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """A client that neither sends nor takes anything for a while is given up."""
        sock.settimeout(self.cfg.timeout)
        try:
            super().handle_request(listener_name, req, sock, addr)
            sock.settimeout(None)
            sock.rest()
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "the client takes no more of its answer") from None

    def notify(self) -> None:
        """Called every second, and so soon after the signal to stop."""
        super().notify()
        if not self.alive:
            for greenlet, timeout in tuple(self._idle.items()):
                gevent.kill(greenlet, timeout)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what is no request; gunicorn would repeat its bytes in the log."""
        del addr
        refusals = (errors.ParseException, errors.ConfigurationProblem)
        status = next((status for kind, status in STATUSES if isinstance(exc, kind)), HTTPStatus.BAD_REQUEST)
        if not isinstance(exc, refusals):
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        identity = new_request_id()
        reason = f"{status.phrase}: {type(exc).__name__}.\n".encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(reason)}\r\n{REQUEST_ID}: {identity}\r\n\r\n"
        )
        log_request(
            identity,
            getattr(req, "method", None) or "",
            getattr(req, "path", None) or "",
            status,
            fault=type(exc).__name__,
        )
        try:
            client.sendall(head.encode("ascii") + reason)
        except OSError:
            self.log.debug("The client is gone.")
