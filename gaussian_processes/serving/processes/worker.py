"""The worker: gunicorn's gevent worker, which tells idle connections from those in use, and quotes nobody."""

import errno
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import gevent
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from gaussian_processes.serving.watching.request_log import REQUEST_ID, log_request, new_request_id

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


class _Line(dict["_Paced", None]):
    """Clients that are waited for, in the order in which that began."""

    def join(self, client: "_Paced", most: int) -> None:
        """Stand at the end; where there are more than `most`, the first one yields."""
        self[client] = None
        if len(self) > most:
            next(iter(self)).end()


class _Paced:
    """A client's socket, on which a request that has begun goes on coming at a certain pace.

    A byte at a time would keep it open for ever: each of them comes before the socket's own timeout.

    Args:
        sock: the socket.
        worker: in whose lines it stands until a head is whole, and while more of a body is to come.
    """

    def __init__(self, sock: Any, worker: "Worker") -> None:
        self._sock = sock
        self._worker = worker
        self._ended = False
        self.rest()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def rest(self) -> None:
        """Until the next request begins, it may take its time."""
        self._begun: float | None = None
        self._received = 0
        self._worker.heads.join(self, self._worker.worker_connections // 2)

    def leave(self) -> None:
        """Nothing is waited for."""
        self._worker.heads.pop(self, None)
        self._worker.bodies.pop(self, None)

    def end(self) -> None:
        """Take nothing more. An exception could hit a request that has just come whole: what is there is still read."""
        self.leave()
        self._ended = True
        with suppress(OSError):  # the client has gone
            self._sock.shutdown(socket.SHUT_RD)

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError, too, for a client that is too slow, or yields to others."""
        if self not in self._worker.heads:  # a byte is enough to be the last of those whose bodies come
            self._worker.bodies.join(self, self._worker.worker_connections // 4)
        try:
            block: bytes = self._sock.recv(size)
        except OSError:
            if not self._ended:
                raise
            block = b""
        self._worker.bodies.pop(self, None)
        if self._ended and not block:
            raise TimeoutError(errno.ETIMEDOUT, "the client yields to others")
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        self._received += len(block)
        if now - self._begun > self._worker.cfg.timeout and self._received < PACE * (now - self._begun):
            raise TimeoutError(errno.ETIMEDOUT, "the request comes too slowly")
        return block


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """Ends connections on which no request is under way as soon as the server is to stop, or others need their place.

    gunicorn would wait for them as for those in use, for as long as it is allowed to; and accept nobody while there are
    as many as it takes, not even who asks for /ping.

    Attributes:
        heads: clients of which no request is under way.
        bodies: those that send one. The rest is computed and answered, and has at least a quarter of all connections.
        slot: the smallest number, from 0, that no other worker has: who takes a dead worker's place has its number.
    """

    slot: int

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.heads, self.bodies = _Line(), _Line()

    def init_signals(self) -> None:
        """Hear from here on."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """A connection."""
        paced = _Paced(client, self)
        try:
            super().handle(listener, paced, addr)
        finally:
            paced.leave()

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a request and its head: at most `keepalive` seconds, and none once the server stops."""
        with gevent.Timeout(self.cfg.keepalive, False):
            try:
                yield
            except TimeoutError:
                raise BrokenPipeError(errno.EPIPE, "the client takes too long over a head") from None

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """A client that neither sends nor takes anything for a while is given up."""
        sock.leave()
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
            for client in tuple(self.heads):
                client.end()

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
